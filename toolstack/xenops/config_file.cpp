// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/config_file.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <charconv>

namespace xb::xenops {

namespace {

bool isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isDigit(char c) {
    return c >= '0' && c <= '9';
}
bool isNamePart(char c) {
    return isNameStart(c) || isDigit(c) || c == '-';
}

class Parser {
public:
    Parser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    std::vector<ConfigEntry> run() {
        std::vector<ConfigEntry> entries;
        for (;;) {
            skip(true);
            if (atEnd())
                return entries;
            if (entries.size() == maxConfigEntries)
                fail(fmt::format("more than {} assignments", maxConfigEntries));
            entries.push_back(assignment());
        }
    }

private:
    bool atEnd() const { return position_ == text_.size(); }
    char peek() const { return atEnd() ? '\0' : text_[position_]; }
    bool looksAt(std::string_view what) const { return text_.substr(position_).starts_with(what); }

    [[noreturn]] void fail(const std::string& reason, unsigned line = 0) const {
        throw Error(errors::invalidArgs, fmt::format("{}:{}: {}", file_, line ? line : line_, reason));
    }

    // What is next, for people.
    std::string found() const {
        if (atEnd())
            return "the end of the file";
        const char c = peek();
        if (c == '\n' || c == '\r')
            return "the end of the line";
        if (c > ' ' && c <= '~')
            return fmt::format("\"{}\"", c);
        return fmt::format("the byte {:#04x}", static_cast<unsigned char>(c));
    }

    // Blanks, comments and continued lines; with `lines` also ends of lines and statements.
    void skip(bool lines, bool semicolons = true) {
        while (!atEnd()) {
            const char c = peek();
            if (c == '#') {
                while (!atEnd() && peek() != '\n')
                    ++position_;
            } else if (looksAt("\\\n") || looksAt("\\\r\n")) {
                position_ += text_[position_ + 1] == '\n' ? 2U : 3U;
                ++line_;
            } else if (c == ' ' || c == '\t' || c == '\r' || (lines && semicolons && c == ';')) {
                ++position_;
            } else if (lines && c == '\n') {
                ++position_;
                ++line_;
            } else {
                return;
            }
        }
    }

    ConfigEntry assignment() {
        if (!isNameStart(peek()))
            fail(fmt::format("expected a key, found {}", found()));
        ConfigEntry entry;
        entry.line = line_;
        while (isNamePart(peek()))
            entry.key += text_[position_++];
        skip(false);
        if (peek() != '=')
            fail(fmt::format("expected = after {}, found {}; Python statements are not run", entry.key,
                             found()));
        ++position_;
        skip(false);
        entry.value = value(0);
        skip(false);
        if (!atEnd() && peek() != '\n' && peek() != ';')
            fail(fmt::format(
                "expected the end of the line after the value of {}, found {}; Python expressions are "
                "not evaluated, write the value itself",
                entry.key, found()));
        return entry;
    }

    ConfigValue value(unsigned depth) {
        const char c = peek();
        ConfigValue result;
        result.line = line_;
        if (c == '\'' || c == '"')
            result.data = string();
        else if (c == '[')
            result.data = list(depth);
        else if (isDigit(c) || c == '-')
            result.data = number();
        else if (isNameStart(c))
            result.data = word();
        else
            fail(fmt::format("expected a number, a text in quotes or a list, found {}", found()));
        return result;
    }

    std::string string() {
        const char quote = text_[position_++];
        const unsigned begin = line_;
        std::string result;
        for (;;) {
            if (atEnd() || peek() == '\n')
                fail(fmt::format("the text in quotes does not end on its line; {} is missing", quote), begin);
            const char c = text_[position_++];
            if (c == quote)
                return result;
            if (c == '\0')
                fail("a text cannot hold a NUL");
            result += c == '\\' ? escaped() : c;
        }
    }

    char escaped() {
        if (atEnd())
            fail("the file ends within a text");
        const char c = text_[position_++];
        switch (c) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case '\\':
        case '\'':
        case '"':
            return c;
        default:
            --position_;
            fail(fmt::format("\\ before {} has no meaning in a text; a \\ is written \\\\", found()));
        }
    }

    std::vector<ConfigValue> list(unsigned depth) {
        if (depth == maxListDepth)
            fail(fmt::format("lists within lists are at most {} deep", maxListDepth));
        const unsigned begin = line_;
        ++position_;
        std::vector<ConfigValue> elements;
        for (;;) {
            skip(true, false);
            if (peek() == ']')
                break;
            if (atEnd())
                fail("the list that begins here does not end: ] is missing", begin);
            if (elements.size() == maxListElements)
                fail(fmt::format("a list has at most {} elements", maxListElements));
            elements.push_back(value(depth + 1));
            skip(true, false);
            if (peek() == ',')
                ++position_;
            else if (atEnd())
                fail("the list that begins here does not end: ] is missing", begin);
            else if (peek() != ']')
                fail(fmt::format("expected , or ] in the list, found {}", found()));
        }
        ++position_;
        return elements;
    }

    std::int64_t number() {
        const std::size_t begin = position_;
        ++position_;
        while (isNameStart(peek()) || isDigit(peek()) || peek() == '.')
            ++position_;
        const std::string_view digits = text_.substr(begin, position_ - begin);
        const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
        std::int64_t result = 0;
        const char* first = digits.data() + (hex ? 2 : 0);
        const char* last = digits.data() + digits.size();
        const auto [end, error] = std::from_chars(first, last, result, hex ? 16 : 10);
        if (error != std::errc() || end != last)
            fail(fmt::format("\"{}\" is no whole number; texts are written in quotes", digits));
        return result;
    }

    // Python's constants, which xm's files have.
    std::int64_t word() {
        std::string name;
        while (isNamePart(peek()))
            name += text_[position_++];
        if (name == "True")
            return 1;
        if (name == "False" || name == "None")
            return 0;
        fail(fmt::format(
            "\"{}\" is no value: texts are written in quotes, and Python expressions are not evaluated",
            name));
    }

    std::string_view text_;
    const std::string& file_;
    std::size_t position_ = 0;
    unsigned line_ = 1;
};

} // namespace

std::vector<ConfigEntry> parseConfigFile(std::string_view text, const std::string& file) {
    if (text.size() > maxConfigBytes)
        throw Error(errors::limitsExceeded, fmt::format("{} has {} bytes; a configuration has at most {}",
                                                        file, text.size(), maxConfigBytes));
    return Parser(text, file).run();
}

} // namespace xb::xenops
