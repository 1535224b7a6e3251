// SPDX-License-Identifier: Apache-2.0
#include "garbage.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <pugixml.hpp>
#include <systemd/sd-bus.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <fcntl.h>
#include <limits>
#include <string_view>

namespace xb::test {

namespace {

constexpr std::string_view standardPrefix = "org.freedesktop.DBus.";
constexpr int deepestVariant = 8;
// A system bus takes 16 descriptors and 32 MiB with a message, and hangs up on whoever sends more.
constexpr int mostDescriptors = 8;
// Of texts and paths; what else a message of this size holds is little.
constexpr std::size_t mostBytes = std::size_t{8} << 20;
constexpr std::size_t longText = std::size_t{1} << 20;

void check(int result) {
    if (result < 0)
        throw systemError("cannot make up a message", -result);
}

// The end of the single complete type that starts at `at`.
std::size_t endOfType(std::string_view signature, std::size_t at) {
    if (signature[at] == 'a')
        return endOfType(signature, at + 1);
    const char open = signature[at];
    if (open != '(' && open != '{')
        return at + 1;
    const char close = open == '(' ? ')' : '}';
    int depth = 0;
    for (;; ++at) {
        depth += signature[at] == open ? 1 : signature[at] == close ? -1 : 0;
        if (depth == 0)
            return at + 1;
    }
}

} // namespace

// --- what is served ---

std::vector<std::string> Served::read(const std::string& path, const std::string& xml) {
    pugi::xml_document document;
    if (const auto result = document.load_string(xml.c_str()); !result)
        throw Error("the introspection of " + path + " is not XML: " + result.description());
    const auto node = document.child("node");
    bool object = false;
    for (const auto& interface : node.children("interface")) {
        const std::string name = interface.attribute("name").value();
        if (name.starts_with(standardPrefix))
            continue;
        object = true;
        for (const auto& method : interface.children("method")) {
            std::string signature;
            for (const auto& argument : method.children("arg"))
                if (std::string_view(argument.attribute("direction").value()) != "out")
                    signature += argument.attribute("type").value();
            methods.push_back({path, name, method.attribute("name").value(), signature});
        }
        for (const auto& property : interface.children("property"))
            properties.push_back({path, name, property.attribute("name").value(),
                                  property.attribute("type").value(),
                                  std::string_view(property.attribute("access").value()) != "read"});
    }
    if (object)
        paths.push_back(path);
    std::vector<std::string> children;
    for (const auto& child : node.children("node"))
        children.push_back((path == "/" ? "" : path) + "/" + child.attribute("name").value());
    return children;
}

Task<Served> Served::ask(Bus& bus, std::string service, std::string from) {
    Served served;
    std::vector<std::string> todo{from};
    while (!todo.empty()) {
        const std::string path = todo.back();
        todo.pop_back();
        Message reply = co_await bus.callMethod(
            service, path, std::string("org.freedesktop.DBus.Introspectable"), std::string("Introspect"));
        std::string xml;
        reply >> xml;
        for (auto& child : served.read(path, xml))
            todo.push_back(std::move(child));
    }
    co_return served;
}

// --- values ---

Garbage::Garbage(std::uint32_t seed, std::vector<std::string> hints)
    : random_(seed), texts_(std::move(hints)) {
    const std::vector<std::string> more{"",
                                        " ",
                                        "0",
                                        "-1",
                                        "true",
                                        "NaN",
                                        "999999999999999999999999",
                                        "1e999",
                                        "%s%n%s",
                                        "a=b;c=d",
                                        "{\"a\":",
                                        "{\"a\":{\"b\":\"c\"}}",
                                        "null",
                                        "\xf0\x9f\x92\xa9",

                                        "a\nuuid = 0",
                                        "\r\n",
                                        "\x01\x7f\x1b[2J",
                                        "/",
                                        "//",
                                        "/../../etc/passwd",
                                        "../..",
                                        "/dev/zero",
                                        "/proc/self/mem",
                                        ":1.0",
                                        "*",
                                        "<a>&amp;",
                                        std::string(255, 'n'),
                                        std::string(256, '/'),
                                        std::string(5000, '['),
                                        std::string(longText, 'A')};
    texts_.insert(texts_.end(), more.begin(), more.end());
}

std::size_t Garbage::below(std::size_t limit) {
    return random_() % limit; // not std::uniform_int_distribution: that differs from library to library
}

std::string Garbage::bounded(std::string value, const char* otherwise) {
    if (bytes_ + value.size() > mostBytes)
        return otherwise;
    bytes_ += value.size();
    return value;
}

std::string Garbage::text() {
    std::string text = texts_[below(texts_.size())];
    if (below(8) == 0)
        text += texts_[below(texts_.size())];
    return bounded(std::move(text), "x");
}

std::string Garbage::path() {
    constexpr std::array<const char*, 5> paths{
        "/", "/a", "/vm", "/vm/00000000_0000_0000_0000_000000000000",
        "/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_/_"};
    return bounded(below(6) == 0 ? "/" + std::string(60'000, 'p') : paths[below(paths.size())], "/");
}

std::string Garbage::otherThan(const std::string& signature) {
    constexpr std::array<const char*, 8> signatures{"", "s", "i", "ss", "as", "v", "a{sv}", "(ib)"};
    std::string other;
    do
        other = signatures[below(signatures.size())];
    while (other == signature);
    return other;
}

void Garbage::appendBasic(Message& message, char type) {
    sd_bus_message* const raw = message.raw();
    constexpr std::array<std::int64_t, 8> numbers{0,
                                                  1,
                                                  -1,
                                                  std::numeric_limits<std::int32_t>::max(),
                                                  std::numeric_limits<std::int32_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max(),
                                                  std::numeric_limits<std::int64_t>::min(),
                                                  4096};
    constexpr std::array<double, 6> fractions{0.0,
                                              -0.0,
                                              std::numeric_limits<double>::quiet_NaN(),
                                              std::numeric_limits<double>::infinity(),
                                              std::numeric_limits<double>::denorm_min(),
                                              -1e300};
    const std::int64_t number =
        below(3) == 0 ? static_cast<std::int64_t>(random_()) : numbers[below(numbers.size())];
    switch (type) {
    case 's':
        check(sd_bus_message_append_basic(raw, type, text().c_str()));
        break;
    case 'o':
        check(sd_bus_message_append_basic(raw, type, path().c_str()));
        break;
    case 'g':
        check(sd_bus_message_append_basic(raw, type, otherThan("").c_str()));
        break;
    case 'b': {
        const int value = static_cast<int>(below(2));
        check(sd_bus_message_append_basic(raw, type, &value));
        break;
    }
    case 'd':
        check(sd_bus_message_append_basic(raw, type, &fractions[below(fractions.size())]));
        break;
    case 'h': {
        const UniqueFd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
        const int value = fd.get();
        check(sd_bus_message_append_basic(raw, type, &value));
        break;
    }
    case 'y': {
        const auto value = static_cast<std::uint8_t>(number);
        check(sd_bus_message_append_basic(raw, type, &value));
        break;
    }
    case 'n':
    case 'q': {
        const auto value = static_cast<std::uint16_t>(number);
        check(sd_bus_message_append_basic(raw, type, &value));
        break;
    }
    case 'i':
    case 'u': {
        const auto value = static_cast<std::uint32_t>(number);
        check(sd_bus_message_append_basic(raw, type, &value));
        break;
    }
    case 'x':
    case 't':
        check(sd_bus_message_append_basic(raw, type, &number));
        break;
    default:
        throw Error(std::string("no value of type ") + type + " is known here");
    }
}

void Garbage::appendOne(Message& message, std::string_view signature, std::size_t& at) {
    const std::size_t end = endOfType(signature, at);
    const std::string_view type = signature.substr(at, end - at);
    at = end;
    sd_bus_message* const raw = message.raw();
    if (type[0] == 'v') {
        appendVariant(message);
    } else if (type[0] == 'a') {
        const std::string element(type.substr(1));
        check(sd_bus_message_open_container(raw, 'a', element.c_str()));
        const std::size_t count = below(20) == 0 ? 300 : below(4);
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t inner = 0;
            appendOne(message, element, inner);
        }
        check(sd_bus_message_close_container(raw));
    } else if (type[0] == '(' || type[0] == '{') {
        const std::string members(type.substr(1, type.size() - 2));
        check(sd_bus_message_open_container(raw, type[0] == '(' ? 'r' : 'e', members.c_str()));
        appendAll(message, members);
        check(sd_bus_message_close_container(raw));
    } else {
        appendBasic(message, type[0]);
    }
}

void Garbage::append(Message& message, const std::string& signature) {
    descriptors_ = 0;
    bytes_ = 0;
    appendAll(message, signature);
}

void Garbage::appendAll(Message& message, const std::string& signature) {
    for (std::size_t at = 0; at < signature.size();)
        appendOne(message, signature, at);
}

void Garbage::appendVariant(Message& message) {
    constexpr std::array<const char*, 11> types{"s",    "i", "b", "d", "as", "a{sv}",
                                                "(si)", "o", "h", "x", "v"};
    std::string type = types[below(types.size())];
    if (++depth_ >= deepestVariant || (type == "h" && ++descriptors_ > mostDescriptors))
        type = "s";
    check(sd_bus_message_open_container(message.raw(), 'v', type.c_str()));
    appendAll(message, type);
    check(sd_bus_message_close_container(message.raw()));
    --depth_;
}

} // namespace xb::test
