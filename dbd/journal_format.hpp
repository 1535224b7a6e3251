// SPDX-License-Identifier: Apache-2.0
// The bytes of a journal segment: a header, then entries, each with its length and a checksum. An entry is a
// change, or a mark that says what a record's file held at some point of the sequence. Numbers are
// little-endian. Pure functions; reading trusts nothing and stops at the first entry that is not whole.
#pragma once

#include "dbd/change.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xb::dbd {

/// What is known of a record's file: the text it holds, and that all changes up to `position` are in it.
struct FileMark {
    enum class Kind : std::uint8_t {
        found = 1,   ///< the file as it was before the first change of the record in this segment
        writing = 2, ///< the file is about to become this
        saved = 3,   ///< the file is this now, for certain
    };
    Kind kind = Kind::found;
    std::string record;
    std::uint64_t position = 0;
    bool exists = false;
    std::uint64_t size = 0;
    std::uint64_t hash = 0;
};

using JournalEntry = std::variant<Change, FileMark>;

/// The longest entry that is written or believed.
inline constexpr std::size_t maxEntryBytes = std::size_t{256} << 20;

/// The beginning of every segment.
std::string journalHeader();
void appendChange(std::string& out, std::uint64_t sequence, std::span<const StepView> steps);
void appendMark(std::string& out, const FileMark& mark);

/// A segment's entries, and where and why reading ended before its end.
struct JournalSegment {
    std::vector<JournalEntry> entries;
    std::size_t goodBytes = 0; ///< what the entries and the header take
    std::string trouble;       ///< empty: everything was read
    bool torn = false;         ///< the trouble is an entry that a crash cut off; nothing follows it
};
JournalSegment parseSegment(std::string_view bytes);

} // namespace xb::dbd
