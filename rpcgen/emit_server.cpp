// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/emit.hpp"
#include "rpcgen/types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace xb::rpcgen {

namespace {

// Introspection data is cut into literals of this size: there are compilers and editors that have a limit.
constexpr std::size_t literalPiece = 16 * 1024;

std::string propertyEnum(const Interface& interface) {
    std::string text =
        fmt::format("/// The properties of {}: the index that readProperty() and writeProperty() get.\n"
                    "enum class {}Property : std::uint16_t {{\n",
                    interface.name, interface.cppClass);
    for (const auto& property : interface.properties)
        text += fmt::format("    {}, // {}{}{}\n", property.cppEnumerator, property.signature,
                            property.readable ? "" : ", write-only", property.writable ? "" : ", read-only");
    return text + "};\n\n";
}

std::string accessors(const Interface& interface) {
    std::string text;
    for (const auto& property : interface.properties) {
        if (property.readable)
            text += fmt::format("    virtual xb::Task<{}> {}(xb::Caller caller) = 0;\n", property.cppType,
                                property.cppGetter);
        if (property.writable)
            text += fmt::format("    virtual xb::Task<> {}(xb::Caller caller, {} value) = 0;\n",
                                property.cppSetter, property.cppType);
    }
    return text.empty() ? text
                        : "\n    // Properties.\n" + text +
                              "    xb::Task<> readProperty(std::size_t index, xb::Caller caller, "
                              "xb::PropertySink& sink) override;\n"
                              "    xb::Task<> writeProperty(std::size_t index, xb::Caller caller, "
                              "xb::PropertyValue value) override;\n";
}

std::string serverClass(const Interface& interface) {
    std::string text;
    const bool table = interface.propertyTable;
    if (table)
        text += propertyEnum(interface);
    text += fmt::format("/// Server side of {0}.\nclass {1}Server : public xb::Interface {{\npublic:\n"
                        "    static const xb::InterfaceInfo& staticInfo();\n"
                        "    const xb::InterfaceInfo& info() const final {{ return staticInfo(); }}\n",
                        interface.name, interface.cppClass);
    if (!interface.methods.empty())
        text += "\n    // Methods.\n";
    for (const auto& method : interface.methods)
        text += fmt::format("    virtual {} {}({}) = 0;\n", taskOf(method.outputs()), method.cppName,
                            valueParameters(method.inputs(), "xb::Caller caller"));
    if (table)
        text += "\n    // Properties: readProperty() and writeProperty() are the derived class's own.\n";
    else if (interface.properties.empty())
        text += "\n    // There are no properties: these throw.\n"
                "    xb::Task<> readProperty(std::size_t index, xb::Caller caller, xb::PropertySink& sink) "
                "override;\n"
                "    xb::Task<> writeProperty(std::size_t index, xb::Caller caller, xb::PropertyValue value) "
                "override;\n";
    else
        text += accessors(interface);
    if (!interface.signals.empty())
        text += "\n    // Signals: sent from this object's path; nothing happens before it is on the bus.\n";
    for (const auto& signal : interface.signals)
        text += fmt::format("    void {}({});\n", signal.cppEmitter, referenceParameters(signal.args));
    return text + "};\n";
}

// Everything has a name before it is awaited: GCC 12 forgets temporaries of a co_await expression.
std::string thunk(const Interface& interface, const Method& method) {
    const auto inputs = method.inputs();
    const auto outputs = method.outputs();
    std::string text = fmt::format("xb::Task<> {}(std::shared_ptr<xb::Interface> self, "
                                   "std::shared_ptr<xb::IncomingCall> call)\n{{\n"
                                   "    auto& server = static_cast<{}Server&>(*self);\n",
                                   "invoke_" + method.name, interface.cppClass);
    std::string arguments = "std::move(caller)";
    if (inputs.empty()) {
        text += "    static_cast<void>(call->arguments<>()); // none\n";
    } else {
        text += fmt::format("    auto arguments = call->arguments<{}>();\n", typeList(inputs));
        for (std::size_t i = 0; i < inputs.size(); ++i)
            arguments += fmt::format(", std::move(std::get<{}>(arguments))", i);
    }
    text += "    xb::Caller caller = call->caller();\n";
    text += fmt::format("    auto task = server.{}({});\n", method.cppName, arguments);
    if (outputs.empty()) {
        text += "    co_await std::move(task);\n    call->reply();\n";
    } else {
        text += fmt::format("    const {} result = co_await std::move(task);\n", resultType(outputs));
        std::vector<std::string> values;
        for (std::size_t i = 0; i < outputs.size(); ++i)
            values.push_back(outputs.size() == 1 ? std::string("result")
                                                 : fmt::format("std::get<{}>(result)", i));
        text += fmt::format("    call->reply({});\n", fmt::join(values, ", "));
    }
    return text + "}\n\n";
}

// As raw strings, cut between lines, which are all shorter than a piece (maxAnnotationLength). Nothing in the
// text looks like their end: it has closing brackets only in types.
std::string rawLiteral(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(at + literalPiece, text.size());
        if (end < text.size())
            end = text.rfind('\n', end - 1) + 1;
        result += fmt::format("{}R\"xml({})xml\"", at == 0 ? "" : "\n", text.substr(at, end - at));
        at = end;
    }
    return result;
}

