// SPDX-License-Identifier: Apache-2.0
// The words after a sub-command: flags (-domid 5, --domid 5, --domid=5) and operands, in any order; -- ends
// the flags. A flag that the sub-command does not have is kept apart: the caller warns of it. The last of a
// repeated flag counts.
#pragma once

#include "toolstack/libs/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenops {

using Words = std::vector<std::string>;

/// The command line is wrong; what() is the whole message, reason() that without "which argument".
class UsageError : public std::runtime_error {
public:
    explicit UsageError(const std::string& text) : UsageError(text, text) {}
    UsageError(const std::string& text, std::string reason)
        : std::runtime_error(text), reason_(std::move(reason)) {}

    const std::string& reason() const noexcept { return reason_; }

private:
    std::string reason_;
};

/// The classic complaint, with the reason: `error: "domid" argument is not valid: REASON`.
UsageError notValid(std::string_view argument, const std::string& reason);

/// A flag that a sub-command has.
struct Flag {
    std::string_view name;
    std::string_view value; ///< what its value is called in the help; empty: it has none
    std::string_view text;
    std::string_view shortName = {};
};

class Arguments {
public:
    Words operands;
    Words unknown; ///< flags, with their dashes

    bool has(std::string_view flag) const { return flags_.contains(flag); }
    std::optional<std::string> text(std::string_view flag) const;
    /// Throws UsageError when the flag is not there.
    std::string required(std::string_view flag) const;
    /// A whole number within the bounds, decimal or 0x; throws UsageError for anything else.
    std::optional<std::uint64_t> number(std::string_view flag, std::uint64_t least, std::uint64_t most) const;
    std::uint64_t requiredNumber(std::string_view flag, std::uint64_t least, std::uint64_t most) const;

    /// The next operand, called `name` in the UsageError when there is none.
    std::string take(std::string_view name);
    std::optional<std::string> takeIfThere();
    /// Throws UsageError when operands are left.
    void end() const;

    void set(std::string_view flag, std::string value) {
        flags_.insert_or_assign(std::string(flag), std::move(value));
    }

private:
    std::map<std::string, std::string, std::less<>> flags_;
};

/// Throws UsageError for a flag whose value is missing, or that has one too many.
Arguments parseArguments(const Words& words, const std::vector<Flag>& flags);

} // namespace xb::xenops
