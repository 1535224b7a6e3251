// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/parser.hpp"

#include "rpcgen/input_error.hpp"
#include "rpcgen/names.hpp"
#include "rpcgen/types.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <stdexcept>

namespace xb::rpcgen {

namespace {

constexpr std::string_view ownAnnotations = "org.xenbroker.";
// Seconds; more than eleven days is a mistake.
constexpr int maxTimeout = 999999;

class Parser {
public:
    explicit Parser(const XmlFile& file) : file_(file) {}

    Document document() {
        result_.file = file_.name();
        const auto root = file_.root();
        if (std::string_view(root.name()) != "node")
            file_.fail(root, fmt::format("the root element is <{}>, not <node>", root.name()));
        checkAttributes(root, {"name", "xmlns"});
        for (const auto& child : elements(root, {"node", "interface", "annotation"})) {
            const std::string_view tag = child.name();
            if (tag == "interface")
                interface(child);
            else if (tag == "tp:enum")
                enumeration(child);
            else if (tag == "annotation")
                rootAnnotation(child);
        }
        return std::move(result_);
    }

private:
    // The element children. Elements of other namespaces ("tp:docstring") are nobody's business; of ours,
    // those that are not expected here are mistakes.
    std::vector<pugi::xml_node> elements(const pugi::xml_node& parent,
                                         std::initializer_list<std::string_view> known) const {
        std::vector<pugi::xml_node> result;
        for (const auto& child : parent.children()) {
            if (child.type() != pugi::node_element)
                continue;
            const std::string_view tag = child.name();
            if (tag.find(':') == std::string_view::npos && std::ranges::find(known, tag) == known.end())
                file_.fail(child, fmt::format("<{}> does not belong into <{}>", tag, parent.name()));
            result.push_back(child);
        }
        return result;
    }

    void checkAttributes(const pugi::xml_node& node, std::initializer_list<std::string_view> known) const {
        for (const auto& attribute : node.attributes()) {
            const std::string_view name = attribute.name();
            if (name.find(':') == std::string_view::npos && std::ranges::find(known, name) == known.end())
                file_.fail(node, fmt::format("<{}> has no attribute \"{}\"", node.name(), name));
        }
    }

    std::string required(const pugi::xml_node& node, const char* name) const {
        const auto attribute = node.attribute(name);
        if (!attribute)
            file_.fail(node, fmt::format("<{}> lacks the attribute \"{}\"", node.name(), name));
        return attribute.value();
    }

    template <class Check>
    std::string name(const pugi::xml_node& node, const char* attribute, Check valid) const {
        std::string value = required(node, attribute);
        if (!valid(value))
            file_.fail(node, fmt::format("\"{}\" is not a valid {} of <{}>", value, attribute, node.name()));
        return value;
    }

    std::string type(const pugi::xml_node& node) const {
        std::string signature = required(node, "type");
        try {
            static_cast<void>(cppTypeOf(signature));
        } catch (const std::invalid_argument& e) {
            file_.fail(node, e.what());
        }
        return signature;
    }

    template <class Members>
    void checkNew(const pugi::xml_node& node, const Members& members, const std::string& newName) const {
        for (const auto& member : members)
            if (member.name == newName)
                file_.fail(node, fmt::format("{} {} is declared twice, first in line {}", node.name(),
                                             newName, member.line));
        if (members.size() >= maxMembers)
            file_.fail(node, fmt::format("more than {} elements <{}>", maxMembers, node.name()));
    }

    Annotation annotation(const pugi::xml_node& node) const {
        checkAttributes(node, {"name", "value"});
        static_cast<void>(elements(node, {}));
        Annotation result{name(node, "name", isInterfaceName), required(node, "value")};
        if (result.value.size() > maxAnnotationLength)
            file_.fail(node, fmt::format("the value of annotation {} is longer than {} bytes", result.name,
                                         maxAnnotationLength));
        return result;
    }

    [[noreturn]] void misplaced(const pugi::xml_node& node, const Annotation& annotation) const {
        file_.fail(node,
                   fmt::format("annotation {} is unknown on <{}>", annotation.name, node.parent().name()));
    }

    [[noreturn]] void badValue(const pugi::xml_node& node, const Annotation& annotation,
                               std::string_view wanted) const {
        file_.fail(node, fmt::format("annotation {} has the value \"{}\", not {}", annotation.name,
                                     annotation.value, wanted));
    }

