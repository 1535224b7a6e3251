// SPDX-License-Identifier: Apache-2.0
// What a caller may do to the tree, as a value: the steps of one change, which happens as a whole or not at
// all. The journal keeps changes in this form and a start does them again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

enum class StepKind : std::uint8_t {
    write = 1,
    inject = 2,
    rm = 3,
    discard = 4, ///< of the journal alone: a childless node that an rm elsewhere took with it
    remove = 5,  ///< rm of a guest and of apply: takes nothing beside its path with it
};

/// One step. The texts belong to somebody else.
struct StepView {
    StepKind kind;
    std::string_view path;
    std::string_view value; ///< the text of write, the JSON of inject; empty for the others
    std::size_t number = 0; ///< in the list that a caller gave, from 1, which errors name; 0: there was none
};

/// A step that owns its texts.
struct Step {
    StepKind kind;
    std::string path;
    std::string value;
    StepView view() const { return {kind, path, value, 0}; }
};

/// Numbers count up from 1 and are never used twice, also across restarts while a journal is there.
struct Change {
    std::uint64_t sequence = 0;
    std::vector<Step> steps;
};

/// "write", "inject", "rm" (also for remove) or "discard".
std::string_view nameOf(StepKind kind);

} // namespace xb::dbd