template <class Member>
std::vector<std::size_t> sortedByName(const std::vector<Member>& members) {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, std::less<>(), [&](std::size_t i) { return std::string_view(members[i].name); });
    return order;
}

std::string infoTable(const Interface& interface) {
    std::string text;
    if (!interface.methods.empty()) {
        text += "// Sorted by name.\nconstexpr xb::MethodInfo methods[] = {\n";
        for (const std::size_t i : sortedByName(interface.methods)) {
            const Method& method = interface.methods[i];
            text += fmt::format("    {{{}, {}, {}, &invoke_{}}},\n", quoted(method.name),
                                quoted(bodySignature(method.inputs())),
                                quoted(bodySignature(method.outputs())), method.name);
        }
        text += "};\n\n";
    }
    if (!interface.properties.empty()) {
        text += "constexpr xb::PropertyInfo properties[] = {\n";
        for (const auto& property : interface.properties)
            text += fmt::format("    {{{}, {}, {}, {}}},\n", quoted(property.name),
                                quoted(property.signature), property.readable, property.writable);
        text += fmt::format("}};\n\nconstexpr std::uint16_t propertiesByName[] = {{\n    {},\n}};\n\n",
                            fmt::join(sortedByName(interface.properties), ", "));
    }
    text += fmt::format("constexpr std::string_view xml =\n{};\n\n", rawLiteral(introspectionXml(interface)));
    text += fmt::format("constexpr xb::InterfaceInfo info{{{}, {}, {}, xml, {}}};\n", quoted(interface.name),
                        interface.methods.empty() ? "{}" : "methods",
                        interface.properties.empty() ? "{}" : "properties",
                        interface.properties.empty() ? "{}" : "propertiesByName");
    return text;
}

std::string readSwitch(const Interface& interface) {
    std::string cases;
    for (std::size_t i = 0; i < interface.properties.size(); ++i) {
        const Property& property = interface.properties[i];
        if (property.readable)
            cases += fmt::format("    case {}: {{ // {}\n"
                                 "        auto task = {}(std::move(caller));\n"
                                 "        const {} value = co_await std::move(task);\n"
                                 "        sink.put(value);\n"
                                 "        co_return;\n"
                                 "    }}\n",
                                 i, property.name, property.cppGetter, property.cppType);
    }
    return cases;
}

