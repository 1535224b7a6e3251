// SPDX-License-Identifier: Apache-2.0
// What the proxy says to the bus, and what it makes of the answers.
#include "rpc-proxy/relay/bus_login.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/framer.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::HasSubstr;
using State = BusLogin::State;

const std::string guest = "com.citrix.xenclient.guest.domid_7.c1_1";

struct Answer {
    wire::MessageType type = wire::MessageType::methodReturn;
    std::uint32_t to = 1;
    std::string_view sender = driverName;
};

void give(BusLogin& login, const Answer& answer, std::string_view signature, const std::string& body) {
    wire::Header header;
    header.type = answer.type;
    header.serial = 1;
    header.replySerial = answer.to;
    header.sender = answer.sender;
    if (answer.type == wire::MessageType::error)
        header.errorName = "a.b.Refused";
    header.signature = signature;
    std::string bytes;
    ASSERT_EQ(wire::appendMessage(bytes, header, body), std::nullopt);
    wire::MessageView view;
    ASSERT_EQ(wire::read(bytes, {}, view), std::nullopt);
    login.message(view);
}

void giveString(BusLogin& login, const Answer& answer, std::string_view text) {
    wire::BodyWriter body("s");
    body.string(text);
    give(login, answer, "s", body.take());
}

void giveNumber(BusLogin& login, std::uint32_t number) {
    wire::BodyWriter body("u");
    body.uint32(number);
    give(login, {wire::MessageType::methodReturn, 2, driverName}, "u", body.take());
}

BusLogin authenticated(const std::string& name) {
    BusLogin login(name);
    EXPECT_EQ(login.feed("OK 0123456789abcdef0123456789abcdef\r\nl"), "l");
    EXPECT_EQ(login.state(), State::registering);
    return login;
}

TEST(BusLogin, SaysEverythingAtOnce) {
    std::string bytes = BusLogin(guest).opening(0);
    const std::string sasl = std::string(1, '\0') + "AUTH EXTERNAL 30\r\nBEGIN\r\n";
    ASSERT_TRUE(bytes.starts_with(sasl));
    bytes.erase(0, sasl.size());
    wire::Framer framer({});
    framer.feed(bytes);
    std::vector<std::string> members;
    while (const auto message = framer.next()) {
        wire::MessageView view;
        ASSERT_EQ(wire::read(wire::asText(*message), {}, view), std::nullopt);
        members.emplace_back(*view.member);
        if (view.member == "RequestName") {
            EXPECT_EQ(view.firstString(), guest);
        }
    }
    EXPECT_THAT(members, testing::ElementsAre("Hello", "RequestName"));
    EXPECT_EQ(framer.held(), 0U);
    EXPECT_THAT(BusLogin("").opening(0), testing::Not(HasSubstr("RequestName")));
}

TEST(BusLogin, IsDoneWithBothNames) {
    BusLogin login = authenticated(guest);
    giveString(login, {wire::MessageType::methodReturn, 1, ":1.5"}, ":1.6"); // not the bus
    giveNumber(login, 1);                                                    // too early
    EXPECT_EQ(login.uniqueName(), "");
    giveString(login, {}, ":1.7");
    EXPECT_EQ(login.uniqueName(), ":1.7");
    EXPECT_EQ(login.state(), State::registering);
    giveNumber(login, 1);
    EXPECT_EQ(login.state(), State::done);
}

TEST(BusLogin, WithoutAGuestIsDoneWithHello) {
    BusLogin login = authenticated("");
    giveString(login, {}, ":1.7");
    EXPECT_EQ(login.state(), State::done);
}

TEST(BusLogin, FailsWithTheBussReason) {
    BusLogin refused("");
    refused.feed("REJECTED EXTERNAL\r\n");
    EXPECT_EQ(refused.state(), State::failed);
    EXPECT_THAT(refused.failure(), HasSubstr("REJECTED EXTERNAL"));
    BusLogin full = authenticated(guest);
    giveString(full, {wire::MessageType::error, 1, driverName}, "too many");
    EXPECT_EQ(full.failure(), "the bus refused Hello: a.b.Refused: too many");
    BusLogin nameless = authenticated(guest);
    giveString(nameless, {}, "a.b");
    EXPECT_EQ(nameless.state(), State::failed);
    for (std::uint32_t answer : {2U, 3U, 4U}) { // queued, somebody else's, ours already
        BusLogin taken = authenticated(guest);
        giveString(taken, {}, ":1.7");
        giveNumber(taken, answer);
        EXPECT_EQ(taken.state(), State::failed) << answer;
        EXPECT_THAT(taken.failure(), HasSubstr(guest));
    }
}

} // namespace
} // namespace xb::proxy
