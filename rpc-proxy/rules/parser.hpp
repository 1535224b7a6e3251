// SPDX-License-Identifier: Apache-2.0
// Reads rules: a whole file, or one rule from the database or the bus. Pure. A file with an error gives no
// rule at all, and all its errors (one per line, at most Limits::errors).
#pragma once

#include "rpc-proxy/rules/limits.hpp"
#include "rpc-proxy/rules/rule.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy::rules {

struct ParseError {
    /// From 1; columns count bytes. Both 0 where the error is of the whole file.
    std::size_t line = 0;
    std::size_t column = 0;
    std::string text;
};

struct ParseResult {
    /// In the order of the file; empty if there are errors.
    std::vector<Rule> rules;
    std::vector<ParseError> errors;

    bool ok() const { return errors.empty(); }
    /// One line per error: `FILE:LINE:COLUMN: reason`.
    std::string errorText(std::string_view file) const;
};

/// Reads a rules file; `file` names it in the origin of its rules.
ParseResult parseRules(std::string_view text, const std::string& file, const Limits& limits = Limits());

/// Reads exactly one rule that was added while running; `number` is its place among those.
ParseResult parseAddedRule(std::string_view text, std::size_t number, const Limits& limits = Limits());

/// Reads exactly one rule of a VM (/vm/<uuid>/rpc-firewall-rules/<number>). It is for that VM only, whatever
/// it says: its dom-uuid is `uuid`.
ParseResult parseVmRule(std::string_view text, std::string_view uuid, std::size_t number,
                        const Limits& limits = Limits());

/// `text` as a UUID in lower case; empty if it is none.
std::string canonicalUuid(std::string_view text);

} // namespace xb::proxy::rules
