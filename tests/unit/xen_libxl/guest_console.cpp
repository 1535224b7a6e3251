// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen_libxl/guest_console.hpp"

#include "toolstack/libs/error.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <termios.h>

namespace xb::xen {

namespace {

int openTty(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        throw systemError("opening " + path, errno);
    termios mode{};
    if (::tcgetattr(fd, &mode) == 0) {
        ::cfmakeraw(&mode); // what the guest prints must not be echoed to it
        ::tcsetattr(fd, TCSANOW, &mode);
    }
    return fd;
}

} // namespace

GuestConsole::GuestConsole(Executor executor, const std::string& tty)
    : state_(std::make_shared<State>(executor, openTty(tty))) {
    spawn(executor, "reading " + tty, readOn(state_));
}

GuestConsole::~GuestConsole() {
    boost::system::error_code ignored;
    state_->descriptor.close(ignored);
}

Task<> GuestConsole::readOn(std::shared_ptr<State> state) {
    std::string chunk(4096, '\0');
    for (;;) {
        boost::system::error_code problem;
        const auto count = co_await state->descriptor.async_read_some(
            asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, problem));
        if (problem)
            co_return; // the domain is gone, or the test is done
        state->text.append(chunk, 0, count);
        state->changed.set();
    }
}

Task<bool> GuestConsole::waitFor(std::string text, std::chrono::seconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto found = state_->text.find(text, position_);
        if (found != std::string::npos) {
            position_ = found + text.size();
            co_return true;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        state_->changed.clear();
        if (left.count() <= 0 || !co_await state_->changed.waitFor(left))
            co_return false;
    }
}

} // namespace xb::xen
