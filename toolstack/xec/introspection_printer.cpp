// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/introspection_printer.hpp"

#include <fmt/format.h>

namespace xb::xec {

namespace {

constexpr std::size_t nameWidth = 28;

std::string printArguments(const Method& method) {
    std::string text;
    for (const Argument& argument : method.arguments) {
        if (!text.empty())
            text += ", ";
        text += fmt::format("{}{}:{}", argument.out ? "OUT " : "", argument.name, argument.type.text());
    }
    return fmt::format("( {} )", text);
}

} // namespace

std::string printIntrospection(const Interfaces& interfaces) {
    std::string text;
    for (const InterfaceDescription& interface : interfaces) {
        text += fmt::format("/------- {}\n", interface.name);
        for (const Property& property : interface.properties)
            text += fmt::format("|     -  {:<{}} {}:{}\n", property.name, nameWidth, property.access,
                                property.type.text());
        for (const Method& method : interface.methods)
            text += fmt::format("|     +  {:<{}} {}\n", method.name, nameWidth, printArguments(method));
        text += "\n";
    }
    return text;
}

} // namespace xb::xec
