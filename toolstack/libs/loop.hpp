// SPDX-License-Identifier: Apache-2.0
// The one reactor thread of a daemon: a thin owner of Asio's io_context, with signals and an exit status.
#pragma once

#include "toolstack/libs/task.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <initializer_list>
#include <string>

namespace xb {

/// Runs everything of a daemon on the calling thread until stop().
class Loop {
public:
    Loop() : context_(1), signals_(context_) {}
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    asio::io_context& context() { return context_; }
    Executor executor() { return context_.get_executor(); }

    /// Runs until stop(); returns its status.
    int run();
    /// Ends run() with `status` once the handler that called this returns. The first call decides.
    void stop(int status = 0);
    bool stopping() const { return stopping_; }

    /// Calls `handler` on the loop for each of the signals, for as long as the loop lives. Call once.
    void onSignals(std::initializer_list<int> signals, std::function<void(int)> handler);

    void spawn(std::string what, Task<> task) { xb::spawn(executor(), std::move(what), std::move(task)); }

private:
    void waitForSignal();

    asio::io_context context_;
    asio::signal_set signals_;
    std::function<void(int)> signalHandler_;
    int status_ = 0;
    bool stopping_ = false;
};

} // namespace xb
