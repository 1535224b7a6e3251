// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/loop.hpp"

namespace xb {

int Loop::run() {
    auto keepRunning = asio::make_work_guard(context_);
    context_.run();
    return status_;
}

void Loop::stop(int status) {
    if (!stopping_) {
        stopping_ = true;
        status_ = status;
    }
    context_.stop();
}

void Loop::onSignals(std::initializer_list<int> signals, std::function<void(int)> handler) {
    for (int signal : signals)
        signals_.add(signal);
    signalHandler_ = std::move(handler);
    waitForSignal();
}

void Loop::waitForSignal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error)
            return;
        signalHandler_(signal);
        waitForSignal();
    });
}

} // namespace xb
