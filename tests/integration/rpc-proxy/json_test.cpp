// SPDX-License-Identifier: Apache-2.0
// JSON without WebSocket: of clients, to a bus that is another rpc-proxy, and what clients are told of
// themselves.
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Says bytes, hears texts up to their end; while it waits the loop goes on, on which services answer.
class TextClient {
public:
    TextClient(Loop& loop, const std::string& file)
        : loop_(loop), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, file.data(), file.size());
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw systemError("cannot connect to " + file, errno);
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN)
                return; // its end is seen by next()
            bytes.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
        }
    }
    void sendText(std::string_view text) { send(std::string(text) + '\0'); }
    /// Up to `end` and without it; "(end)" when the connection ends.
    std::string next(std::string_view end = std::string_view("\0", 1)) {
        const auto until = std::chrono::steady_clock::now() + patience;
        for (;;) {
            if (const std::size_t found = buffer_.find(end); found != std::string::npos) {
                std::string text = buffer_.substr(0, found);
                buffer_.erase(0, found + end.size());
                return text;
            }
            if (std::chrono::steady_clock::now() > until)
                throw Error("nothing came; so far: " + buffer_);
            std::array<char, 65536> bytes{};
            const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            if (got == 0 || (got < 0 && errno != EAGAIN))
                return "(end)";
            if (got > 0)
                buffer_.append(bytes.data(), static_cast<std::size_t>(got));
            loop_.context().restart();
            loop_.context().run_one_for(std::chrono::milliseconds(got > 0 ? 0 : 5));
        }
    }
    std::string replyTo(int id) {
        for (;;) {
            std::string text = next();
            if (text == "(end)" || text.find(fmt::format(R"("response-to":"{}")", id)) != std::string::npos)
                return text;
        }
    }
    std::string call(int id, std::string_view rest) {
        sendText(fmt::format(R"({{"id":{},{}}})", id, rest));
        return replyTo(id);
    }

private:
    Loop& loop_;
    UniqueFd socket_;
    std::string buffer_;
};

const std::string hello =
    R"("destination":"org.freedesktop.DBus","method":"Hello","path":"/org/freedesktop/DBus",)"
    R"("interface":"org.freedesktop.DBus","args":[])";

std::string toService(std::string_view member, std::string_view text) {
    return fmt::format(R"("destination":"{0}","method":"{1}","path":"/","interface":"{0}","args":["{2}"])",
                       serviceName, member, text);
}

class ProxyJson : public ProxyFixture {
protected:
    /// A proxy that leads D-Bus clients to the one of the fixture, in JSON.
    std::string startJsonOut(std::vector<std::string> options = {}) {
        const std::string file = directory.path() / "json-out";
        options.insert(options.begin(),
                       {RPC_PROXY, "--log-to", "stderr", "-w", "-i", "unix:" + file, "-o", "unix:" + socket(),
                        "--json-out", "--bus", "unix:path=/no/such/bus"});
        guest = std::make_unique<Process>(directory.path(), "guest", options);
        EXPECT_TRUE(guest->waitReady()) << guest->messages();
        return "unix:path=" + file;
    }

    std::unique_ptr<Process> guest;
};

