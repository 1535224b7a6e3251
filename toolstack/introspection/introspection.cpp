// SPDX-License-Identifier: Apache-2.0
#include "toolstack/introspection/introspection.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <charconv>

namespace xb::introspection {

namespace {

constexpr std::size_t nameLimit = 255; // D-Bus specification, "Valid Names"
constexpr std::string_view timeoutAnnotation = "org.xenbroker.Timeout";
constexpr std::chrono::seconds longestTimeout{std::chrono::hours(24 * 365)};

[[noreturn]] void fail(const std::string& reason) {
    throw Error("the object's introspection data cannot be used: " + reason);
}

// Names are printed and go into messages: no control characters, no blanks, not empty.
std::string checkedName(const pugi::xml_node& node) {
    std::string name = node.attribute("name").as_string();
    const bool good = !name.empty() && name.size() <= nameLimit && isBusText(name) &&
                      std::none_of(name.begin(), name.end(), [](char c) {
                          const auto byte = static_cast<unsigned char>(c);
                          return byte <= 0x20 || byte == 0x7f;
                      });
    if (!good)
        fail(std::string("a <") + node.name() + "> has no proper name");
    return name;
}

class Reader {
public:
    InterfaceDescription interface(const pugi::xml_node& node) {
        count();
        InterfaceDescription result;
        result.name = checkedName(node);
        for (const pugi::xml_node& child : node.children()) {
            const std::string_view tag = child.name();
            if (tag == "method")
                result.methods.push_back(method(child));
            else if (tag == "property")
                result.properties.push_back(property(child));
        }
        return result;
    }

private:
    void count() {
        if (++members_ > introspectionMemberLimit)
            fail(fmt::format("it has more than {} members", introspectionMemberLimit));
    }

    Method method(const pugi::xml_node& node) {
        count();
        Method result;
        result.name = checkedName(node);
        for (const pugi::xml_node& child : node.children()) {
            const std::string_view tag = child.name();
            if (tag == "arg")
                result.arguments.push_back(argument(child));
            else if (tag == "annotation" && child.attribute("name").as_string() == timeoutAnnotation)
                result.timeout = timeout(child.attribute("value").as_string());
        }
        return result;
    }

    Argument argument(const pugi::xml_node& node) {
        count();
        Argument result;
        if (*node.attribute("name").as_string())
            result.name = checkedName(node);
        result.type = parseType(node.attribute("type").as_string());
        result.out = std::string_view(node.attribute("direction").as_string()) == "out";
        return result;
    }

    Property property(const pugi::xml_node& node) {
        count();
        Property result;
        result.name = checkedName(node);
        result.type = parseType(node.attribute("type").as_string());
        result.access = node.attribute("access").as_string();
        if (result.access != "read" && result.access != "write" && result.access != "readwrite")
            fail("the property " + result.name + " has no proper access");
        return result;
    }

    // A hint only: what is no number of seconds is left out.
    static std::optional<std::chrono::seconds> timeout(std::string_view text) {
        std::int64_t seconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (error != std::errc() || end != text.data() + text.size() || seconds <= 0)
            return std::nullopt;
        return std::min(std::chrono::seconds(seconds), longestTimeout);
    }

    std::size_t members_ = 0;
};

} // namespace

std::vector<Type> Method::inputs() const {
    std::vector<Type> types;
    for (const Argument& argument : arguments)
        if (!argument.out)
            types.push_back(argument.type);
    return types;
}

const Method* InterfaceDescription::findMethod(std::string_view method) const {
    const auto found =
        std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == method; });
    return found == methods.end() ? nullptr : &*found;
}

const Property* InterfaceDescription::findProperty(std::string_view property) const {
    const auto found = std::find_if(properties.begin(), properties.end(),
                                    [&](const Property& p) { return p.name == property; });
    return found == properties.end() ? nullptr : &*found;
}

Interfaces parseIntrospection(std::string_view xml) {
    if (xml.size() > introspectionSizeLimit)
        fail(fmt::format("it is larger than {} bytes", introspectionSizeLimit));
    pugi::xml_document document;
    const auto parsed =
        document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed)
        fail(std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset));
    const pugi::xml_node root = document.child("node");
    if (!root)
        fail("it is no <node>");
    Reader reader;
    Interfaces interfaces;
    for (const pugi::xml_node& node : root.children("interface"))
        interfaces.push_back(reader.interface(node));
    return interfaces;
}

} // namespace xb::introspection
