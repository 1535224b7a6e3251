// SPDX-License-Identifier: Apache-2.0
// What may pass between a toolstack and a device model that it does not trust (QEMU's QMP,
// docs/interop/qmp-spec of QEMU; the device model runs in a stub domain). One object per connection. Pure:
// bytes in, bytes out.
//
// Messages are lines. Each is read, checked and written anew (json_check.hpp). The device model greets first
// and once, answers what it was asked, each once and with the id of the question, and tells events. Commands
// pass that are on a list; events that are not on one are left out, as newer device models tell more of them.
// Two things that the toolstack would do with what an answer says are prevented: names of terminals
// ("pty:/dev/...", which libxl publishes as the guest's serial line) lose their path, and error texts, which
// land in logs, their control characters. Everything else is refused, which is the end of the connection.
#pragma once

#include "toolstack/vchan-socket-proxy/json_check.hpp"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace xb::vchan_proxy {

using NameSet = std::set<std::string, std::less<>>;

/// What libxl 4.17 asks, but for what migrates to a standby host (COLO).
NameSet defaultCommands();
/// What QEMU 7.2 tells of a guest's life and devices.
NameSet defaultEvents();

struct QmpLimits {
    std::size_t messageBytes = 256 * 1024; ///< of a line; libxl takes up to 1 MiB
    std::size_t depth = 32;                ///< objects and arrays within each other
    std::size_t pending = 32;              ///< commands without an answer
    std::size_t idBytes = 64;
    std::size_t errorBytes = 1024; ///< of an error's text
};

struct QmpRules {
    NameSet commands = defaultCommands();
    NameSet events = defaultEvents();
    QmpLimits limits;
};

class QmpFilter {
public:
    explicit QmpFilter(QmpRules rules) : rules_(std::move(rules)) {}

    /// Appends to `passed` what passes of what the toolstack (the device model) has sent so far. Throws
    /// xb::Error (AccessDenied) saying which rule was broken; nothing may be passed on after that.
    void fromToolstack(std::string_view bytes, std::string& passed);
    void fromDeviceModel(std::string_view bytes, std::string& passed);

    /// Events that were left out.
    std::size_t eventsLeftOut() const { return eventsLeftOut_; }

private:
    using Handler = void (QmpFilter::*)(std::string_view line, std::string& passed);
    void cut(std::string& rest, std::string_view bytes, std::string& passed, Handler handler);
    void command(std::string_view line, std::string& passed);
    void message(std::string_view line, std::string& passed);
    void checkGreeting(const JsonObject& object);
    void checkAnswer(const JsonObject& object);
    bool wantsEvent(const JsonObject& object);
    std::string idOf(const JsonObject& object) const;

    QmpRules rules_;
    std::string toolstackRest_; ///< a line that has not ended
    std::string deviceModelRest_;
    std::multiset<std::string> pending_; ///< the ids of commands without an answer
    std::size_t eventsLeftOut_ = 0;
    bool greeted_ = false;
};

} // namespace xb::vchan_proxy