std::string writeSwitch(const Interface& interface) {
    std::string cases;
    for (std::size_t i = 0; i < interface.properties.size(); ++i) {
        const Property& property = interface.properties[i];
        if (property.writable)
            cases += fmt::format("    case {}: {{ // {}\n"
                                 "        {} wanted = value.get<{}>();\n"
                                 "        auto task = {}(std::move(caller), std::move(wanted));\n"
                                 "        co_await std::move(task);\n"
                                 "        co_return;\n"
                                 "    }}\n",
                                 i, property.name, property.cppType, property.cppType, property.cppSetter);
    }
    return cases;
}

std::string propertyFunction(const Interface& interface, const std::string& function, const std::string& last,
                             const std::string& cases) {
    const std::string text =
        fmt::format("xb::Task<> {}Server::{}(std::size_t index, ", interface.cppClass, function);
    const std::string failure = fmt::format("{0}throw xb::Error(xb::errors::unknownProperty,\n"
                                            "{0}                \"{1} has no such property: index \" + "
                                            "std::to_string(index));\n",
                                            cases.empty() ? "    " : "        ", interface.name);
    if (cases.empty())
        return text + fmt::format("xb::Caller, {})\n{{\n{}    co_return; // a coroutine\n}}\n\n",
                                  last.substr(0, last.rfind(' ')), failure);
    return text +
           fmt::format("xb::Caller caller, {})\n{{\n    switch (index) {{\n{}    default:\n{}    }}\n}}\n\n",
                       last, cases, failure);
}

std::string serverMembers(const Interface& interface) {
    std::string text =
        fmt::format("const xb::InterfaceInfo& {0}Server::staticInfo() {{ return {0}Data::info; }}\n\n",
                    interface.cppClass);
    if (!interface.propertyTable) {
        text += propertyFunction(interface, "readProperty", "xb::PropertySink& sink", readSwitch(interface));
        text +=
            propertyFunction(interface, "writeProperty", "xb::PropertyValue value", writeSwitch(interface));
    }
    for (const auto& signal : interface.signals) {
        std::string values;
        for (const auto& arg : signal.args)
            values += ", " + arg.cppName;
        text += fmt::format("void {}Server::{}({})\n{{\n    emitSignal({}{});\n}}\n\n", interface.cppClass,
                            signal.cppEmitter, referenceParameters(signal.args), quoted(signal.name), values);
    }
    return text;
}

} // namespace

std::string serverHeader(const Unit& unit) {
    std::string text = fileHead(unit, "Server side");
    text += fmt::format(
        "#pragma once\n\n"
        "#include \"{}_types.hpp\"\n"
        "#include \"toolstack/libs/interface.hpp\"\n\n"
        "#include <cstddef>\n#include <cstdint>\n#include <map>\n#include <string>\n#include <tuple>\n"
        "#include <vector>\n\n",
        unit.name);
    text += openNamespace(unit);
    for (const auto& interface : unit.document.interfaces)
        text += "\n" +
                (interface.builtIn()
                     ? fmt::format("// {} is answered by the bus layer for every object.\n", interface.name)
                     : serverClass(interface));
    return text + closeNamespace(unit);
}

std::string serverSource(const Unit& unit) {
    std::string text = fileHead(unit, "Server side");
    text += fmt::format(
        "#include \"{}_server.hpp\"\n\n#include <memory>\n#include <string_view>\n#include <utility>\n\n",
        unit.name);
    text += openNamespace(unit);
    for (const auto& interface : unit.document.interfaces) {
        if (interface.builtIn())
            continue;
        if (!text.ends_with("\n\n"))
            text += "\n";
        text += fmt::format("// --- {} ---\n\nnamespace {{\nnamespace {}Data {{\n\n", interface.name,
                            interface.cppClass);
        for (const auto& method : interface.methods)
            text += thunk(interface, method);
        text += infoTable(interface);
        text += fmt::format("\n}} // namespace {}Data\n}} // namespace\n\n", interface.cppClass);
        text += serverMembers(interface);
    }
    if (text.ends_with("\n\n"))
        text.pop_back();
    return text + closeNamespace(unit);
}

} // namespace xb::rpcgen
