// SPDX-License-Identifier: Apache-2.0
// Reading and writing a row of the property table: the ordinary case is a node of the database.
#include "xenmgr/db.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_properties.hpp"

#include <charconv>

namespace xb::xenmgr {

namespace {

int numberOf(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string textOf(const PropertyContent& content) {
    if (const auto* flag = std::get_if<bool>(&content))
        return *flag ? "true" : "false";
    if (const auto* number = std::get_if<int>(&content))
        return std::to_string(*number);
    return std::get<std::string>(content);
}

} // namespace

PropertyContent readVmProperty(const Context& context, const Vm& vm, const VmProperty& property) {
    if (property.read)
        return property.read(context, vm, property);
    const Db& db = context.db;
    if (!property.nativeExperience.empty() && db.readBool(vm.node() + "/native-experience", false))
        return property.nativeExperience == "true";
    std::string node; // made for every property of a GetAll: one allocation
    node.reserve(vm.node().size() + 1 + property.path.size());
    node.append(vm.node()).append(1, '/').append(property.path);
    switch (property.type) {
    case VmProperty::Type::boolean:
        return db.readBool(node, property.fallback == "true");
    case VmProperty::Type::integer:
        return db.readInt(node, numberOf(property.fallback));
    default:
        return db.read(node, property.fallback);
    }
}

Task<PropertyContent> fetchVmProperty(const Context& context, std::shared_ptr<Vm> vm,
                                      const VmProperty& property) {
    co_await context.db.fresh();
    if (property.readLater)
        co_return co_await property.readLater(context, vm);
    co_return readVmProperty(context, *vm, property);
}

Task<> writeVmProperty(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                       PropertyContent value) {
    co_await context.db.fresh();
    if (!context.db.exists(vm->node()))
        throw Error("VM " + vm->uuid() + " is not in the database any more");
    if (property.write) {
        co_await property.write(context, vm, property, std::move(value));
        co_return;
    }
    const std::string node = vm->node() + "/" + std::string(property.path);
    const std::string text = textOf(value);
    if (property.removeWhenEmpty && text.empty()) {
        if (context.db.exists(node))
            co_await context.db.remove(node);
        co_return;
    }
    if (context.db.exists(node) && context.db.read(node) == text)
        co_return;
    co_await context.db.write(node, text);
    context.signals.vmConfigChanged(vm->uuid());
}

void putContent(PropertySink& sink, const PropertyContent& content) {
    std::visit([&sink](const auto& value) { sink.put(value); }, content);
}

PropertyContent takeContent(PropertyValue& value, VmProperty::Type type) {
    switch (type) {
    case VmProperty::Type::boolean:
        return value.get<bool>();
    case VmProperty::Type::integer:
        return value.get<std::int32_t>();
    case VmProperty::Type::text:
        return value.get<std::string>();
    case VmProperty::Type::paths:
        break;
    }
    return value.get<std::vector<ObjectPath>>();
}

} // namespace xb::xenmgr
