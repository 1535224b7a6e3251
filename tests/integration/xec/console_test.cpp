// SPDX-License-Identifier: Apache-2.0
// xec-vm console: a pty of the test is the guest's console, pipes or another pty are the user's side.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>

namespace xb::test {
namespace {

using Stream = asio::posix::stream_descriptor;

struct Pty {
    Pty() {
        master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
            throw systemError("cannot make a pty", errno);
        name = ::ptsname(master.get());
        // Keeps the pty alive until a program has opened it, as the guest's side does.
        slave.reset(::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
    termios mode() const {
        termios result{};
        ::tcgetattr(slave.get(), &result);
        return result;
    }
    UniqueFd master;
    UniqueFd slave;
    std::string name;
};

bool same(const termios& a, const termios& b) {
    return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
           a.c_lflag == b.c_lflag;
}

class Console : public ToolTest {
protected:
    Console() {
        xenmgr.addVm("00000000-0000-0000-0000-0000000000a1", "alpha", 4, "running");
        xenmgr.console = guest.name;
    }

    Stream stream(const UniqueFd& fd) {
        return Stream(loop.context(), ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    }

    static Task<std::string> readUntil(Stream& from, std::string wanted) {
        std::string text;
        std::array<char, 4096> buffer;
        while (text.find(wanted) == std::string::npos) {
            boost::system::error_code error;
            const std::size_t n = co_await from.async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
            if (error || n == 0)
                co_return text + " (end)";
            text.append(buffer.data(), n);
        }
        co_return text;
    }

    Child start(const UniqueFd& in, const UniqueFd& out, const UniqueFd& err) {
        Command console = command(XEC_VM_PROGRAM, {"-n", "alpha", "console"});
        console.descriptors = {{in.get(), 0}, {out.get(), 1}, {err.get(), 2}};
        return Child(loop.executor(), console);
    }

    static void write(const UniqueFd& fd, std::string_view data) { writeAll(fd.get(), data, "a pty"); }

    Pty guest;
    FakeXenmgr xenmgr{bus};
};

struct Pipe {
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw systemError("cannot make a pipe", errno);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    UniqueFd read;
    UniqueFd write;
};

TEST_F(Console, CopiesBothWaysThroughPipes) {
    Pipe in;
    Pipe out;
    Child child = start(in.read, out.write, out.write);
    out.write.reset();
    Stream output = stream(out.read);
    Stream console = stream(guest.master);
    write(in.write, "typed");
    EXPECT_EQ(await(readUntil(console, "typed")), "typed"); // raw by now: nothing is echoed
    write(guest.master, "login: ");
    EXPECT_EQ(await(readUntil(output, "login: ")), "login: ");
    write(in.write, "more\x1dnot this");
    EXPECT_EQ(await(readUntil(console, "more")), "more");
    const ExitStatus status = await(child.wait());
    EXPECT_TRUE(status.success()) << status.text();
}

TEST_F(Console, EndsWithItsInput) {
    Pipe in;
    Pipe out;
    Child child = start(in.read, out.write, out.write);
    in.read.reset();
    Stream console = stream(guest.master);
    write(in.write, "halt\n");
    in.write.reset();
    EXPECT_EQ(await(readUntil(console, "\n")), "halt\n");
    EXPECT_TRUE(await(child.wait()).success());
}

TEST_F(Console, WithoutInputItFollowsTheGuestToItsEnd) {
    Pipe out;
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Child child = start(null, out.write, out.write);
    out.write.reset();
    Stream output = stream(out.read);
    write(guest.master, "booting\n");
    EXPECT_EQ(await(readUntil(output, "booting\n")), "booting\n");
    guest.slave.reset();
    guest.master.reset();
    EXPECT_TRUE(await(child.wait()).success());
}

TEST_F(Console, ATerminalIsRawMeanwhileAndRestored) {
    Pty user;
    const termios before = user.mode();
    Child child = start(user.slave, user.slave, user.slave);
    Stream terminal = stream(user.master);
    EXPECT_NE(await(readUntil(terminal, "leaves.\r\n")).find("Connected to the console of alpha"),
              std::string::npos);
    write(guest.master, "\033[1mhi");
    EXPECT_EQ(await(readUntil(terminal, "hi")), "\033[1mhi");
    EXPECT_FALSE(same(user.mode(), before));
    EXPECT_EQ(user.mode().c_lflag & (ICANON | ECHO | ISIG), 0U);
    Stream console = stream(guest.master);
    write(user.master, "\x03\r");
    EXPECT_EQ(await(readUntil(console, "\r")), "\x03\r"); // Ctrl-C is the guest's
    write(user.master, "\x1d");
    EXPECT_TRUE(await(child.wait()).success());
    EXPECT_TRUE(same(user.mode(), before));
}

TEST_F(Console, ATerminalIsRestoredWhenASignalEndsIt) {
    for (const int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
        Pty user;
        const termios before = user.mode();
        Child child = start(user.slave, user.slave, user.slave);
        Stream terminal = stream(user.master);
        await(readUntil(terminal, "leaves."));
        write(guest.master, "x");
        await(readUntil(terminal, "x"));
        child.signal(number);
        EXPECT_EQ(await(child.wait()).signal, number);
        EXPECT_TRUE(same(user.mode(), before)) << number;
    }
}

TEST_F(Console, OneAtATime) {
    Pty user;
    Child child = start(user.slave, user.slave, user.slave);
    Stream terminal = stream(user.master);
    await(readUntil(terminal, "leaves."));
    const Result second = xecVm({"-n", "alpha", "console"});
    EXPECT_EQ(second.status, 2);
    EXPECT_NE(second.err.find("is in use by another xec-vm"), std::string::npos) << second.err;
    write(user.master, "\x1d");
    EXPECT_TRUE(await(child.wait()).success());
}

TEST_F(Console, WhatCannotBeOpenedIsNamed) {
    xenmgr.console = "/no/such/pty";
    EXPECT_EQ(xecVm({"-n", "alpha", "console"}),
              (Result{2, "", "xec-vm: cannot open the console /no/such/pty: No such file or directory\n"}));
    xenmgr.console = "/dev/null";
    EXPECT_EQ(xecVm({"-n", "alpha", "console"}),
              (Result{2, "", "xec-vm: the console /dev/null is not a terminal\n"}));
    xenmgr.console.clear();
    EXPECT_EQ(xecVm({"-n", "alpha", "console"}),
              (Result{2, "org.freedesktop.DBus.Error.Failed: 203:No such device\n", ""}));
}

TEST_F(Console, ProgressIsShownOnATerminalOnly) {
    Pty user;
    xenmgr.onOperation = [this](std::string, FakeVm& vm) -> Task<> {
        xenmgr.change(vm, "stopping", 4);
        co_await delay(std::chrono::milliseconds(50));
        xenmgr.change(vm, "stopped", -1);
    };
    Command shutdown = command(XEC_VM_PROGRAM, {"-n", "alpha", "--wait", "shutdown"});
    shutdown.environment.emplace_back("TERM", "vt100");
    shutdown.environment.emplace_back("NO_COLOR", "1");
    shutdown.descriptors = {{user.slave.get(), 0}, {user.slave.get(), 1}, {user.slave.get(), 2}};
    Child child(loop.executor(), shutdown);
    Stream terminal = stream(user.master);
    const std::string shown = await(readUntil(terminal, "stopping"));
    EXPECT_NE(shown.find(" alpha: shutdown stopping"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("\033[1m"), std::string::npos) << shown;
    EXPECT_TRUE(await(child.wait()).success());
}

} // namespace
} // namespace xb::test
