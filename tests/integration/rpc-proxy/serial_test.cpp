// SPDX-License-Identifier: Apache-2.0
// Serial lines, which are pairs of pseudo terminals here: one conversation, raw, and then the program ends.
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace xb::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

/// The other end of a line.
struct Line {
    Line() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
        std::array<char, 64> name{};
        if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
            ::ptsname_r(master.get(), name.data(), name.size()) != 0)
            throw systemError("no pseudo terminal", errno);
        device = name.data();
        // Held open, or the master is told that the other side is gone before it has come.
        slave.reset(::open(device.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }

    UniqueFd master;
    UniqueFd slave;
    std::string device;
};

/// Connects the two lines to each other, until one of them ends; then the other one ends too.
class Cable {
public:
    Cable(Line one, Line other) : one_(std::move(one)), other_(std::move(other)) {
        thread_ = std::thread([this] { run(); });
    }
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;
    ~Cable() { thread_.join(); }

private:
    static bool move(int from, int to) {
        std::array<char, 1024> bytes{};
        ssize_t size = ::read(from, bytes.data(), bytes.size());
        if (size < 0 && errno == EAGAIN)
            return true;
        for (ssize_t done = 0; done < size;) {
            const ssize_t now = ::write(to, bytes.data() + done, static_cast<std::size_t>(size - done));
            if (now > 0) {
                done += now;
                continue;
            }
            if (errno != EAGAIN)
                return false;
            pollfd room{to, POLLOUT, 0};
            ::poll(&room, 1, -1);
        }
        return size > 0;
    }
    void run() {
        one_.slave.reset();
        other_.slave.reset();
        for (;;) {
            pollfd both[] = {{one_.master.get(), POLLIN, 0}, {other_.master.get(), POLLIN, 0}};
            if (::poll(both, 2, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0)
                break;
            if ((both[0].revents != 0 && !move(both[0].fd, both[1].fd)) ||
                (both[1].revents != 0 && !move(both[1].fd, both[0].fd)))
                break;
        }
        one_.master.reset();
        other_.master.reset();
    }

    Line one_;
    Line other_;
    std::thread thread_;
};

class ProxySerial : public ProxyFixture {
protected:
    static void expectRaw(const Line& line, bool raw) {
        termios now{};
        ASSERT_EQ(::tcgetattr(line.slave.get(), &now), 0);
        EXPECT_EQ((now.c_lflag & ICANON) == 0, raw);
        EXPECT_EQ((now.c_lflag & ECHO) == 0, raw);
        EXPECT_EQ((now.c_oflag & OPOST) == 0, raw);
    }
};

TEST_F(ProxySerial, OneConversationAndThenTheEnd) {
    Line line;
    startProxy(basics + "allow member echo\n"s, {"-i", "serial:" + line.device});
    expectRaw(line, true);
    RawClient client{UniqueFd(::dup(line.master.get()))};
    client.hello();
    const std::string driver = "org.freedesktop.DBus";
    EXPECT_EQ(client.replyTo(client.call(driver, "/", driver, "GetNameOwner", driver)).text(), driver);
    const Received denied = client.replyTo(client.call(serviceName, "/", serviceName, "other", "x"));
    EXPECT_EQ(denied.error(), errors::accessDenied);
    EXPECT_TRUE(proxySays("domain 7 (" + line.device + ")"));
    client.send("GET / HTTP/1.1\r\n\r\n"s); // a line has no end: this is one
    EXPECT_EQ(proxy->waitEnd(), 0);
    EXPECT_THAT(proxy->messages(), HasSubstr("the conversation is over"));
    expectRaw(line, false);
}

TEST_F(ProxySerial, TheTimeToAuthenticateBeginsWithTheFirstByte) {
    Line line;
    startProxy("allow all\n", {"-i", "serial:" + line.device, "--handshake-timeout", "300"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(900);
    while (std::chrono::steady_clock::now() < end)
        loop.context().run_one_for(std::chrono::milliseconds(50)); // longer than that nobody says anything
    ASSERT_TRUE(proxy->running());
    RawClient client{UniqueFd(::dup(line.master.get()))};
    client.send("\0AUTH"s);
    EXPECT_EQ(proxy->waitEnd(), 0);
    EXPECT_THAT(proxy->messages(), HasSubstr("has not authenticated within 300 ms"));
}

TEST_F(ProxySerial, LeadsFromOneMachineToAnother) {
    Line here;
    Line there;
    writeRules(basics + "allow member echo\n"s);
    startProxyWith({"-d", "7", "-i", "serial:" + there.device});
    Process guest(directory.path(), "guest",
                  {RPC_PROXY, "--log-to", "stderr", "-w", "-i", "unix:" + socket(), "-o",
                   "serial:" + here.device, "--bus", "unix:path=/no/such/bus"});
    ASSERT_TRUE(guest.waitReady()) << guest.messages();
    {
        // The guest's proxy opens its line for its first client.
        UniqueFd kept(::open(here.device.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
        const Cable cable(std::move(here), std::move(there));
        auto client = connect();
        EXPECT_EQ(ask(*client, "echo"), "hello");
        EXPECT_THAT(ask(*client, "other"), StartsWith(errors::accessDenied));
        const std::string odd("\x11\x13\x03\x04\x1a\r\n\x7f", 8); // what a terminal would take for its own
        EXPECT_EQ(ask(*client, "echo", odd), odd);
        const std::string large(100'000, 'x');
        EXPECT_EQ(ask(*client, "echo", large), large);
        RawClient second(socket());
        second.authenticate();
        EXPECT_TRUE(second.ended());
        EXPECT_THAT(guest.messages(), HasSubstr("it has one conversation, which has begun"));
        EXPECT_EQ(ask(*client, "echo"), "hello");
        client.reset();
        EXPECT_EQ(guest.waitEnd(), 0);
        kept.reset(); // and with it the cable
    }
    EXPECT_EQ(proxy->waitEnd(), 0);
}

TEST_F(ProxySerial, IsRefusedWithWhatToDo) {
    const auto refusal = [this](std::vector<std::string> options) {
        options.insert(options.begin(), {RPC_PROXY, "--log-to", "stderr", "-r", rulesFile(), "-o",
                                         "unix:" + bus.address().substr("unix:path="s.size())});
        Process process(directory.path(), "refused", std::move(options));
        EXPECT_EQ(process.waitEnd(), 1);
        return process.messages();
    };
    Line line;
    writeRules("allow all\n");
    EXPECT_THAT(refusal({"-i", "serial:" + line.device}), HasSubstr("say so with -d N"));
    EXPECT_THAT(refusal({"-i", "serial:/no/such/line", "-d", "7"}), HasSubstr("cannot open it"));
    EXPECT_THAT(refusal({"-i", "serial:" + rulesFile(), "-d", "7"}), HasSubstr("it is no serial line"));
    startProxy("allow all\n", {"-i", "serial:" + line.device});
    EXPECT_THAT(refusal({"-i", "serial:" + line.device, "-d", "7"}), HasSubstr("another process uses it"));
    proxy->signal(SIGTERM);
    EXPECT_EQ(proxy->waitEnd(), 0);
    expectRaw(line, false);
}

} // namespace
} // namespace xb::test
