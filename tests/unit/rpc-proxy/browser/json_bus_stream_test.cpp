// SPDX-License-Identifier: Apache-2.0
// A bus that speaks JSON, as the session sees it, and what goes over the wire to it.
#include "rpc-proxy/browser/json_bus_stream.hpp"

#include "memory_stream.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "tests/unit/rpc-proxy/channels/waiter.hpp"
#include "toolstack/libs/loop.hpp"

#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using test::Waiter;

using namespace std::string_literals;

std::string message(wire::Header header, std::string_view text) {
    wire::BodyWriter body("s");
    body.string(text);
    header.signature = "s";
    std::string bytes;
    EXPECT_EQ(wire::appendMessage(bytes, header, body.take()), std::nullopt);
    return bytes;
}

wire::Header call(std::uint32_t serial, std::string_view destination = "a.b") {
    wire::Header header = wire::methodCall(serial, "/", "a.b", "M");
    header.destination = destination;
    return header;
}

class JsonBus : public testing::Test {
protected:
    void open(const JsonBusLimits& limits = {}) {
        stream = std::make_unique<JsonBusStream>(loop.executor(), std::make_unique<test::MemoryStream>(wire),
                                                 limits);
        send("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s);
        wire->in = "OK 0123456789abcdef0123456789abcdef\r\n";
        EXPECT_EQ(receive(), "OK 0123456789abcdef0123456789abcdef\r\n");
        EXPECT_EQ(std::exchange(wire->out, {}), "\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s);
    }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const Transfer sent = stream->send(bytes);
            ASSERT_EQ(sent.state, Transfer::State::moved);
            bytes.remove_prefix(sent.bytes);
        }
    }
    std::string receive() {
        std::array<char, 65536> buffer{};
        const Transfer got = stream->receive(buffer);
        return got.state == Transfer::State::moved     ? std::string(buffer.data(), got.bytes)
               : got.state == Transfer::State::blocked ? "(blocked)"
                                                       : "(" + got.reason() + ")";
    }
    /// What comes of this text: "TYPE from SENDER SIGNATURE first string".
    std::string heard(const std::string& text) {
        wire->in += text + '\0';
        std::string bytes = receive();
        wire::MessageView view;
        if (wire::read(bytes, {}, view))
            return bytes;
        return std::to_string(static_cast<int>(view.type)) + " from " +
               std::string(view.sender.value_or("-")) + " " + std::string(view.signature) + " " +
               std::string(view.firstString().value_or("-"));
    }

    Loop loop;
    std::shared_ptr<test::Wire> wire = std::make_shared<test::Wire>();
    Waiter waiter;
    std::unique_ptr<JsonBusStream> stream;
};

TEST_F(JsonBus, MessagesGoOutWithTheirTypes) {
    open();
    const std::string both = message(call(7), "x") + message(wire::signal(8, "/", "a.b", "S"), "y");
    send(both.substr(0, 50));
    send(both.substr(50));
    EXPECT_EQ(wire->out,
              R"({"id":7,"type":"request","method":"M","destination":"a.b","path":"/","interface":"a.b",)"
              R"("dbus-signature":"s","args":["x"]})"s +
                  '\0' + R"({"id":8,"type":"signal","interface":"a.b","member":"S","path":"/",)" +
                  R"("dbus-signature":"s","args":["y"]})" + '\0');
}

TEST_F(JsonBus, RepliesComeFromWhoWasCalledAndOnce) {
    open();
    send(message(call(7, ":1.5"), "x") + message(call(8, "org.freedesktop.DBus"), "x"));
    EXPECT_EQ(heard(R"({"id":1,"type":"response","response-to":"7","args":["r"]})"), "2 from :1.5 s r");
    EXPECT_EQ(heard(R"({"id":2,"type":"error","response-to":"8","name":"a.b.C","args":["e"]})"),
              "3 from org.freedesktop.DBus s e");
    EXPECT_EQ(heard(R"({"id":3,"type":"response","response-to":"7","args":["r"]})"), "(blocked)");
    wire::Header silent = call(9);
    silent.flags = wire::noReplyExpected;
    send(message(silent, "x"));
    EXPECT_EQ(heard(R"({"id":3,"type":"response","response-to":"9","args":[]})"), "(blocked)");
}

TEST_F(JsonBus, SignalsOfTheBusAreItsOwn) {
    open();
    EXPECT_EQ(
        heard(R"({"id":1,"type":"signal","interface":"org.freedesktop.DBus","member":"NameLost","path":"/",)"
              R"("args":["n"]})"),
        "4 from org.freedesktop.DBus s n");
    EXPECT_EQ(heard(R"({"id":1,"type":"signal","interface":"a.b","member":"S","path":"/","args":["n"]})"),
              "4 from - s n");
}

TEST_F(JsonBus, WhatIsNoMessageIsPassedOver) {
    open();
    wire->in = "nonsense\0{}\0"s;
    EXPECT_EQ(receive(), "(blocked)");
    send(message(call(7), "x"));
    EXPECT_EQ(heard(R"({"id":1,"type":"response","response-to":"7","args":[null]})").substr(0, 10),
              "3 from a.b")
        << "a reply that cannot be said is an error";
    EXPECT_EQ(heard(R"({"id":1,"type":"signal","interface":"a.b","member":"S","path":"/","args":["n"]})"),
              "4 from - s n");
}

TEST_F(JsonBus, TextsHaveALimit) {
    JsonBusLimits limits;
    limits.textBytes = 1000;
    open(limits);
    wire->in = std::string(1001, ' ');
    EXPECT_NE(receive(), "(blocked)");
    EXPECT_EQ(stream->send("x"s).state, Transfer::State::failed);
}

TEST_F(JsonBus, WhoDoesNotReadIsGivenNoMore) {
    JsonBusLimits limits;
    limits.queueBytes = 200;
    open(limits);
    wire->room = 10;
    std::size_t sent = 0;
    const std::string one = message(call(7), "x");
    while (stream->send(one).state == Transfer::State::moved)
        ASSERT_LT(++sent, 10U);
    stream->awaitWritable(waiter);
    loop.context().poll();
    EXPECT_EQ(waiter.writes, 0);
    wire->room = 1U << 20;
    wire->changed();
    EXPECT_EQ(waiter.writes, 1);
    EXPECT_TRUE(wire->out.ends_with("}\0"s));
    EXPECT_EQ(std::ranges::count(wire->out, '\0'), static_cast<std::ptrdiff_t>(sent));
}

TEST_F(JsonBus, IsReadWhileThereIsSomething) {
    open();
    const std::string signal =
        R"({"id":1,"type":"signal","interface":"a.b","member":"S","path":"/","args":["n"]})";
    wire->in = signal + '\0' + signal + '\0';
    std::array<char, 16> small{};
    std::size_t got = 0;
    for (int i = 0; i < 100; ++i) // less than a text at a time, and less than a message
        got += stream->receive(small).bytes;
    EXPECT_GT(got, 100U);
    stream->awaitReadable(waiter);
    loop.context().poll();
    EXPECT_EQ(waiter.reads, 0);
    wire->ended = true;
    wire->changed();
    EXPECT_EQ(waiter.reads, 1);
    EXPECT_EQ(receive(), "(the other side closed it)");
    stream->awaitReadable(waiter);
    stream.reset();
    loop.context().restart();
    loop.context().poll();
    EXPECT_EQ(waiter.reads, 1) << "nobody is called once it is gone";
}

} // namespace
} // namespace xb::proxy
