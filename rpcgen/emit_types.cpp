// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/emit.hpp"
#include "rpcgen/types.hpp"

#include <fmt/format.h>

namespace xb::rpcgen {

namespace {

std::string interfaceNames(const Document& document) {
    std::string text = "\n/// Names of the interfaces.\nnamespace interfaces {\n";
    for (const auto& interface : document.interfaces)
        text += fmt::format("inline constexpr const char* {} = {};\n", interface.cppConstant,
                            quoted(interface.name));
    return text + "} // namespace interfaces\n";
}

std::string errorNames(const Document& document) {
    if (document.errorNames.empty())
        return {};
    std::string text = "\n/// Names of the errors that callers should expect.\nnamespace errorNames {\n";
    for (const auto& error : document.errorNames)
        text += fmt::format("inline constexpr const char* {} = {};\n", error.cppName, quoted(error.fullName));
    text += "} // namespace errorNames\n";
    for (const auto& error : document.errorNames)
        text += fmt::format("\ninline xb::Error {}(const std::string& text)\n{{\n"
                            "    return xb::Error(errorNames::{}, text);\n}}\n",
                            error.cppFactory, error.cppName);
    return text;
}

std::string enumeration(const Enum& each) {
    const bool isText = each.signature == "s";
    const std::string constantType = isText ? "const char*" : cppTypeOf(each.signature);
    const std::string valueType = isText ? "std::string_view" : constantType;
    std::string text =
        fmt::format("\n/// {}, of type {}.\nnamespace {} {{\n", each.name, each.signature, each.cppName);
    std::string all;
    for (const auto& value : each.values) {
        text += fmt::format("inline constexpr {} {} = {};\n", constantType, value.cppName, value.literal);
        all += fmt::format("    {},\n", value.cppName);
    }
    text += fmt::format("/// All of them.\ninline constexpr {} values[] = {{\n{}}};\n}} // namespace {}\n",
                        valueType, all, each.cppName);
    text += fmt::format("\nconstexpr bool {}({} value)\n{{\n"
                        "    for (const {} each : {}::values)\n"
                        "        if (each == value)\n"
                        "            return true;\n"
                        "    return false;\n}}\n",
                        each.cppChecker, valueType, valueType, each.cppName);
    return text;
}

} // namespace

std::string typesHeader(const Unit& unit) {
    std::string text = fileHead(unit, "Names and enumerations");
    text += "#pragma once\n\n"
            "#include \"toolstack/libs/error.hpp\"\n\n"
            "#include <cstdint>\n#include <string>\n#include <string_view>\n\n";
    text += openNamespace(unit);
    text += interfaceNames(unit.document);
    text += errorNames(unit.document);
    for (const auto& each : unit.document.enums)
        text += enumeration(each);
    return text + closeNamespace(unit);
}

} // namespace xb::rpcgen
