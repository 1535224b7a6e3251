// SPDX-License-Identifier: Apache-2.0
// What happens, told twice: a log line for people, and a line on the status descriptor for programs (`ready
// dbd 12`). Nobody has to read the latter: a full pipe loses lines, which is logged once, and never holds up
// the services.
#pragma once

#include "bootage/config.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace xb::bootage {

class Reporter {
public:
    /// `status`: where the machine-readable lines go, or none.
    explicit Reporter(UniqueFd status = {}) : status_(std::move(status)) {}

    void started(const std::string& service, pid_t pid);
    /// `again`: it had been ready before.
    void ready(const std::string& service, Milliseconds time, bool again);
    /// Nobody waits any longer; `up` of all the services are ready, the others optional.
    void allReady(std::size_t up, std::size_t services, Milliseconds time);
    /// STATUS= of a service.
    void said(const std::string& service, std::string_view text);
    void died(const std::string& service, const std::string& text);
    void restarting(const std::string& service, Milliseconds pause);
    /// It will not be started again; `lines` are the last ones of its log.
    void failed(const std::string& service, const std::string& text, const std::vector<std::string>& lines);
    void ended(const std::string& service, const std::string& text);
    void stopping(const std::string& reason);
    void killing(const std::string& service, Milliseconds after);
    void stopped(const std::string& service);

private:
    void write(const std::string& line);

    UniqueFd status_;
    bool lost_ = false;
};

} // namespace xb::bootage
