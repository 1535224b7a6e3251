// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/emit.hpp"
#include "rpcgen/types.hpp"

#include <fmt/format.h>

namespace xb::rpcgen {

namespace {

std::string handlerType(const Signal& signal) {
    return fmt::format("std::function<void({})>", typeList(signal.args));
}

bool hasReadable(const Interface& interface) {
    for (const auto& property : interface.properties)
        if (property.readable)
            return true;
    return false;
}

std::string propertyDeclarations(const Interface& interface) {
    std::string text;
    if (!interface.properties.empty())
        text += "\n    // Properties.\n";
    for (const auto& property : interface.properties) {
        if (property.readable)
            text += fmt::format("    xb::Task<{}> {}() const;\n", property.cppType, property.cppGetter);
        if (property.writable)
            text += fmt::format("    xb::Task<> {}({} value) const;\n", property.cppSetter, property.cppType);
    }
    if (hasReadable(interface))
        text += "    xb::Task<std::map<std::string, xb::Variant>> getAllProperties() const;\n";
    return text;
}

std::string clientClass(const Interface& interface) {
    std::string text =
        fmt::format("/// Client side of {0}. A small value: copy it, drop it while calls are under way.\n"
                    "class {1}Client : public xb::RemoteObject {{\npublic:\n"
                    "    static constexpr const char* interfaceName = interfaces::{2};\n\n"
                    "    using xb::RemoteObject::RemoteObject;\n",
                    interface.name, interface.cppClass, interface.cppConstant);
    if (!interface.methods.empty())
        text += "\n    // Methods.\n";
    for (const auto& method : interface.methods)
        text += fmt::format("    {} {}({}) const;\n", taskOf(method.outputs()), method.cppName,
                            valueParameters(method.inputs()));
    text += propertyDeclarations(interface);
    if (!interface.signals.empty())
        text += "\n    // Signals: subscribe at start-up, the bus is asked synchronously.\n";
    for (const auto& signal : interface.signals)
        text += fmt::format("    [[nodiscard]] xb::Subscription {}({} handler) const;\n",
                            signal.cppSubscriber, handlerType(signal));
    return text + "};\n";
}

std::string methodMember(const Interface& interface, const Method& method) {
    const auto inputs = method.inputs();
    const std::string result = resultType(method.outputs());
    std::string values;
    for (const auto& arg : inputs)
        values += ", " + arg.cppName;
    const std::string timeout = method.timeoutSeconds
                                    ? fmt::format("std::chrono::seconds({})", *method.timeoutSeconds)
                                    : "xb::defaultCallTimeout";
    return fmt::format(
        "{} {}Client::{}({}) const\n{{\n    return remoteCall<{}>(interfaceName, {}, {}{});\n}}\n\n",
        taskOf(method.outputs()), interface.cppClass, method.cppName, valueParameters(inputs), result,
        quoted(method.name), timeout, values);
}

std::string propertyMembers(const Interface& interface) {
    std::string text;
    for (const auto& property : interface.properties) {
        const std::string& type = property.cppType;
        if (property.readable)
            text += fmt::format("xb::Task<{0}> {1}Client::{2}() const\n{{\n"
                                "    return remoteGet<{0}>(interfaceName, {3});\n}}\n\n",
                                type, interface.cppClass, property.cppGetter, quoted(property.name));
        if (property.writable)
            text += fmt::format("xb::Task<> {1}Client::{2}({0} value) const\n{{\n"
                                "    return remoteSet<{0}>(interfaceName, {3}, value);\n}}\n\n",
                                type, interface.cppClass, property.cppSetter, quoted(property.name));
    }
    if (hasReadable(interface))
        text += fmt::format(
            "xb::Task<std::map<std::string, xb::Variant>> {}Client::getAllProperties() const\n{{\n"
            "    return remoteGetAll(interfaceName);\n}}\n\n",
            interface.cppClass);
    return text;
}

std::string signalMember(const Interface& interface, const Signal& signal) {
    return fmt::format("xb::Subscription {}Client::{}({} handler) const\n{{\n"
                       "    return remoteSignal<{}>(interfaceName, {}, std::move(handler));\n}}\n\n",
                       interface.cppClass, signal.cppSubscriber, handlerType(signal), typeList(signal.args),
                       quoted(signal.name));
}

} // namespace

std::string clientHeader(const Unit& unit) {
    std::string text = fileHead(unit, "Client side");
    text += fmt::format(
        "#pragma once\n\n"
        "#include \"{}_types.hpp\"\n"
        "#include \"toolstack/libs/remote_object.hpp\"\n\n"
        "#include <cstdint>\n#include <functional>\n#include <map>\n#include <string>\n#include <tuple>\n"
        "#include <vector>\n\n",
        unit.name);
    text += openNamespace(unit);
    for (const auto& interface : unit.document.interfaces)
        text += "\n" + clientClass(interface);
    return text + closeNamespace(unit);
}

std::string clientSource(const Unit& unit) {
    std::string text = fileHead(unit, "Client side");
    text += fmt::format("#include \"{}_client.hpp\"\n\n#include <chrono>\n#include <utility>\n\n", unit.name);
    text += openNamespace(unit);
    for (const auto& interface : unit.document.interfaces) {
        text += fmt::format("\n// --- {} ---\n\n", interface.name);
        for (const auto& method : interface.methods)
            text += methodMember(interface, method);
        text += propertyMembers(interface);
        for (const auto& signal : interface.signals)
            text += signalMember(interface, signal);
        text.pop_back();
    }
    return text + closeNamespace(unit);
}

} // namespace xb::rpcgen
