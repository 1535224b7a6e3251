// SPDX-License-Identifier: Apache-2.0
// Logging: to journald or syslog on a system, to stderr otherwise. Info lines tell what changed, one line
// each; debug can be switched on at run time (Control interface, bus_control.hpp).
#pragma once

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace xb::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// Where lines go. Automatic: journald when stderr is the journal's stream, syslog when stderr is closed or
/// /dev/null, stderr otherwise.
enum class Sink { automatic, standardError, syslog };

/// Sets up logging for the program `ident`. Call once, first thing in main.
void init(const std::string& ident, Sink sink = Sink::automatic);

/// Changes the level: "debug", "info", "warning" or "error"; anything else throws xb::Error (InvalidArgs).
void setLevel(std::string_view level);
std::string level();

} // namespace xb::log
