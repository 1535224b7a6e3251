// SPDX-License-Identifier: Apache-2.0
// The terminal (or any pair of streams) attached to a guest's console, a pty in dom0. A terminal is put into
// raw mode and restored on every way out, signals included. Ctrl-] leaves.
#pragma once

#include <string>

namespace xb::console {

/// The character that leaves the console: Ctrl-].
inline constexpr char consoleEscape = 0x1d;
/// Most input that is kept for a guest that does not read.
inline constexpr std::size_t consoleInputLimit = 64 * 1024;

/// Copies stdin to the pty and the pty to stdout until Ctrl-], the console's end (the guest is gone), a
/// closed stdout, or the end of an stdin that had something to say; an stdin that is empty from the start
/// (/dev/null) only means that there is no input. Throws xb::Error if the pty cannot be used or another
/// program of this kind uses it.
void attachConsole(const std::string& pty, const std::string& vmName);

} // namespace xb::console
