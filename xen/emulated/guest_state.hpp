// SPDX-License-Identifier: Apache-2.0
// All that an emulated guest is besides its devices: what a save of it keeps, as memory and registers are of
// a real one. Pure; the text comes from a file or pipe and is hostile. Reading throws std::runtime_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace xb::xen::emulated {

/// Longest text of a state, in bytes.
inline constexpr std::size_t maxGuestState = 60 * 1024;
/// Variables of a guest, and the lengths of their names and values.
inline constexpr std::size_t maxGuestVariables = 64;
inline constexpr std::size_t maxVariableName = 64;
inline constexpr std::size_t maxVariableValue = 256;
/// Most of a command line that a guest keeps, as COMMAND_LINE_SIZE of a kernel.
inline constexpr std::size_t maxGuestCommandLine = 4096;

struct GuestState {
    std::string type;           ///< pv, pvh, hvm
    std::string boot;           ///< a random word, made anew by each boot
    std::uint64_t uptimeMs = 0; ///< that it has run since it booted
    std::uint64_t suspends = 0; ///< how often it has come back from one
    int acpiState = 0;
    std::string commandLine;
    std::optional<std::pair<std::uint64_t, int>> stopIn; ///< ms of running until it stops, and the reason
    std::map<std::string, std::string> variables;

    bool operator==(const GuestState&) const = default;
};

std::string toText(const GuestState& state);
GuestState parseGuestState(std::string_view text);
/// Whether a variable may be called so: letters, digits, dash, dot and underscore.
bool isVariableName(std::string_view name);

} // namespace xb::xen::emulated
