// SPDX-License-Identifier: Apache-2.0
// Notifications over sockets: to somebody who listens, to nobody, and to somebody who does not take them.
#include "tests/support/private_bus.hpp"
#include "toolstack/xenvm/notify_socket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

using testing::ElementsAre;

class NotifySocketTest : public testing::Test {
protected:
    /// Takes connections and keeps what each brought.
    template <class Acceptor>
    static Task<> serve(Acceptor& acceptor, std::vector<std::string>& lines, std::size_t count) {
        while (lines.size() < count) {
            auto socket = co_await acceptor.async_accept(asio::use_awaitable);
            std::string line;
            boost::system::error_code end;
            co_await asio::async_read(socket, asio::dynamic_buffer(line),
                                      asio::redirect_error(asio::use_awaitable, end));
            EXPECT_EQ(end, asio::error::eof);
            lines.push_back(line);
        }
    }
    void start(Task<> task) {
        asio::co_spawn(context, std::move(task), [](const std::exception_ptr& failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
    }
    /// Runs until nothing is under way.
    void run() {
        context.restart();
        context.run_for(std::chrono::seconds(20));
    }
    Executor executor() { return context.get_executor(); }

    asio::io_context context;
    xb::test::TemporaryDirectory directory;
    std::string path = directory.path() / "socket";
    std::vector<std::string> lines;
};

TEST_F(NotifySocketTest, EachLineHasAUnixConnectionOfItsOwn) {
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    start(serve(acceptor, lines, 3));
    auto socket = NotifySocket::toUnix(executor(), path);
    for (const char* line : {"u:0:ping\n", "u:61440:vm:state:running\n", "u:1:hup\n"})
        socket->send(line);
    EXPECT_TRUE(socket->busy());
    run();
    EXPECT_THAT(lines, ElementsAre("u:0:ping\n", "u:61440:vm:state:running\n", "u:1:hup\n"));
    EXPECT_FALSE(socket->busy());
}

TEST_F(NotifySocketTest, TcpByNameAndByAddress) {
    using asio::ip::tcp;
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    start(serve(acceptor, lines, 2));
    const std::string port = std::to_string(acceptor.local_endpoint().port());
    NotifySocket::toTcp(executor(), "127.0.0.1:" + port)->send("a\n");
    NotifySocket::toTcp(executor(), "localhost:" + port)->send("a\n");
    run();
    EXPECT_THAT(lines, ElementsAre("a\n", "a\n"));
}

TEST_F(NotifySocketTest, NobodyThereIsNoHarmAndIsTriedAgain) {
    auto socket = NotifySocket::toUnix(executor(), path);
    socket->send("lost\n");
    run();
    EXPECT_FALSE(socket->busy());
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    start(serve(acceptor, lines, 1));
    socket->send("heard\n");
    run();
    EXPECT_THAT(lines, ElementsAre("heard\n"));
}

TEST_F(NotifySocketTest, TargetsThatCannotBeAreNoHarm) {
    for (const auto& socket :
         {NotifySocket::toUnix(executor(), std::string(200, 'x')),
          NotifySocket::toTcp(executor(), "127.0.0.1:nosuchport"),
          NotifySocket::toTcp(executor(), "[::1]:99999999"), NotifySocket::toTcp(executor(), ":"),
          NotifySocket::toUnix(executor(), directory.path())}) {
        socket->send("lost\n");
        run();
        EXPECT_FALSE(socket->busy());
    }
}

TEST_F(NotifySocketTest, SomebodyWhoDoesNotReadIsGivenUpAfterAWhileAndTheQueueIsBounded) {
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    auto socket = NotifySocket::toUnix(executor(), path);
    socket->send(std::string(16 << 20, 'x')); // more than the kernel takes
    for (std::size_t i = 0; i < 2 * NotifySocket::maxQueued; ++i)
        socket->send(std::to_string(i) + "\n");
    std::size_t brought = 0;
    start([](auto& from, auto& got, std::size_t& count) -> Task<> {
        auto deaf = co_await from.async_accept(asio::use_awaitable);
        co_await serve(from, got, NotifySocket::maxQueued - 1);
        count = got.size();
    }(acceptor, lines, brought));
    bool flushed = false;
    start([](std::shared_ptr<NotifySocket> sink, bool& done) -> Task<> {
        co_await sink->flush();
        done = true;
    }(socket, flushed));
    run();
    EXPECT_TRUE(flushed);
    EXPECT_EQ(brought, NotifySocket::maxQueued - 1);
    EXPECT_EQ(lines.front(), "0\n");
}

} // namespace
} // namespace xb::xenvm