TEST_F(ProxyJson, TextsEndWithNul) {
    startProxy(basics + "allow inc-method-call member echo\n"s, {"--json-in", "--auto-auth"});
    TextClient client(loop, socket());
    EXPECT_THAT(client.call(1, hello), HasSubstr(R"("type":"response","response-to":"1","args":[":)"));
    EXPECT_THAT(client.call(2, toService("echo", "h\\u00e4")), HasSubstr("\"args\":[\"h\u00e4\"]}"));
    EXPECT_THAT(client.call(3, toService("other", "x")),
                HasSubstr(R"("name":"org.freedesktop.DBus.Error.AccessDenied")"));
    client.sendText("{nonsense");
    EXPECT_THAT(client.next(), HasSubstr("InvalidArgs"));
    client.sendText(R"({"id":4,"destination":"a.b"})");
    EXPECT_THAT(client.replyTo(4), HasSubstr("is missing"));
    const std::string large(100'000, 'x');
    EXPECT_THAT(client.call(5, toService("echo", large)), HasSubstr(large));
    // Two in one, and one in two.
    const std::string both =
        "{\"id\":6," + toService("echo", "a") + "}\0{\"id\":7,"s + toService("echo", "b") + "}\0"s;
    client.send(both.substr(0, both.size() - 9));
    EXPECT_THAT(client.replyTo(6), HasSubstr(R"("args":["a"])"));
    client.send(both.substr(both.size() - 9));
    EXPECT_THAT(client.replyTo(7), HasSubstr(R"("args":["b"])"));
}

TEST_F(ProxyJson, WithoutAutoAuthLinesComeBeforeTexts) {
    startProxy("allow all\n", {"--json-in"});
    TextClient client(loop, socket());
    client.send("\0AUTH\r\n"s);
    EXPECT_EQ(client.next("\r\n"), "REJECTED EXTERNAL ANONYMOUS");
    client.send("AUTH EXTERNAL 30\r\n"s);
    EXPECT_THAT(client.next("\r\n"), StartsWith("OK "));
    client.send("NEGOTIATE_UNIX_FD\r\n"s);
    EXPECT_THAT(client.next("\r\n"), StartsWith("ERROR "));
    client.send("BEGIN\r\n"s);
    EXPECT_THAT(client.call(1, hello), HasSubstr(R"("response-to":"1")"));
    EXPECT_THAT(client.call(2, toService("echo", "x")), HasSubstr(R"("args":["x"])"));
    TextClient hasty(loop, socket()); // all of it at once
    hasty.send("\0AUTH ANONYMOUS\r\nBEGIN\r\n"s + "{\"id\":1," + hello + "}\0{\"id\":2,"s +
               toService("echo", "y") + "}\0"s);
    EXPECT_THAT(hasty.next("\r\n"), StartsWith("OK "));
    EXPECT_THAT(hasty.replyTo(2), HasSubstr(R"("args":["y"])"));
    TextClient rude(loop, socket());
    rude.sendText("{\"id\":1," + hello + "}");
    EXPECT_EQ(rude.next(), "(end)");
    TextClient early(loop, socket());
    early.send("\0BEGIN\r\n"s + "{\"id\":1," + hello + "}\0"s);
    EXPECT_EQ(early.next(), "(end)");
    EXPECT_TRUE(proxySays("BEGIN without authentication"));
}

TEST_F(ProxyJson, HostileTextsEndTheirSenderAlone) {
    startProxy("allow all\n", {"--json-in", "--auto-auth", "--max-text-bytes", "2000"});
    TextClient good(loop, socket());
    ASSERT_THAT(good.call(1, hello), HasSubstr(R"("response-to":"1")"));
    TextClient endless(loop, socket());
    endless.send(std::string(3000, ' '));
    EXPECT_EQ(endless.next(), "(end)");
    EXPECT_TRUE(proxySays("it sent a message of more than 2000 bytes"));
    TextClient silent(loop, socket());
    {
        TextClient half(loop, socket());
        half.send("{\"id\":");
    }
    EXPECT_TRUE(proxySays("the connection ended within a message"));
    EXPECT_THAT(good.call(2, toService("echo", "x")), HasSubstr(R"("args":["x"])"));
}

// There is nothing to ask it with.
TEST_F(ProxyJson, SilentClientsStay) {
    startProxy("allow all\n", {"--json-in", "--auto-auth", "--idle-timeout", "50"});
    TextClient client(loop, socket());
    ASSERT_THAT(client.call(1, hello), HasSubstr(R"("response-to":"1")"));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    while (std::chrono::steady_clock::now() < end)
        loop.context().run_one_for(std::chrono::milliseconds(50));
    EXPECT_THAT(client.call(2, toService("echo", "x")), HasSubstr(R"("args":["x"])"));
}

TEST_F(ProxyJson, TheBusMaySpeakJson) {
    startProxy(basics + "allow member echo\nallow member whoami\nallow inc-signal\n"s, {"--json-in"});
    Bus& client = kept(std::make_unique<Bus>(loop, startJsonOut()));
    EXPECT_EQ(ask(client, "echo"), "hello");
    EXPECT_THAT(ask(client, "whoami", "x"), StartsWith(":1."));
    EXPECT_THAT(ask(client, "other"), StartsWith(errors::accessDenied));
    EXPECT_THAT(ask(client, "echo", "x", "org.nobody"),
                StartsWith("org.freedesktop.DBus.Error.ServiceUnknown"));
    const std::string large(300'000, 'x');
    EXPECT_EQ(ask(client, "echo", large), large);
    const std::string odd = "a\u00e4\n\"\\\x01";
    EXPECT_EQ(ask(client, "echo", odd), odd);
    std::string heard;
    SignalMatch match;
    match.interface = serviceName;
    match.member = "news";
    const Subscription subscription = client.onSignal(match, [&heard](Message signal) { signal >> heard; });
    Message news = dom0->newSignal("/", serviceName, "news");
    news << std::string("from dom0");
    dom0->send(std::move(news));
    EXPECT_TRUE(runner.waitFor([&heard] { return heard == "from dom0"; }));
    std::string back;
    match.member = "answer";
    const Subscription other = dom0->onSignal(match, [&back](Message signal) { signal >> back; });
    Message answer = client.newSignal("/", serviceName, "answer");
    answer << std::string("from the guest");
    client.send(std::move(answer));
    EXPECT_TRUE(runner.waitFor([&back] { return back == "from the guest"; }));
}

TEST_F(ProxyJson, ClientsMayBeToldTheirUuid) {
    startProxy("allow all\n", {"-u"});
    TextClient client(loop, socket());
    client.send("\0AUTH EXTERNAL 30\r\n"s);
    EXPECT_EQ(client.next("\r\n"), "DATA "s + uuid);
    EXPECT_THAT(client.next("\r\n"), StartsWith("OK "));
    // Another proxy takes it.
    const std::string file = directory.path() / "chained";
    Process chained(directory.path(), "chained-proxy",
                    {RPC_PROXY, "--log-to", "stderr", "-w", "-i", "unix:" + file, "-o", "unix:" + socket(),
                     "--bus", "unix:path=/no/such/bus"});
    ASSERT_TRUE(chained.waitReady()) << chained.messages();
    EXPECT_EQ(ask(kept(std::make_unique<Bus>(loop, "unix:path=" + file)), "echo"), "hello");
}

TEST_F(ProxyJson, WhoHasNoVmIsToldNoUuid) {
    writeRules("allow all\n");
    for (const std::vector<std::string>& who :
         {std::vector<std::string>{"-d", "9", "-u"}, {"-u"}, {"-d", "7", "-u", "-w"}}) {
        startProxyWith(who);
        TextClient client(loop, socket());
        client.send("\0AUTH EXTERNAL 30\r\n"s);
        EXPECT_THAT(client.next("\r\n"), StartsWith("OK "));
        proxy->signal(SIGTERM);
        EXPECT_EQ(proxy->waitEnd(), 0);
    }
}

} // namespace
} // namespace xb::test
