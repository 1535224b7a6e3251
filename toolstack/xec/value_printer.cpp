// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/value_printer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace xb::xec {

namespace {

// Column at which " = " of a dictionary entry begins, the indentation included.
constexpr std::size_t dictionaryWidth = 30;
constexpr std::string_view indentation = "  ";

constexpr std::array<std::string_view, 32> controlNames{
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "a",   "b",   "t",   "n",
    "v",   "f",   "r",   "SO",  "SI",  "DLE", "DC1", "DC2", "DC3", "DC4", "NAK",
    "SYN", "ETB", "CAN", "EM",  "SUB", "ESC", "FS",  "GS",  "RS",  "US"};

std::string printMembers(const Value::Members& members) {
    std::string text;
    for (const Value& member : members) {
        if (&member != &members.front())
            text += '\n';
        text += printValue(member);
    }
    return text;
}

std::string printDictionary(const Value& value) {
    std::string text = "{\n";
    for (const Value& entry : value.members())
        text += printEntry(printValue(entry.members()[0]), entry.members()[1],
                           dictionaryWidth - indentation.size()) +
                "\n";
    return text + "}";
}

} // namespace

std::string printEntry(std::string_view key, const Value& value, std::size_t width) {
    std::string quoted = "\"" + std::string(key) + "\"";
    if (quoted.size() < width)
        quoted.resize(width, ' ');
    return std::string(indentation) + quoted + " = " + printValue(value);
}

std::string printValue(const Value& value) {
    switch (value.type.at(0)) {
    case 'b':
        return std::get<bool>(value.data) ? "true" : "false";
    case 'n':
    case 'i':
    case 'x':
        return std::to_string(std::get<std::int64_t>(value.data));
    case 'y':
    case 'q':
    case 'u':
    case 't':
    case 'h':
        return std::to_string(std::get<std::uint64_t>(value.data));
    case 'd':
        return printDouble(std::get<double>(value.data));
    case 's':
    case 'o':
    case 'g':
        return std::get<std::string>(value.data);
    default:
        if (value.isBytes())
            return quoteBytes(std::get<std::string>(value.data));
        return value.isDict() ? printDictionary(value) : printMembers(value.members());
    }
}

std::string quoteBytes(std::string_view bytes) {
    std::string text = "\"";
    bool afterNumber = false;
    bool afterSo = false;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if ((afterNumber && c >= '0' && c <= '9') || (afterSo && c == 'H'))
            text += "\\&";
        afterNumber = byte > 0x7f;
        afterSo = byte == 0x0e;
        if (byte > 0x7f)
            text += "\\" + std::to_string(byte);
        else if (byte == 0x7f)
            text += "\\DEL";
        else if (byte < 0x20)
            text += "\\" + std::string(controlNames[byte]);
        else if (c == '"' || c == '\\')
            text += std::string("\\") + c;
        else
            text += c;
    }
    return text + "\"";
}

std::string printDouble(double number) {
    if (std::isnan(number))
        return "NaN";
    if (std::isinf(number))
        return number < 0 ? "-Infinity" : "Infinity";
    if (number == 0)
        return std::signbit(number) ? "-0.0" : "0.0";
    char buffer[40];
    const auto result =
        std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number), std::chars_format::scientific);
    const std::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
    const std::size_t mark = text.find('e');
    std::string digits(1, text[0]);
    if (mark > 2)
        digits += text.substr(2, mark - 2);
    const int exponent = std::stoi(std::string(text.substr(mark + 1)));
    const std::string sign = number < 0 ? "-" : "";
    if (exponent == -1)
        return sign + "0." + digits;
    if (exponent < 0 || exponent > 6)
        return sign + digits[0] + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "e" +
               std::to_string(exponent);
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole)
        digits.resize(whole + 1, '0');
    return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

} // namespace xb::xec
