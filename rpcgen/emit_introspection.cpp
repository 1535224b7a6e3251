// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/emit.hpp"

#include <fmt/format.h>

namespace xb::rpcgen {

namespace {

// `text` as the value of an attribute, and as part of a C++ raw string.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '&')
            result += "&amp;";
        else if (c == '<')
            result += "&lt;";
        else if (c == '>')
            result += "&gt;";
        else if (c == '"')
            result += "&quot;";
        else if (c == ')' || static_cast<unsigned char>(c) < 0x20) // the bracket could end a raw string
            result += fmt::format("&#{};", static_cast<int>(c));
        else
            result += c;
    }
    return result;
}

std::string annotationsXml(const std::vector<Annotation>& annotations, int indent) {
    std::string result;
    for (const auto& each : annotations)
        result += fmt::format("{:{}}<annotation name=\"{}\" value=\"{}\"/>\n", "", indent, each.name,
                              escaped(each.value));
    return result;
}

std::string argsXml(const std::vector<Arg>& args, bool withDirection) {
    std::string result;
    for (const auto& arg : args) {
        result += "   <arg";
        if (!arg.name.empty())
            result += fmt::format(" name=\"{}\"", arg.name);
        result += fmt::format(" type=\"{}\"", arg.signature);
        if (withDirection)
            result += fmt::format(" direction=\"{}\"", arg.out ? "out" : "in");
        result += "/>\n";
    }
    return result;
}

std::string element(const std::string& tag, const std::string& attributes, const std::string& content) {
    if (content.empty())
        return fmt::format("  <{} {}/>\n", tag, attributes);
    return fmt::format("  <{} {}>\n{}  </{}>\n", tag, attributes, content, tag);
}

std::string nameAttribute(const std::string& name) {
    return fmt::format("name=\"{}\"", name);
}

const char* accessOf(const Property& property) {
    if (!property.readable)
        return "write";
    return property.writable ? "readwrite" : "read";
}

} // namespace

std::string introspectionXml(const Interface& interface) {
    std::string result = fmt::format(" <interface name=\"{}\">\n", interface.name);
    result += annotationsXml(interface.annotations, 2);
    for (const auto& method : interface.methods)
        result += element("method", nameAttribute(method.name),
                          annotationsXml(method.annotations, 3) + argsXml(method.args, true));
    for (const auto& signal : interface.signals)
        result += element("signal", nameAttribute(signal.name),
                          annotationsXml(signal.annotations, 3) + argsXml(signal.args, false));
    for (const auto& property : interface.properties)
        result += element("property",
                          fmt::format("name=\"{}\" type=\"{}\" access=\"{}\"", property.name,
                                      property.signature, accessOf(property)),
                          annotationsXml(property.annotations, 3));
    return result + " </interface>\n";
}

} // namespace xb::rpcgen
