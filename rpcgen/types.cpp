// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/types.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace xb::rpcgen {

namespace {

const char* basicType(char code) {
    switch (code) {
    case 'y':
        return "std::uint8_t";
    case 'b':
        return "bool";
    case 'n':
        return "std::int16_t";
    case 'q':
        return "std::uint16_t";
    case 'i':
        return "std::int32_t";
    case 'u':
        return "std::uint32_t";
    case 'x':
        return "std::int64_t";
    case 't':
        return "std::uint64_t";
    case 'd':
        return "double";
    case 's':
        return "std::string";
    case 'o':
        return "xb::ObjectPath";
    case 'g':
        return "xb::Signature";
    case 'h':
        return "xb::UnixFd";
    default:
        return nullptr;
    }
}

// Reads one signature from left to right. Its recursion is bounded by the nesting limits.
class Reader {
public:
    explicit Reader(std::string_view signature) : signature_(signature) {}

    std::string complete() {
        std::string type = next(0, 0);
        if (at_ != signature_.size())
            fail("is more than one complete type");
        return type;
    }

private:
    [[noreturn]] void fail(std::string_view reason) const {
        throw std::invalid_argument(fmt::format("type \"{}\" {}", signature_, reason));
    }

    char peek() const { return at_ < signature_.size() ? signature_[at_] : '\0'; }

    std::string next(int arrays, int structs) {
        if (arrays > maxTypeNesting || structs > maxTypeNesting)
            fail(fmt::format("is nested deeper than {} levels", maxTypeNesting));
        const char code = peek();
        ++at_;
        if (const char* basic = basicType(code))
            return basic;
        if (code == 'v')
            return "xb::Variant";
        if (code == 'a')
            return peek() == '{' ? dictionary(arrays + 1, structs + 1) // an entry is a struct of two
                                 : "std::vector<" + next(arrays + 1, structs) + ">";
        if (code == '(')
            return structure(arrays, structs + 1);
        if (code == '\0')
            fail("ends too early");
        if (code == '{')
            fail("has a dictionary entry outside an array");
        fail(fmt::format("has the unknown type code '{}' at position {}", code, at_));
    }

    std::string dictionary(int arrays, int structs) {
        ++at_;
        const char keyCode = peek();
        if (!basicType(keyCode))
            fail("has a dictionary whose key is not a basic type");
        if (keyCode == 'h')
            fail("has a dictionary whose key is a file descriptor, which C++ has no order for");
        const std::string key = next(arrays, structs);
        if (peek() == '}')
            fail("has a dictionary without a value type");
        const std::string value = next(arrays, structs);
        if (peek() != '}')
            fail("has a dictionary entry that is not closed after its value");
        ++at_;
        return "std::map<" + key + ", " + value + ">";
    }

    std::string structure(int arrays, int structs) {
        std::string members;
        while (peek() != ')') {
            if (!members.empty())
                members += ", ";
            members += next(arrays, structs);
        }
        ++at_;
        if (members.empty())
            fail("has a struct without members");
        return "xb::Struct<" + members + ">";
    }

    std::string_view signature_;
    std::size_t at_ = 0;
};

[[noreturn]] void badValue(std::string_view signature, const std::string& text) {
    throw std::invalid_argument(fmt::format("\"{}\" is not a value of type {}", text, signature));
}

template <class T>
T number(std::string_view signature, const std::string& text) {
    T value{};
    const char* end = text.data() + text.size();
    auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end)
        badValue(signature, text);
    return value;
}

template <class T>
std::string integerLiteral(std::string_view signature, const std::string& text) {
    const T value = number<T>(signature, text);
    if constexpr (std::is_unsigned_v<T>) {
        return fmt::format("{}{}", value, sizeof(T) == 8 ? "ULL" : "U");
    } else {
        // The least 64-bit number has no literal: its digits are one too many for the positive side.
        if (sizeof(T) == 8 && value == std::numeric_limits<T>::min())
            return "-9223372036854775807LL - 1";
        return fmt::format("{}{}", value, sizeof(T) == 8 ? "LL" : "");
    }
}

std::string doubleLiteral(std::string_view signature, const std::string& text) {
    const double value = number<double>(signature, text);
    if (!std::isfinite(value))
        badValue(signature, text);
    std::string literal = fmt::format("{}", value);
    if (literal.find_first_of(".e") == std::string::npos)
        literal += ".0";
    return literal;
}

} // namespace

std::string cppTypeOf(std::string_view signature) {
    if (signature.empty())
        throw std::invalid_argument("the type is empty");
    if (signature.size() > maxSignatureLength)
        throw std::invalid_argument(fmt::format("the type has more than {} characters", maxSignatureLength));
    return Reader(signature).complete();
}

bool isCheapToCopy(std::string_view signature) {
    return signature.size() == 1 &&
           std::string_view("ybnqiuxtd").find(signature[0]) != std::string_view::npos;
}

std::string literalOf(std::string_view signature, const std::string& text) {
    switch (signature.size() == 1 ? signature[0] : '\0') {
    case 's':
        return quoted(text);
    case 'b':
        if (text != "true" && text != "false")
            badValue(signature, text);
        return text;
    case 'y':
        return integerLiteral<std::uint8_t>(signature, text);
    case 'n':
        return integerLiteral<std::int16_t>(signature, text);
    case 'q':
        return integerLiteral<std::uint16_t>(signature, text);
    case 'i':
        return integerLiteral<std::int32_t>(signature, text);
    case 'u':
        return integerLiteral<std::uint32_t>(signature, text);
    case 'x':
        return integerLiteral<std::int64_t>(signature, text);
    case 't':
        return integerLiteral<std::uint64_t>(signature, text);
    case 'd':
        return doubleLiteral(signature, text);
    default:
        throw std::invalid_argument(fmt::format(
            "an enum cannot have type \"{}\": one of b, y, n, q, i, u, x, t, d and s", signature));
    }
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\' || c == '?') // '?': no trigraphs
            result += {'\\', c};
        else if (byte < 0x20 || byte >= 0x7f)
            result +=
                fmt::format("\\{:03o}", byte); // octal: three digits at most, so what follows cannot join in
        else
            result += c;
    }
    return result + '"';
}

} // namespace xb::rpcgen
