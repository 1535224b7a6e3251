// SPDX-License-Identifier: Apache-2.0
#include "bootage/reporter.hpp"

#include "bootage/service_log.hpp"
#include "toolstack/libs/log.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <poll.h>

namespace xb::bootage {

void Reporter::started(const std::string& service, pid_t pid) {
    log::info("{}: started (pid {})", service, pid);
    write("started " + service + " " + std::to_string(pid));
}

void Reporter::ready(const std::string& service, Milliseconds time, bool again) {
    log::info("{}: ready {}in {} ms", service, again ? "again " : "", time.count());
    write((again ? "restarted " : "ready ") + service + " " + std::to_string(time.count()));
}

void Reporter::allReady(std::size_t up, std::size_t services, Milliseconds time) {
    if (up == services)
        log::info("all {} services are up after {} ms", services, time.count());
    else
        log::warn("{} of {} services are up after {} ms", up, services, time.count());
    write("all-ready " + std::to_string(time.count()));
}

void Reporter::said(const std::string& service, std::string_view text) {
    log::info("{}: {}", service, printable(text));
    write("status " + service + " " + printable(text));
}

void Reporter::died(const std::string& service, const std::string& text) {
    log::warn("{}: {}", service, text);
    write("died " + service + " " + text);
}

void Reporter::restarting(const std::string& service, Milliseconds pause) {
    if (pause.count() == 0)
        log::info("{}: restarting", service);
    else
        log::info("{}: restarting in {} ms", service, pause.count());
}

void Reporter::failed(const std::string& service, const std::string& text,
                      const std::vector<std::string>& lines) {
    log::error("{}: {}", service, text);
    for (const auto& line : lines)
        log::error("{}: | {}", service, line);
    write("failed " + service + " " + text);
}

void Reporter::ended(const std::string& service, const std::string& text) {
    log::info("{}: {}", service, text);
    write("ended " + service + " " + text);
}

void Reporter::stopping(const std::string& reason) {
    log::info("stopping: {}", reason);
    write("stopping " + reason);
}

void Reporter::killing(const std::string& service, Milliseconds after) {
    log::warn("{}: still there {} ms after it was told to stop; killing it", service, after.count());
}

void Reporter::stopped(const std::string& service) {
    log::info("{}: stopped", service);
    write("stopped " + service);
}

void Reporter::write(const std::string& line) {
    if (!status_)
        return;
    // At most PIPE_BUF bytes, which a pipe that polls writable takes whole and at once (pipe(7)). The
    // descriptor's own flags are shared with whoever gave it to us and stay as they are.
    const std::string text = printable(line, PIPE_BUF - 1) + "\n";
    pollfd ready{status_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, 0) == 0) {
        if (!std::exchange(lost_, true))
            log::warn("nobody reads the status descriptor: lines for it are lost");
        return;
    }
    if (::write(status_.get(), text.data(), text.size()) < 0) {
        log::warn("cannot write to the status descriptor: {}; writing no more to it", std::strerror(errno));
        status_.reset();
    }
}

} // namespace xb::bootage
