// SPDX-License-Identifier: Apache-2.0
// Listening and connecting over unix and tcp sockets.
#include "rpc-proxy/channels/connect.hpp"
#include "rpc-proxy/channels/socket_listener.hpp"
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/unit/rpc-proxy/channels/waiter.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"

#include <array>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace xb::proxy {
namespace {

using test::Waiter;

using testing::HasSubstr;
using testing::StartsWith;

class Sockets : public testing::Test {
protected:
    std::string refusal(const Channel& channel) {
        try {
            SocketListener listener(loop.executor(), channel);
        } catch (const Error& e) {
            return e.what();
        }
        return "none";
    }
    std::unique_ptr<SocketListener> listen(const Channel& channel) {
        auto listener = std::make_unique<SocketListener>(loop.executor(), channel);
        listener->start([this](Arrival arrival) { arrivals.push_back(std::move(arrival)); });
        return listener;
    }
    std::string file() const { return directory.path() / "socket"; }
    Channel unixChannel() const { return listenChannel("unix:" + file()); }

    test::TemporaryDirectory directory;
    Loop loop;
    test::LoopRunner runner{loop};
    std::vector<Arrival> arrivals;
};

TEST_F(Sockets, CarryBytesBothWays) {
    const auto listener = listen(unixChannel());
    Waiter waiter;
    const auto client = runner.await(connect(loop.executor(), connectChannel("unix:" + file())));
    ASSERT_TRUE(runner.waitFor([this] { return arrivals.size() == 1; }));
    EXPECT_EQ(arrivals[0].peer, "uid " + std::to_string(::getuid()) + ", pid " + std::to_string(::getpid()));
    EXPECT_EQ(arrivals[0].domid, std::nullopt);
    Stream& server = *arrivals[0].stream;
    std::array<char, 16> buffer{};
    EXPECT_EQ(server.receive(buffer).state, Transfer::State::blocked);
    server.awaitReadable(waiter);
    server.awaitReadable(waiter); // changes nothing
    EXPECT_EQ(client->send(std::string_view("hello")).bytes, 5U);
    ASSERT_TRUE(runner.waitFor([&waiter] { return waiter.reads == 1; }));
    const Transfer got = server.receive(buffer);
    EXPECT_EQ(std::string_view(buffer.data(), got.bytes), "hello");
    EXPECT_EQ(server.send(std::string_view("x")).bytes, 1U);
    arrivals.clear();
    EXPECT_EQ(client->receive(buffer).bytes, 1U);
    EXPECT_EQ(client->receive(buffer).state, Transfer::State::closed);
    EXPECT_EQ(client->send(std::string_view("x")).state, Transfer::State::closed);
}

TEST_F(Sockets, OverTcpAreOfThisMachine) {
    const std::string text = "tcp:" + std::to_string(20000 + ::getpid() % 20000);
    const auto listener = listen(listenChannel(text));
    const auto client = runner.await(connect(loop.executor(), connectChannel(text)));
    ASSERT_TRUE(runner.waitFor([this] { return arrivals.size() == 1; }));
    EXPECT_THAT(arrivals[0].peer, StartsWith("127.0.0.1:"));
}

TEST_F(Sockets, ThatNobodyListensOnCannotBeReached) {
    for (const std::string& text : {"unix:" + file(), std::string("tcp:1")}) {
        try {
            runner.await(connect(loop.executor(), connectChannel(text)));
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), StartsWith("cannot connect to " + text));
        }
    }
}

TEST_F(Sockets, HaveTheirFileForThemselvesAlone) {
    auto listener = listen(unixChannel());
    struct stat found {};
    ASSERT_EQ(::stat(file().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    EXPECT_THAT(refusal(unixChannel()), HasSubstr("somebody listens there already"));
    listener.reset();
    EXPECT_FALSE(std::filesystem::exists(file()));
    writeFileAtomically(file(), "precious");
    EXPECT_THAT(refusal(unixChannel()), HasSubstr("is no socket"));
    EXPECT_EQ(readFile(file()), "precious");
    EXPECT_THAT(refusal(listenChannel("unix:/no/such/directory/s")), HasSubstr("No such file"));
    EXPECT_THAT(refusal(listenChannel("unix:/" + std::string(200, 'x'))), HasSubstr("a socket's may have"));
}

TEST_F(Sockets, TakeOverTheFileOfOneThatIsGone) {
    {
        const auto listener = listen(unixChannel());
        std::filesystem::rename(file(), file() + "2"); // its end does not find it
    }
    std::filesystem::rename(file() + "2", file());
    EXPECT_EQ(refusal(unixChannel()), "none");
}

TEST_F(Sockets, AreTakenAgainAfterDescriptorsRanOut) {
    const auto listener = listen(unixChannel());
    const auto first = runner.await(connect(loop.executor(), connectChannel("unix:" + file())));
    ASSERT_TRUE(runner.waitFor([this] { return arrivals.size() == 1; }));
    const auto second = runner.await(connect(loop.executor(), connectChannel("unix:" + file())));
    log::init("test", log::Sink::standardError);
    testing::internal::CaptureStderr();
    // UBSan looks at the logger when it is first used, and needs descriptors for that.
    log::error("the first line");
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
    loop.context().restart();
    loop.context().run_for(std::chrono::milliseconds(1)); // the accept that fails
    loop.context().poll();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(arrivals.size(), 1U);
    EXPECT_TRUE(runner.waitFor([this] { return arrivals.size() == 2; }));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot take another client"));
}

} // namespace
} // namespace xb::proxy
