// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/console.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

namespace xb::xen::emulated {

namespace {

using Descriptor = asio::posix::stream_descriptor;
constexpr std::size_t chunk = 4096;

void setNonBlocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

} // namespace

Console::Console(const Executor& executor, std::string logPath, LogLimits limits)
    : pty_(executor), guest_(executor), logPath_(std::move(logPath)), logLimits_(limits) {
    UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    char name[128];
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0)
        throw systemError("cannot make a pty for the console", errno);
    tty_ = name;
    slave_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios settings{};
    if (!slave_ || ::tcgetattr(slave_.get(), &settings) != 0)
        throw systemError("cannot open the console " + tty_, errno);
    ::cfmakeraw(&settings); // the guest's terminal driver does echo and line editing
    ::tcsetattr(slave_.get(), TCSANOW, &settings);

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw systemError("cannot make a console", errno);
    UniqueFd ours(ends[0]);
    guestEnd_.reset(ends[1]);
    setNonBlocking(ours.get());
    openLog();
    pty_.assign(master.release());
    guest_.assign(ours.release());
}

void Console::start() {
    readGuest();
    readPty();
}

void Console::close() {
    if (closed_)
        return;
    char buffer[chunk]; // the guest's last words
    for (ssize_t n = 0; (n = ::read(guest_.native_handle(), buffer, sizeof buffer)) > 0;)
        onGuestOutput(std::string_view(buffer, static_cast<std::size_t>(n)));
    closed_ = true;
    boost::system::error_code ignored;
    pty_.close(ignored);
    guest_.close(ignored);
    slave_.reset();
}

void Console::readGuest() {
    guest_.async_wait(Descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                          if (error || self->closed_)
                              return;
                          char buffer[chunk];
                          const ssize_t n = ::read(self->guest_.native_handle(), buffer, sizeof buffer);
                          if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                              return; // the guest has ended
                          if (n > 0)
                              self->onGuestOutput(std::string_view(buffer, static_cast<std::size_t>(n)));
                          self->readGuest();
                      });
}

void Console::onGuestOutput(std::string_view text) {
    if (log_)
        writeLog(text);
    toPty_.append(text);
    if (toPty_.size() > consoleBacklog)
        toPty_.erase(0, toPty_.size() - consoleBacklog);
    if (!writingPty_)
        flushToPty();
}

// That of an earlier domain of this name goes on.
void Console::openLog() {
    log_.reset(::open(logPath_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat status {};
    if (!log_ || ::fstat(log_.get(), &status) != 0)
        throw systemError("cannot open the console's log " + logPath_, errno);
    logged_ = static_cast<std::uint64_t>(status.st_size);
}

void Console::writeLog(std::string_view text) {
    try {
        if (logged_ >= logLimits_.bytes) {
            rotateByName(logPath_, logLimits_.kept);
            openLog();
        }
        writeAll(log_.get(), text, "a console's log");
        logged_ += text.size();
    } catch (const Error& e) {
        log::error("{}: {} is no longer logged", e.what(), tty_);
        log_.reset();
    }
}

void Console::flushToPty() {
    while (!toPty_.empty()) {
        const ssize_t n = ::write(pty_.native_handle(), toPty_.data(), toPty_.size());
        if (n <= 0)
            break;
        toPty_.erase(0, static_cast<std::size_t>(n));
    }
    writingPty_ = !toPty_.empty();
    if (!writingPty_)
        return;
    pty_.async_wait(Descriptor::wait_write,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error && !self->closed_)
                            self->flushToPty();
                    });
}

void Console::readPty() {
    pty_.async_wait(Descriptor::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                        if (error || self->closed_)
                            return;
                        char buffer[chunk];
                        const ssize_t n = ::read(self->pty_.native_handle(), buffer, sizeof buffer);
                        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                            return;
                        if (n > 0)
                            self->toGuest_.append(buffer, static_cast<std::size_t>(n));
                        self->flushToGuest();
                    });
}

// Reads on only when the guest has taken everything: a stopped guest stops its typist.
void Console::flushToGuest() {
    while (!toGuest_.empty()) {
        const ssize_t n =
            ::send(guest_.native_handle(), toGuest_.data(), toGuest_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return; // the guest has ended
        if (n < 0)
            break;
        toGuest_.erase(0, static_cast<std::size_t>(n));
    }
    if (toGuest_.empty())
        return readPty();
    guest_.async_wait(Descriptor::wait_write,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error && !self->closed_)
                              self->flushToGuest();
                      });
}

} // namespace xb::xen::emulated
