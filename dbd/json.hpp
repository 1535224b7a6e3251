// SPDX-License-Identifier: Apache-2.0
// Between JSON text and tree nodes. Parsing is iterative and bounded in depth, keeps numbers as they were
// written, and refuses what a tree or D-Bus cannot hold: invalid UTF-8, NUL, duplicate keys, keys that no
// path reaches, numbers beyond a double. Failures are values with line and column. Writing cannot fail.
#pragma once

#include "dbd/limits.hpp"
#include "dbd/node.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

/// What may follow the value in a text.
enum class Trailing {
    Refused, ///< a file: nothing but white space
    Ignored, ///< inject: anything
};

/// A parsed value, or the reason why there is none.
struct ParseResult {
    NodePtr node;  ///< nameless; nullptr: error says why
    TreeSize size; ///< of the node: what measure() would say
    std::string error;
    std::size_t line = 0;   ///< of the error, from 1
    std::size_t column = 0; ///< in bytes, from 1

    /// "line 3, column 7: <error>"
    std::string place() const;
};

/// Parses one JSON value. `depth` is where its root will stand in the tree; limits.depth holds from the
/// tree's root.
ParseResult parseJson(std::string_view text, Trailing trailing, const Limits& limits, std::size_t depth = 0);

/// Parses a file that parseJson() refuses, as far as its meaning is beyond doubt. Of equal keys the first
/// counts, as it does for look-ups; keys that no path reaches, NUL bytes at the end, and what follows a whole
/// object that ends as dbd writes it, are left out. `changes` says what was done. Everything else is refused.
ParseResult parseDamaged(std::string_view text, const Limits& limits, std::size_t depth,
                         std::vector<std::string>& changes);

/// Whether the text is nothing but JSON white space.
bool isBlank(std::string_view text);

/// Appends `text` as a JSON string with its quotes: \n \t \r \b \f \\ \" \/ and \u00XX for other control
/// characters.
void appendJsonString(std::string& out, std::string_view text);

/// What a dump or file leaves out of a subtree.
class WriteFilter {
public:
    virtual ~WriteFilter() = default;
    virtual bool leavesOut(const Node& node) const = 0;
};

/// Appends the subtree as pretty JSON: 2 blanks per level, "{ }" without children, a newline at the end.
/// Binary nodes and Empty ones are null. `filter` is asked about each node below `root`.
void appendPrettyJson(std::string& out, const Node& root, const WriteFilter* filter = nullptr);

} // namespace xb::dbd
