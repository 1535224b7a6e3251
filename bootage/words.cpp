// SPDX-License-Identifier: Apache-2.0
#include "bootage/words.hpp"

#include <algorithm>

namespace xb::bootage {

namespace {

bool isBlank(char c) {
    return c == ' ' || c == '\t';
}

bool isControl(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

bool isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

class Splitter {
public:
    Splitter(std::string_view line, const Variables& variables, const Location& where)
        : rest_(line), variables_(variables), where_(where) {}

    std::vector<std::string> split() {
        std::vector<std::string> words;
        for (skipBlanks(); !rest_.empty(); skipBlanks()) {
            if (words.empty() && rest_.front() == '#')
                break;
            if (words.size() == maxWords)
                fail("more than " + std::to_string(maxWords) + " words");
            words.push_back(takeWord());
        }
        return words;
    }

private:
    [[noreturn]] void fail(const std::string& text) const { throw ConfigError(where_, text); }

    void skipBlanks() {
        while (!rest_.empty() && isBlank(rest_.front()))
            rest_.remove_prefix(1);
    }

    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void add(std::string& word, std::string_view text) const {
        if (text.size() > maxWordLength - word.size())
            fail("a word is longer than " + std::to_string(maxWordLength) + " bytes");
        word += text;
    }

    std::string takeWord() {
        std::string word;
        while (!rest_.empty() && !isBlank(rest_.front())) {
            if (rest_.front() == '\'')
                takeSingleQuoted(word);
            else if (rest_.front() == '"')
                takeDoubleQuoted(word);
            else
                takeCharacter(word);
        }
        return word;
    }

    // One character, or what a variable holds.
    void takeCharacter(std::string& word) {
        if (rest_.starts_with("${")) {
            takeVariable(word);
            return;
        }
        const char c = take();
        add(word, {&c, 1});
    }

    void takeSingleQuoted(std::string& word) {
        const auto end = rest_.find('\'', 1);
        if (end == std::string_view::npos)
            fail("a single quote is not closed");
        add(word, rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
    }

    void takeDoubleQuoted(std::string& word) {
        take();
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.starts_with("\\\"") || rest_.starts_with("\\\\"))
                take();
            else if (rest_.starts_with("${")) {
                takeVariable(word);
                continue;
            }
            const char c = take();
            add(word, {&c, 1});
        }
        if (rest_.empty())
            fail("a double quote is not closed");
        take();
    }

    void takeVariable(std::string& word) {
        const auto end = rest_.find('}');
        if (end == std::string_view::npos)
            fail("\"${\" without \"}\"; put it into single quotes if it is meant literally");
        const std::string name(rest_.substr(2, end - 2));
        if (!isVariableName(name))
            fail("\"${" + name +
                 "}\" does not name a variable; put it into single quotes if it is meant literally");
        const auto found = variables_.find(name);
        if (found == variables_.end())
            fail("${" + name + "} is not set: give --set " + name + "=VALUE or set it in the environment");
        add(word, found->second);
        rest_.remove_prefix(end + 1);
    }

    std::string_view rest_;
    const Variables& variables_;
    const Location& where_;
};

} // namespace

bool isVariableName(std::string_view name) {
    return !name.empty() && isLetter(name.front()) &&
           std::ranges::all_of(name, [](char c) { return isLetter(c) || isDigit(c); });
}

std::vector<std::string> splitWords(std::string_view line, const Variables& variables,
                                    const Location& where) {
    if (line.size() > maxLineLength)
        throw ConfigError(where, "the line is longer than " + std::to_string(maxLineLength) + " bytes");
    const auto control = std::ranges::find_if(line, isControl);
    if (control != line.end())
        throw ConfigError(where,
                          "control character " + std::to_string(static_cast<unsigned char>(*control)) +
                              (*control == '\r' ? " (carriage return: end lines with \\n alone)" : ""));
    return Splitter(line, variables, where).split();
}

} // namespace xb::bootage
