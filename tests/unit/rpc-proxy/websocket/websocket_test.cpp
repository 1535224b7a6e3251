// SPDX-License-Identifier: Apache-2.0
// The server's side of a WebSocket, byte by byte: RFC 6455, and clients that do not keep to it.
#include "tests/unit/rpc-proxy/websocket/raw_client.hpp"

namespace xb::proxy {
namespace {

class WebSocketHandshake : public RawClient {};

TEST_F(WebSocketHandshake, OfABrowser) {
    EXPECT_EQ(accepted(handshake()), "ok");
    const std::string answer = received();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
    // The example of RFC 6455.
    EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos)
        << answer;
    EXPECT_EQ(answer.find("Extensions"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Server: xenbroker\r\n"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("Sec-WebSocket-Protocol"), std::string::npos) << answer;
}

TEST_F(WebSocketHandshake, OnlyFromPagesThatMay) {
    EXPECT_EQ(accepted(handshake("", "localhost:8080", "")), "ok"); // no browser
    EXPECT_EQ(accepted(handshake("", "10.0.0.1", "http://10.0.0.1")), "ok");
    EXPECT_EQ(accepted(handshake("", "localhost:8080", "http://evil.example")),
              "AccessDenied: pages of \"http://evil.example\" may not connect");
    EXPECT_TRUE(received().starts_with("HTTP/1.1 403 "));
    EXPECT_EQ(accepted(handshake("", "evil.example", "http://evil.example")),
              "AccessDenied: this service is not known as \"evil.example\"");
    EXPECT_TRUE(received().starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(accepted(handshake("", "", "")).starts_with("InvalidArgs: the request has not one Host"));
    EXPECT_TRUE(
        accepted(handshake("Host: localhost\r\n")).starts_with("InvalidArgs: the request has not one Host"));
    EXPECT_TRUE(accepted(handshake("Origin: http://localhost\r\n"))
                    .starts_with("InvalidArgs: the request has not one Host"));
    options_.access.origins = {"http://evil.example"};
    EXPECT_EQ(accepted(handshake("", "localhost:8080", "http://evil.example")), "ok");
}

TEST_F(WebSocketHandshake, WhatIsNone) {
    EXPECT_EQ(accepted("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              "InvalidArgs: this is a WebSocket service");
    EXPECT_TRUE(received().starts_with("HTTP/1.1 426 "));
    EXPECT_TRUE(accepted("hello?\r\n\r\n").starts_with("InvalidArgs: the request is not HTTP"));
    EXPECT_TRUE(received().starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(
        accepted(handshake() + frame(text, "early")).starts_with("InvalidArgs: there is something behind"));
    EXPECT_TRUE(accepted(handshake("X: " + std::string(8192, 'x') + "\r\n"))
                    .starts_with("LimitsExceeded: the request is larger"));
    EXPECT_TRUE(received().starts_with("HTTP/1.1 431 "));
    EXPECT_EQ(accepted(handshake("X: " + std::string(7000, 'x') + "\r\n")), "ok");
    std::string older = handshake();
    older.replace(older.find("Version: 13"), 11, "Version: 12");
    EXPECT_NE(accepted(older), "ok");
    EXPECT_NE(accepted("POST" + handshake().substr(3)), "ok");
}

TEST_F(WebSocketHandshake, ASilentClientIsDropped) {
    options_.handshake = std::chrono::milliseconds(50);
    EXPECT_EQ(accepted("GET / HT"), "Timeout: the handshake took longer than 50 ms");
    EXPECT_EQ(accepted(""), "Timeout: the handshake took longer than 50 ms");
    char byte = 0;
    EXPECT_EQ(::recv(client_.get(), &byte, 1, 0), 0); // closed
}

TEST_F(WebSocketHandshake, AClientThatIsGone) {
    connect();
    send("GET / HT");
    finish();
    EXPECT_THROW(runner_.await(server_->accept()), Error);
    connect();
    client_.reset();
    EXPECT_THROW(runner_.await(server_->accept()), Error);
}

class WebSocketMessages : public RawClient {
protected:
    /// Reads what the frames lead to, and the code that the client is told.
    void ends(std::string_view frames, int code) {
        SCOPED_TRACE(code);
        open();
        send(frames);
        finish();
        const std::string said = next();
        EXPECT_TRUE(said.find(": ") != std::string::npos) << said;
        const std::string told = received();
        ASSERT_GE(told.size(), 4U);
        EXPECT_EQ(told.substr(0, 1), "\x88");
        EXPECT_EQ(told.substr(2, 2), closeCode(code));
    }
};

TEST_F(WebSocketMessages, TextsInAndOut) {
    open();
    send(frame(text, "one") + frame(text, "") + frame(text, std::string(70000, 'x')));
    EXPECT_EQ(next(), "one");
    EXPECT_EQ(next(), "");
    EXPECT_EQ(next(), std::string(70000, 'x'));
    for (const std::size_t size : {0U, 125U, 126U, 65535U, 65536U, 100000U}) {
        const std::string payload(size, 'y');
        runner_.await(server_->write(payload));
        EXPECT_EQ(received(), frame(text, payload, true, false)) << size;
    }
}

TEST_F(WebSocketMessages, FragmentsWithPingsBetweenThem) {
    open();
    send(frame(text, "a\xc3", false) + frame(ping, "are you there") + frame(continuation, "", false) +
         frame(continuation, "\xa4z") + frame(pong, "nobody asked") + frame(text, "next"));
    EXPECT_EQ(next(), "a\xc3\xa4z");
    EXPECT_EQ(received(), frame(pong, "are you there", true, false));
    EXPECT_EQ(next(), "next");
}

TEST_F(WebSocketMessages, ByteByByte) {
    open();
    const std::string bytes = frame(text, "slowly");
    for (const char byte : bytes.substr(0, bytes.size() - 1)) {
        send({&byte, 1});
        loop_.context().poll();
    }
    send(bytes.substr(bytes.size() - 1));
    EXPECT_EQ(next(), "slowly");
}

TEST_F(WebSocketMessages, ClientsThatBreakTheProtocol) {
    ends(frame(text, "not masked", true, false), 1002);
    ends(frame(3, "reserved"), 1002);
    ends(frame(11, "reserved"), 1002);
    std::string compressed = frame(text, "x");
    compressed[0] = static_cast<char>(compressed[0] | 0x40); // RSV1 without the extension
    ends(compressed, 1002);
    ends(frame(continuation, "of nothing"), 1002);
    ends(frame(text, "a", false) + frame(text, "b"), 1002);
    ends(frame(ping, "in parts", false), 1002);
    ends(frame(ping, std::string(126, 'x')), 1002);
    ends(frame(closing, "x"), 1002);
    ends(frame(closing, closeCode(1005)), 1002);
    ends(frame(text, "\xff"), 1007);
    ends(frame(text, "\xed\xa0\x80"), 1007);
    ends(frame(text, "\xc3"), 1007);
}

TEST_F(WebSocketMessages, OnlyText) {
    open();
    send(frame(binary, "x") + frame(closing, closeCode(1003)));
    finish();
    EXPECT_TRUE(next().starts_with("Failed: "));
    EXPECT_EQ(received().substr(2, 2), closeCode(1003));
}

TEST_F(WebSocketMessages, BoundedInSize) {
    options_.messageBytes = 1000;
    open();
    send(frame(text, std::string(1000, 'x')));
    EXPECT_EQ(next().size(), 1000U);
    ends(frame(text, std::string(1001, 'x')), 1009);
    ends(frame(text, std::string(600, 'x'), false) + frame(continuation, std::string(600, 'x')), 1009);
    open();
    send(frame(text, std::string(1001, 'x')).substr(0, 8)); // before it is all there
    finish();
    EXPECT_EQ(next(), "LimitsExceeded: a message is larger than 1000 bytes");
}

TEST_F(WebSocketMessages, TheClientCloses) {
    open();
    send(frame(closing, closeCode(1001, "bye")));
    finish();
    EXPECT_EQ(next(), "closed");
    EXPECT_EQ(received(), frame(closing, closeCode(1001), true, false));
    EXPECT_THROW(runner_.await(server_->write("late")), Error);
}

TEST_F(WebSocketMessages, TheClientIsGone) {
    open();
    finish();
    EXPECT_TRUE(next().starts_with("Failed: the WebSocket ended"));
    open();
    client_.reset();
    EXPECT_TRUE(next().starts_with("Failed: the WebSocket ended"));
    EXPECT_THROW(runner_.await(server_->write("late")), Error);
}

TEST_F(WebSocketMessages, TheServerCloses) {
    open();
    send(frame(text, "not read any more") + frame(closing, closeCode(1000)));
    finish();
    runner_.await(server_->close(WebSocket::CloseCode::goingAway, "restart"));
    EXPECT_EQ(received(), frame(closing, closeCode(1001, "restart"), true, false));
}

// Neither a farewell nor an error waits for ever.
TEST_F(WebSocketMessages, AClientThatDoesNotSayGoodbye) {
    options_.farewell = std::chrono::milliseconds(50);
    open();
    runner_.await(server_->close(WebSocket::CloseCode::normal, ""));
    open();
    send(frame(text, "\xff"));
    EXPECT_TRUE(next().starts_with("Failed: the WebSocket ended"));
}

TEST_F(WebSocketMessages, StopEndsWhoReads) {
    open();
    std::string said;
    const auto reading = [](WebSocket& socket, std::string& into) -> Task<> {
        try {
            static_cast<void>(co_await socket.read());
        } catch (const Error& e) {
            into = e.what();
        }
    };
    loop_.spawn("reading", reading(*server_, said));
    loop_.context().poll();
    server_->stop();
    EXPECT_TRUE(runner_.waitFor([&] { return !said.empty(); }));
}

} // namespace
} // namespace xb::proxy
