// SPDX-License-Identifier: Apache-2.0
// Reads what a guest prints on its console, from the pty that the hypervisor layer names.
#pragma once

#include "toolstack/libs/task.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <string>

namespace xb::xen {

class GuestConsole {
public:
    /// Opens the pty and reads on until destroyed. Throws xb::Error.
    GuestConsole(Executor executor, const std::string& tty);
    GuestConsole(const GuestConsole&) = delete;
    GuestConsole& operator=(const GuestConsole&) = delete;
    ~GuestConsole();

    /// Waits until `text` was printed after what an earlier call found; false after `limit`.
    Task<bool> waitFor(std::string text, std::chrono::seconds limit);
    /// Forgets what was printed so far.
    void skip() { position_ = state_->text.size(); }
    const std::string& text() const { return state_->text; }

private:
    struct State {
        State(const Executor& executor, int fd) : descriptor(executor, fd), changed(executor) {}
        asio::posix::stream_descriptor descriptor;
        Event changed;
        std::string text;
    };
    static Task<> readOn(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
    std::size_t position_ = 0;
};

} // namespace xb::xen
