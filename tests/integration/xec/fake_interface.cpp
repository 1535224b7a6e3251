// SPDX-License-Identifier: Apache-2.0
#include "fake_interface.hpp"

#include <algorithm>
#include <numeric>

namespace xb::test {

namespace {

std::string xmlArguments(const std::string& signature, const char* direction) {
    std::string xml;
    for (const xec::Type& type : xec::parseSignature(signature))
        xml += "<arg name=\"" + std::string(direction) + "\" type=\"" + type.text() + "\" direction=\"" +
               direction + "\"/>";
    return xml;
}

} // namespace

void FakeInterface::method(const std::string& name, const std::string& in, const std::string& out,
                           Handler handler, const std::string& annotation) {
    methods_.insert_or_assign(name, Method{in, out, annotation, std::move(handler)});
}

void FakeInterface::property(const std::string& name, const std::string& access, xec::Value value) {
    properties_.emplace_back(name, std::move(value));
    access_.insert_or_assign(name, access);
}

xec::Value& FakeInterface::value(const std::string& name) {
    for (auto& [known, value] : properties_)
        if (known == name)
            return value;
    throw std::logic_error("the fake has no property " + name);
}

const InterfaceInfo& FakeInterface::info() const {
    if (!xml_.empty())
        return info_;
    xml_ = "<interface name=\"" + name_ + "\">";
    for (const auto& [name, method] : methods_) {
        methodInfos_.push_back(MethodInfo{name, method.in, method.out, &FakeInterface::invoke});
        xml_ += "<method name=\"" + name + "\">" + method.annotation + xmlArguments(method.in, "in") +
                xmlArguments(method.out, "out") + "</method>";
    }
    for (const auto& [name, value] : properties_) {
        const std::string& access = access_.at(name);
        propertyInfos_.push_back(PropertyInfo{name, value.type, access != "write", access != "read"});
        xml_ += "<property name=\"" + name + "\" type=\"" + value.type + "\" access=\"" + access + "\"/>";
    }
    xml_ += "</interface>";
    byName_.resize(properties_.size());
    std::iota(byName_.begin(), byName_.end(), std::uint16_t{0});
    std::sort(byName_.begin(), byName_.end(),
              [this](auto a, auto b) { return propertyInfos_[a].name < propertyInfos_[b].name; });
    info_ = InterfaceInfo{name_, methodInfos_, propertyInfos_, xml_, byName_};
    return info_;
}

Task<> FakeInterface::invoke(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call) {
    auto fake = std::static_pointer_cast<FakeInterface>(self);
    const Handler handler = fake->methods_.at(call->message().member()).handler;
    co_await handler(call);
}

void FakeInterface::check(const std::string& property) const {
    const auto failure = failures_.find(property);
    if (failure != failures_.end())
        throw failure->second;
}

Task<> FakeInterface::readProperty(std::size_t index, Caller, PropertySink& sink) {
    ++reads;
    const auto& [name, value] = properties_.at(index);
    check(name);
    if (value.type == "s")
        sink.put(std::get<std::string>(value.data));
    else if (value.type == "i")
        sink.put(static_cast<std::int32_t>(std::get<std::int64_t>(value.data)));
    else if (value.type == "b")
        sink.put(std::get<bool>(value.data));
    else
        throw std::logic_error("the fake has no properties of type " + value.type);
    co_return;
}

Task<> FakeInterface::writeProperty(std::size_t index, Caller, PropertyValue newValue) {
    auto& [name, value] = properties_.at(index);
    check(name);
    if (value.type == "s")
        value.data = newValue.get<std::string>();
    else if (value.type == "i")
        value.data = std::int64_t{newValue.get<std::int32_t>()};
    else
        value.data = newValue.get<bool>();
    co_return;
}

xec::Value text(const std::string& value) {
    return xec::Value{"s", value};
}
xec::Value number(std::int32_t value) {
    return xec::Value{"i", std::int64_t{value}};
}
xec::Value boolean(bool value) {
    return xec::Value{"b", value};
}

} // namespace xb::test
