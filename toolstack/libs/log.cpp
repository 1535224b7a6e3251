// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/log.hpp"

#include "toolstack/libs/error.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

namespace xb::log {

namespace {

// systemd sets JOURNAL_STREAM to device:inode of the journal's stream (systemd.exec(5)).
bool stderrIsJournal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (!stream || fstat(STDERR_FILENO, &status) != 0)
        return false;
    return std::string(stream) == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

bool stderrGoesNowhere() {
    struct stat status {};
    struct stat null {};
    if (fstat(STDERR_FILENO, &status) != 0)
        return true;
    return stat("/dev/null", &null) == 0 && status.st_rdev == null.st_rdev && S_ISCHR(status.st_mode);
}

spdlog::level::level_enum toSpdlog(Level level) {
    constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                    spdlog::level::warn, spdlog::level::err};
    return levels[static_cast<std::size_t>(level)];
}

} // namespace

bool enabled(Level level) {
    return spdlog::default_logger_raw()->should_log(toSpdlog(level));
}

void write(Level level, fmt::string_view format, fmt::format_args values) {
    if (enabled(level))
        spdlog::default_logger_raw()->log(toSpdlog(level),
                                          spdlog::string_view_t(fmt::vformat(format, values)));
}

void init(const std::string& ident, Sink sink) {
    std::shared_ptr<spdlog::logger> logger;
    if (sink == Sink::automatic && stderrIsJournal()) {
        logger =
            std::make_shared<spdlog::logger>(ident, std::make_shared<spdlog::sinks::systemd_sink_mt>(ident));
        logger->set_pattern("%v");
    } else if (sink == Sink::syslog || (sink == Sink::automatic && stderrGoesNowhere())) {
        logger = std::make_shared<spdlog::logger>(
            ident, std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, LOG_PID, LOG_DAEMON, true));
        logger->set_pattern("%v");
    } else {
        logger = std::make_shared<spdlog::logger>(ident, std::make_shared<spdlog::sinks::stderr_sink_mt>());
        logger->set_pattern("%Y-%m-%d %H:%M:%S.%e " + ident + " %l: %v");
    }
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(logger);
}

void setLevel(std::string_view level) {
    if (level == "debug")
        spdlog::set_level(spdlog::level::debug);
    else if (level == "info")
        spdlog::set_level(spdlog::level::info);
    else if (level == "warning")
        spdlog::set_level(spdlog::level::warn);
    else if (level == "error")
        spdlog::set_level(spdlog::level::err);
    else
        throw Error(errors::invalidArgs,
                    "log level \"" + std::string(level) + "\" is not one of debug, info, warning, error");
}

std::string level() {
    switch (spdlog::get_level()) {
    case spdlog::level::trace:
    case spdlog::level::debug:
        return "debug";
    case spdlog::level::info:
        return "info";
    case spdlog::level::warn:
        return "warning";
    default:
        return "error";
    }
}

} // namespace xb::log