    // An annotation that is not ours is kept for introspection and means nothing to us.
    static bool isOurs(const Annotation& annotation) { return annotation.name.starts_with(ownAnnotations); }

    Annotation foreignAnnotation(const pugi::xml_node& node) const {
        Annotation result = annotation(node);
        if (isOurs(result))
            misplaced(node, result);
        return result;
    }

    void rootAnnotation(const pugi::xml_node& node) {
        const Annotation found = annotation(node);
        if (!isOurs(found))
            return;
        if (found.name != "org.xenbroker.ErrorName")
            misplaced(node, found);
        const auto equals = found.value.find('=');
        ErrorName error;
        error.line = file_.lineOf(node);
        error.shortName = found.value.substr(0, equals);
        if (equals != std::string::npos)
            error.fullName = found.value.substr(equals + 1);
        if (!isMemberName(error.shortName) || !isInterfaceName(error.fullName))
            badValue(node, found, "NAME=full.error.Name");
        for (const auto& other : result_.errorNames)
            if (other.shortName == error.shortName)
                file_.fail(node, fmt::format("error name {} is declared twice, first in line {}",
                                             other.shortName, other.line));
        if (result_.errorNames.size() >= maxMembers)
            file_.fail(node, fmt::format("more than {} error names", maxMembers));
        result_.errorNames.push_back(std::move(error));
    }

    void interface(const pugi::xml_node& node) {
        checkAttributes(node, {"name"});
        Interface found;
        found.name = name(node, "name", isInterfaceName);
        found.line = file_.lineOf(node);
        checkNew(node, result_.interfaces, found.name);
        for (const auto& child : elements(node, {"method", "signal", "property", "annotation"})) {
            const std::string_view tag = child.name();
            if (tag == "method")
                method(child, found);
            else if (tag == "signal")
                signal(child, found);
            else if (tag == "property")
                property(child, found);
            else if (tag == "annotation")
                interfaceAnnotation(child, found);
            else if (tag == "tp:enum")
                enumeration(child);
        }
        result_.interfaces.push_back(std::move(found));
    }

    void interfaceAnnotation(const pugi::xml_node& node, Interface& interface) const {
        Annotation found = annotation(node);
        if (found.name == "org.xenbroker.PropertyTable") {
            if (found.value != "true" && found.value != "false")
                badValue(node, found, "true or false");
            interface.propertyTable = found.value == "true";
        } else if (isOurs(found)) {
            misplaced(node, found);
        } else {
            interface.annotations.push_back(std::move(found));
        }
    }

    void method(const pugi::xml_node& node, Interface& interface) const {
        checkAttributes(node, {"name"});
        Method found;
        found.name = name(node, "name", isMemberName);
        found.line = file_.lineOf(node);
        checkNew(node, interface.methods, found.name);
        for (const auto& child : elements(node, {"arg", "annotation"})) {
            const std::string_view tag = child.name();
            if (tag == "arg")
                found.args.push_back(argument(child, found.args, true));
            else if (tag == "annotation")
                methodAnnotation(child, found);
        }
        checkBody(node, found.inputs());
        checkBody(node, found.outputs());
        interface.methods.push_back(std::move(found));
    }

    void methodAnnotation(const pugi::xml_node& node, Method& method) const {
        Annotation found = annotation(node);
        if (found.name == "org.xenbroker.Timeout") {
            int seconds = 0;
            const char* end = found.value.data() + found.value.size();
            auto [rest, error] = std::from_chars(found.value.data(), end, seconds);
            if (error != std::errc() || rest != end || seconds < 1 || seconds > maxTimeout)
                badValue(node, found, fmt::format("a number of seconds from 1 to {}", maxTimeout));
            method.timeoutSeconds = seconds;
        } else if (found.name == "org.xenbroker.Error") {
            if (!isInterfaceName(found.value))
                badValue(node, found, "the full name of an error");
        } else if (isOurs(found)) {
            misplaced(node, found);
        } else {
            method.annotations.push_back(std::move(found));
        }
    }

    // The body of a message is one signature, however many arguments it has.
    void checkBody(const pugi::xml_node& node, const std::vector<Arg>& args) const {
        std::size_t length = 0;
        for (const auto& arg : args)
            length += arg.signature.size();
        if (length > maxSignatureLength)
            file_.fail(node, fmt::format("the signature of all arguments has more than {} characters",
                                         maxSignatureLength));
    }

