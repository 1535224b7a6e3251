// SPDX-License-Identifier: Apache-2.0
// Logging: to journald or syslog on a system, to stderr otherwise. Info lines tell what changed, one line
// each; debug can be switched on at run time (org.xenbroker.daemon, toolstack/control).
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace xb::log {

enum class Level { debug, info, warning, error };

/// Whether lines of that level are written at all.
bool enabled(Level level);
/// What the functions below call: formats and writes the line if the level is on.
void write(Level level, fmt::string_view format, fmt::format_args values);

template <class... T>
void debug(fmt::format_string<T...> format, T&&... values) {
    write(Level::debug, format, fmt::make_format_args(values...));
}
template <class... T>
void info(fmt::format_string<T...> format, T&&... values) {
    write(Level::info, format, fmt::make_format_args(values...));
}
template <class... T>
void warn(fmt::format_string<T...> format, T&&... values) {
    write(Level::warning, format, fmt::make_format_args(values...));
}
template <class... T>
void error(fmt::format_string<T...> format, T&&... values) {
    write(Level::error, format, fmt::make_format_args(values...));
}

/// Where lines go. Automatic: journald when stderr is the journal's stream, syslog when stderr is closed or
/// /dev/null, stderr otherwise.
enum class Sink { automatic, standardError, syslog };

/// Sets up logging for the program `ident`. Call once, first thing in main.
void init(const std::string& ident, Sink sink = Sink::automatic);

/// Changes the level: "debug", "info", "warning" or "error"; anything else throws xb::Error (InvalidArgs).
void setLevel(std::string_view level);
std::string level();

} // namespace xb::log
