// SPDX-License-Identifier: Apache-2.0
#include "toolstack/console/console.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace xb::console {

namespace {

constexpr std::size_t chunk = 16 * 1024;

// Raw mode of our own terminal for as long as the object lives; nothing if stdin is no terminal.
class RawTerminal {
public:
    RawTerminal() {
        termios now{};
        if (::isatty(STDIN_FILENO) && ::tcgetattr(STDIN_FILENO, &now) == 0) {
            saved_ = now;
            enter();
        }
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() {
        if (saved_)
            ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);
    }

    bool active() const { return saved_.has_value(); }
    void enter() {
        if (!saved_)
            return;
        termios raw = *saved_;
        ::cfmakeraw(&raw);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }

private:
    std::optional<termios> saved_;
};

// Signals that would end or change us, as a descriptor; what was blocked before is restored.
class Signals {
public:
    Signals() {
        sigset_t wanted;
        ::sigemptyset(&wanted);
        for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCONT})
            ::sigaddset(&wanted, number);
        ::sigprocmask(SIG_BLOCK, &wanted, &before_);
        fd_ = UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!fd_)
            throw systemError("cannot receive signals", errno);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

    int fd() const { return fd_.get(); }
    int read() const {
        signalfd_siginfo info{};
        return ::read(fd_.get(), &info, sizeof info) == ssize_t{sizeof info}
                   ? static_cast<int>(info.ssi_signo)
                   : 0;
    }

private:
    UniqueFd fd_;
    sigset_t before_{};
};

UniqueFd openPty(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!fd && (errno == EACCES || errno == EPERM))
        throw Error(errors::accessDenied,
                    "cannot open the console " + path + ": it belongs to root; run this as root");
    if (!fd)
        throw systemError("cannot open the console " + path, errno);
    termios mode{};
    if (::tcgetattr(fd.get(), &mode) != 0)
        throw Error("the console " + path + " is not a terminal");
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error("the console " + path + " is in use by another xec-vm or xenops");
    // What the guest writes must not come back to it as an echo.
    ::cfmakeraw(&mode);
    if (::tcsetattr(fd.get(), TCSANOW, &mode) != 0)
        throw systemError("cannot set the console " + path + " to raw mode", errno);
    return fd;
}

class Session {
public:
    Session(int pty, const Signals& signals, RawTerminal& terminal)
        : pty_(pty), signals_(signals), terminal_(terminal) {}

    // Returns the signal that ended it, or 0.
    int run() {
        while (!done_ && signal_ == 0)
            step();
        return signal_;
    }

private:
    bool wantsInput() const {
        // A person must be able to leave even if the guest reads nothing; a script can wait.
        return !inputEnded_ && (terminal_.active() || toGuest_.size() < consoleInputLimit);
    }

    void step() {
        // With nothing to do for it, stdin is left out (-1); its end would wake us for ever.
        const auto ptyEvents = static_cast<short>(POLLIN | (toGuest_.empty() ? 0 : POLLOUT));
        std::array<pollfd, 3> fds{pollfd{wantsInput() ? STDIN_FILENO : -1, POLLIN, 0},
                                  pollfd{pty_, ptyEvents, 0}, pollfd{signals_.fd(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), -1) < 0) {
            if (errno == EINTR)
                return;
            throw systemError("cannot wait for the console", errno);
        }
        if (fds[2].revents)
            onSignal(signals_.read());
        if (fds[1].revents & POLLOUT)
            writeToGuest();
        if (!done_ && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)))
            readFromGuest();
        if (!done_ && fds[0].revents)
            readInput();
    }

    void onSignal(int number) {
        if (number == SIGCONT)
            terminal_.enter(); // the shell had the terminal meanwhile
        else if (number != 0)
            signal_ = number;
    }

    void readFromGuest() {
        std::array<char, chunk> buffer;
        const ssize_t n = ::read(pty_, buffer.data(), buffer.size());
        if (n > 0)
            copyOut(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            done_ = true; // EIO: the other end is closed, the guest is gone
    }

    void copyOut(std::string_view data) {
        try {
            writeAll(STDOUT_FILENO, data, "standard output");
        } catch (const Error&) {
            if (errno != EPIPE)
                throw;
            done_ = true;
        }
    }

    void readInput() {
        std::array<char, chunk> buffer;
        const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            inputEnded_ = true;
            done_ = hadInput_ && toGuest_.empty();
            return;
        }
        hadInput_ = true;
        std::string_view data(buffer.data(), static_cast<std::size_t>(n));
        const std::size_t escape = data.find(consoleEscape);
        data = data.substr(0, escape);
        toGuest_ += data.substr(0, consoleInputLimit - std::min(consoleInputLimit, toGuest_.size()));
        writeToGuest();
        if (escape != std::string_view::npos)
            done_ = true;
    }

    void writeToGuest() {
        while (!toGuest_.empty()) {
            const ssize_t n = ::write(pty_, toGuest_.data(), toGuest_.size());
            if (n < 0)
                break; // EAGAIN: poll tells when to go on; EIO: the read side ends the session
            toGuest_.erase(0, static_cast<std::size_t>(n));
        }
        if (inputEnded_ && hadInput_ && toGuest_.empty())
            done_ = true;
    }

    int pty_;
    const Signals& signals_;
    RawTerminal& terminal_;
    std::string toGuest_;
    bool hadInput_ = false;
    bool inputEnded_ = false;
    bool done_ = false;
    int signal_ = 0;
};

} // namespace

void attachConsole(const std::string& pty, const std::string& vmName) {
    const UniqueFd fd = openPty(pty);
    int signal = 0;
    {
        const Signals signals;
        RawTerminal terminal;
        if (terminal.active())
            std::fprintf(stderr, "Connected to the console of %s; Ctrl-] leaves.\r\n", vmName.c_str());
        signal = Session(fd.get(), signals, terminal).run();
        if (terminal.active())
            std::fprintf(stderr, "\r\n");
    }
    // The terminal is restored: now end as the signal would have ended us.
    if (signal != 0) {
        ::signal(signal, SIG_DFL);
        ::raise(signal);
    }
}

} // namespace xb::console