    Arg argument(const pugi::xml_node& node, const std::vector<Arg>& others, bool ofMethod) const {
        checkAttributes(node, {"name", "type", "direction"});
        for (const auto& child : elements(node, {"annotation"}))
            if (std::string_view(child.name()) == "annotation")
                static_cast<void>(foreignAnnotation(child));
        if (others.size() >= 2 * maxSignatureLength)
            file_.fail(node, fmt::format("more than {} arguments", 2 * maxSignatureLength));
        Arg found;
        found.name = node.attribute("name").value();
        if (!found.name.empty() && !isLooseName(found.name))
            file_.fail(node, fmt::format("\"{}\" is not a valid name of <arg>", found.name));
        found.signature = type(node);
        const std::string direction = node.attribute("direction").as_string(ofMethod ? "in" : "out");
        if (direction != "out" && (direction != "in" || !ofMethod))
            file_.fail(node, fmt::format("\"{}\" is not a valid direction of an argument of a {}", direction,
                                         node.parent().name()));
        found.out = ofMethod && direction == "out";
        for (const auto& other : others)
            if (!found.name.empty() && other.name == found.name && other.out == found.out)
                file_.fail(node, fmt::format("argument {} is declared twice", found.name));
        return found;
    }

    void signal(const pugi::xml_node& node, Interface& interface) const {
        checkAttributes(node, {"name"});
        Signal found;
        found.name = name(node, "name", isMemberName);
        found.line = file_.lineOf(node);
        checkNew(node, interface.signals, found.name);
        for (const auto& child : elements(node, {"arg", "annotation"})) {
            const std::string_view tag = child.name();
            if (tag == "arg")
                found.args.push_back(argument(child, found.args, false));
            else if (tag == "annotation")
                found.annotations.push_back(foreignAnnotation(child));
        }
        checkBody(node, found.args);
        interface.signals.push_back(std::move(found));
    }

    void property(const pugi::xml_node& node, Interface& interface) const {
        checkAttributes(node, {"name", "type", "access"});
        Property found;
        found.name = name(node, "name", isLooseName);
        found.line = file_.lineOf(node);
        checkNew(node, interface.properties, found.name);
        found.signature = type(node);
        const std::string access = required(node, "access");
        if (access != "read" && access != "write" && access != "readwrite")
            file_.fail(node,
                       fmt::format("\"{}\" is not a valid access: one of read, write and readwrite", access));
        found.readable = access != "write";
        found.writable = access != "read";
        for (const auto& child : elements(node, {"annotation"}))
            if (std::string_view(child.name()) == "annotation")
                found.annotations.push_back(foreignAnnotation(child));
        interface.properties.push_back(std::move(found));
    }

    void enumeration(const pugi::xml_node& node) {
        checkAttributes(node, {"name", "type"});
        Enum found;
        found.name = name(node, "name", isLooseName);
        found.line = file_.lineOf(node);
        found.signature = type(node);
        checkNew(node, result_.enums, found.name);
        std::vector<std::string> suffixes;
        for (const auto& child : elements(node, {})) {
            if (std::string_view(child.name()) != "tp:enumvalue")
                continue;
            checkAttributes(child, {"suffix", "value"});
            // A suffix may start with a digit.
            const auto valid = [](const std::string& suffix) {
                return isLooseName("_" + suffix) && !suffix.empty();
            };
            const std::string suffix = name(child, "suffix", valid);
            if (std::ranges::find(suffixes, suffix) != suffixes.end())
                file_.fail(child, fmt::format("suffix {} of enum {} is there twice", suffix, found.name));
            if (suffixes.size() >= maxMembers)
                file_.fail(child, fmt::format("more than {} elements <{}>", maxMembers, child.name()));
            suffixes.push_back(suffix);
            found.values.push_back({suffix, literal(child, found.signature), {}});
        }
        if (found.values.empty())
            file_.fail(node, fmt::format("enum {} has no values", found.name));
        result_.enums.push_back(std::move(found));
    }

    std::string literal(const pugi::xml_node& node, const std::string& signature) const {
        try {
            return literalOf(signature, required(node, "value"));
        } catch (const std::invalid_argument& e) {
            file_.fail(node, e.what());
        }
    }

    const XmlFile& file_;
    Document result_;
};

} // namespace

Document parse(const XmlFile& file) {
    return Parser(file).document();
}

} // namespace xb::rpcgen
