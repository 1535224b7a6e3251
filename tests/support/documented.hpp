// SPDX-License-Identifier: Apache-2.0
// The lists of docs/not-supported.md, for the tests that compare them with what the programs do: words with
// commas between "<!-- MARK -->" and "<!-- end -->".
#pragma once

#include "toolstack/libs/files.hpp"

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

namespace xb::test {

inline std::set<std::string> wordsOf(const std::string& text) {
    std::set<std::string> words;
    std::istringstream parts(text);
    std::string part;
    while (std::getline(parts, part, ',')) {
        const auto first = part.find_first_not_of(" \n");
        if (first != std::string::npos)
            words.insert(part.substr(first, part.find_last_not_of(" \n") - first + 1));
    }
    return words;
}

/// The list that `mark` begins in the file at `path`.
inline std::set<std::string> documented(const std::string& path, const std::string& mark) {
    const std::string text = readFile(path, 1024 * 1024);
    const std::string begin = "<!-- " + mark + " -->";
    const auto start = text.find(begin);
    const auto end = text.find("<!-- end -->", start);
    if (start == std::string::npos || end == std::string::npos)
        throw std::runtime_error(path + " has no list " + mark);
    return wordsOf(text.substr(start + begin.size(), end - start - begin.size()));
}

/// What is wrong with the documented list, in words; empty when it is exact.
inline std::string complaint(const std::set<std::string>& actual, const std::set<std::string>& documented) {
    std::string missing;
    std::string superfluous;
    for (const auto& word : actual)
        if (!documented.contains(word))
            missing += (missing.empty() ? "" : ", ") + word;
    for (const auto& word : documented)
        if (!actual.contains(word))
            superfluous += (superfluous.empty() ? "" : ", ") + word;
    return (missing.empty() ? "" : "not documented: " + missing + "\n") +
           (superfluous.empty() ? "" : "documented in vain: " + superfluous);
}

} // namespace xb::test
