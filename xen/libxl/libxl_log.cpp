// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/libxl_log.hpp"

#include "toolstack/libs/log.hpp"

#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace xb::xen {

namespace {

// A libxl error is one operation's failure, of which whoever asked for it hears; to the daemon it is a
// warning.
log::Level levelOf(xentoollog_level level) {
    switch (level) {
    case XTL_NOTICE:
        return log::Level::info;
    case XTL_WARN:
    case XTL_ERROR:
        return log::Level::warning;
    case XTL_CRITICAL:
        return log::Level::error;
    default:
        return log::Level::debug;
    }
}

// Length of "libxl_device.c:1109:function_name: " or "panic: xg_dom_core.c:205: " at the beginning of a line.
std::size_t sourceLength(std::string_view line) {
    constexpr std::string_view panic = "panic: ";
    const auto start = line.starts_with(panic) ? panic.size() : 0;
    const auto file = line.find(".c:", start);
    const auto end = line.find(": ", start);
    if (file == std::string_view::npos || end == std::string_view::npos || file > end)
        return start;
    return line.substr(start, end - start).find(' ') == std::string_view::npos ? end + 2 : start;
}

} // namespace

LibxlLog::LibxlLog() : hook_{{&LibxlLog::onMessage, nullptr, &LibxlLog::onDestroy}, this} {}

void LibxlLog::onMessage(xentoollog_logger* logger, xentoollog_level level, int errnoValue,
                         const char* context, const char* format, va_list arguments) {
    if (level < XTL_WARN && !log::enabled(levelOf(level)))
        return;
    char text[2 * keptCharacters];
    std::vsnprintf(text, sizeof text, format, arguments);
    reinterpret_cast<Hook*>(logger)->owner->message(level, errnoValue, context, text);
}

void LibxlLog::message(xentoollog_level level, int errnoValue, const char* context, const std::string& text) {
    auto line = text;
    if (errnoValue > 0)
        line += ": " + std::generic_category().message(errnoValue);
    if (!context)
        context = "libxl";
    log::write(levelOf(level), "{}: {}", fmt::make_format_args(context, line));
    if (level < XTL_ERROR)
        return;
    line.erase(0, sourceLength(line));
    if (line.size() > keptCharacters)
        line = line.substr(0, keptCharacters) + "...";
    if (lines_.size() == keptLines)
        lines_.pop_back();
    lines_.push_back(std::move(line));
}

std::string LibxlLog::complaints() const {
    std::string result;
    for (const auto& line : lines_)
        result += (result.empty() ? "" : "; ") + line;
    return result;
}

} // namespace xb::xen
