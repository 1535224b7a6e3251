// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/value_parser.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <charconv>
#include <limits>

namespace xb::xec {

namespace {

[[noreturn]] void fail(const std::string& reason) {
    throw Error(errors::invalidArgs, reason);
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

Value checkedString(char code, std::string text) {
    if (!isBusText(text))
        fail("a string is not valid UTF-8");
    if (code == 'o' && !isObjectPath(text))
        fail("\"" + text + "\" is not an object path");
    return Value{std::string(1, code), std::move(text)};
}

// Reads values from left to right. Recursion is as deep as the type, whose depth is bounded.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Value value(const Type& type) {
        skipBlanks();
        switch (type.code) {
        case 'b':
            return boolean();
        case 'y':
            return unsignedInteger<std::uint8_t>(type.code);
        case 'q':
            return unsignedInteger<std::uint16_t>(type.code);
        case 'u':
            return unsignedInteger<std::uint32_t>(type.code);
        case 't':
            return unsignedInteger<std::uint64_t>(type.code);
        case 'n':
            return signedInteger<std::int16_t>(type.code);
        case 'i':
            return signedInteger<std::int32_t>(type.code);
        case 'x':
            return signedInteger<std::int64_t>(type.code);
        case 'd':
            return real();
        case 's':
        case 'o':
            return checkedString(type.code, quoted());
        case 'a':
            return type.isDict() ? dictionary(type) : array(type);
        case '(':
            return structure(type);
        default:
            fail("a value of type " + type.text() + " cannot be given on the command line");
        }
    }

private:
    bool atEnd() const { return position_ == text_.size(); }
    char current() const { return atEnd() ? '\0' : text_[position_]; }

    void skipBlanks() {
        while (current() == ' ' || current() == '\t' || current() == '\n')
            ++position_;
    }

    bool take(std::string_view word) {
        if (text_.substr(position_).starts_with(word)) {
            position_ += word.size();
            return true;
        }
        return false;
    }

    void expect(char c) {
        skipBlanks();
        if (current() != c)
            fail(std::string("expected '") + c + "'" + where());
        ++position_;
    }

    std::string where() const {
        return atEnd() ? std::string(" at the end")
                       : " before \"" + std::string(text_.substr(position_, 20)) + "\"";
    }

    Value boolean() {
        for (const auto& [word, result] : {std::pair{"true", true}, std::pair{"false", false},
                                           std::pair{"1", true}, std::pair{"0", false}})
            if (take(word))
                return Value{"b", result};
        fail("expected true or false" + where());
    }

    template <class T>
    T integer() {
        T result{};
        const char* const begin = text_.data() + position_;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), result);
        if (error == std::errc::result_out_of_range)
            fail("a number is not between " + std::to_string(std::numeric_limits<T>::min()) + " and " +
                 std::to_string(std::numeric_limits<T>::max()));
        if (error != std::errc())
            fail("expected a number" + where());
        position_ += static_cast<std::size_t>(end - begin);
        return result;
    }

    template <class T>
    Value unsignedInteger(char code) {
        return Value{std::string(1, code), std::uint64_t{integer<T>()}};
    }

    template <class T>
    Value signedInteger(char code) {
        return Value{std::string(1, code), std::int64_t{integer<T>()}};
    }

    Value real() {
        std::size_t end = position_;
        auto digits = [&] {
            const std::size_t start = end;
            while (end < text_.size() && isDigit(text_[end]))
                ++end;
            return end > start;
        };
        if (current() == '-')
            ++end;
        if (!digits())
            fail("expected a number" + where());
        if (end + 1 < text_.size() && text_[end] == '.' && isDigit(text_[end + 1])) {
            ++end;
            digits();
        }
        double result = 0;
        const auto parsed = std::from_chars(text_.data() + position_, text_.data() + end, result);
        if (parsed.ec != std::errc())
            fail("a number is too large or too small");
        position_ = end;
        return Value{"d", result};
    }

    std::string quoted() {
        const char quote = current();
        if (quote != '\'' && quote != '"')
            fail("expected a quoted string" + where());
        std::string result;
        for (++position_; !atEnd(); ++position_) {
            char c = text_[position_];
            if (c == quote) {
                ++position_;
                return result;
            }
            if (c == '\\' && position_ + 1 < text_.size() &&
                (text_[position_ + 1] == '\\' || text_[position_ + 1] == quote))
                c = text_[++position_];
            result += c;
        }
        fail("a quoted string does not end");
    }

    Value array(const Type& type) {
        Value::Members members;
        expect('[');
        skipBlanks();
        if (!take("]")) {
            do
                members.push_back(value(type.inner[0]));
            while (comma());
            expect(']');
        }
        if (type.inner[0].code == 'y')
            return bytes(members);
        return Value{type.text(), std::move(members)};
    }

    static Value bytes(const Value::Members& members) {
        std::string result;
        for (const Value& member : members)
            result += static_cast<char>(std::get<std::uint64_t>(member.data));
        return Value{"ay", std::move(result)};
    }

    Value structure(const Type& type) {
        Value::Members members;
        expect('[');
        for (const Type& member : type.inner) {
            if (!members.empty())
                expect(',');
            members.push_back(value(member));
        }
        expect(']');
        return Value{type.text(), std::move(members)};
    }

    Value dictionary(const Type& type) {
        const Type& entry = type.inner[0];
        Value::Members entries;
        expect('{');
        skipBlanks();
        if (take("}"))
            return Value{type.text(), std::move(entries)};
        do {
            Value::Members pair;
            pair.push_back(value(entry.inner[0]));
            expect(':');
            pair.push_back(value(entry.inner[1]));
            entries.push_back(Value{entry.text(), std::move(pair)});
        } while (comma());
        expect('}');
        return Value{type.text(), std::move(entries)};
    }

    bool comma() {
        skipBlanks();
        return take(",");
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

} // namespace

Value parseValue(const Type& type, std::string_view word) {
    if (type.code == 's' || type.code == 'o')
        return checkedString(type.code, std::string(word));
    return Parser(word).value(type);
}

bool isObjectPath(std::string_view text) {
    if (text == "/")
        return true;
    if (text.empty() || text.front() != '/' || text.back() == '/')
        return false;
    char before = 0;
    for (const char c : text) {
        const bool allowed =
            isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
        if (!allowed || (c == '/' && before == '/'))
            return false;
        before = c;
    }
    return true;
}

} // namespace xb::xec
