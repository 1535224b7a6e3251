// SPDX-License-Identifier: Apache-2.0
// The client's name behind the name that it asked for.
#include "rpc-proxy/relay/client_names.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

const std::string own = "com.citrix.xenclient.guest.uuid_x";

/// A message with a string, or a string and a number, and its bytes.
struct Made {
    Made(wire::Header header, std::string_view text, bool number = false) {
        wire::BodyWriter body(number ? "su" : "s");
        body.string(text);
        if (number)
            body.uint32(0);
        header.signature = number ? "su" : "s";
        EXPECT_EQ(wire::appendMessage(bytes, header, body.take()), std::nullopt);
        EXPECT_EQ(wire::read(bytes, {}, view), std::nullopt);
    }
    std::string bytes;
    wire::MessageView view;
};

std::optional<std::string> ask(ClientNames& names, std::string_view member, std::string_view text,
                               std::uint32_t serial = 1) {
    wire::Header call = wire::methodCall(serial, driverPath, driverName, member);
    call.destination = driverName;
    return names.ofCall(Made(call, text, member == "RequestName").view);
}

std::optional<std::string> hear(ClientNames& names, std::string_view member, std::string_view text) {
    wire::Header signal = wire::signal(1, driverPath, driverName, member);
    signal.sender = driverName;
    return names.ofMessage(Made(signal, text).view);
}

std::optional<std::string> answer(ClientNames& names, std::uint32_t to, std::string_view text,
                                  bool error = false) {
    wire::Header reply;
    reply.type = error ? wire::MessageType::error : wire::MessageType::methodReturn;
    if (error)
        reply.errorName = "a.b";
    reply.serial = 1;
    reply.replySerial = to;
    reply.sender = driverName;
    return names.ofMessage(Made(reply, text).view);
}

TEST(ClientNames, GiveTheirOwnForWhatIsAskedFor) {
    ClientNames names(own, false);
    EXPECT_EQ(ask(names, "NameHasOwner", "com.a"), std::nullopt);
    EXPECT_EQ(hear(names, "NameAcquired", own), std::nullopt);
    EXPECT_EQ(ask(names, "RequestName", "com.a"), own);
    EXPECT_EQ(hear(names, "NameAcquired", own), "com.a");
    EXPECT_EQ(hear(names, "NameAcquired", ":1.5"), std::nullopt);
    EXPECT_EQ(hear(names, "NameLost", own), "com.a");
    EXPECT_EQ(hear(names, "NameOwnerChanged", own), std::nullopt);
    for (const char* const member : {"NameHasOwner", "GetNameOwner", "ListQueuedOwners"}) {
        EXPECT_EQ(ask(names, member, "com.a"), own);
        EXPECT_EQ(ask(names, member, "com.b"), std::nullopt);
    }
    EXPECT_EQ(ask(names, "AddMatch", "com.a"), std::nullopt);
    EXPECT_EQ(ask(names, "ReleaseName", "com.b"), std::nullopt);
    EXPECT_EQ(ask(names, "ReleaseName", "com.a"), own);
    EXPECT_EQ(ask(names, "ReleaseName", "com.a"), std::nullopt) << "it has gone";
    EXPECT_EQ(ask(names, "GetNameOwner", "com.a"), std::nullopt);
}

TEST(ClientNames, RememberSoManyOnly) {
    ClientNames names(own, false);
    for (std::size_t i = 0; i <= maxClientNames; ++i)
        EXPECT_EQ(ask(names, "RequestName", "com.a" + std::to_string(i)), own);
    EXPECT_EQ(ask(names, "GetNameOwner", "com.a0"), std::nullopt);
    EXPECT_EQ(ask(names, "GetNameOwner", "com.a1"), own);
}

TEST(ClientNames, AnswerWithTheNameThatWasAskedFor) {
    ClientNames names("", true);
    EXPECT_EQ(ask(names, "RequestName", "com.a"), std::nullopt);
    EXPECT_EQ(ask(names, "GetNameOwner", "com.a", 7), std::nullopt);
    EXPECT_EQ(ask(names, "GetNameOwner", "com.b", 8), std::nullopt);
    EXPECT_EQ(ask(names, "NameHasOwner", "com.b", 9), std::nullopt);
    EXPECT_EQ(answer(names, 9, ":1.1"), std::nullopt);
    EXPECT_EQ(answer(names, 8, ":1.1"), "com.b");
    EXPECT_EQ(answer(names, 8, ":1.1"), std::nullopt);
    EXPECT_EQ(answer(names, 7, "nobody", true), std::nullopt);
    EXPECT_EQ(answer(names, 7, ":1.1"), std::nullopt) << "an error is an answer";
}

TEST(ClientNames, AreMadeOfTheUuid) {
    EXPECT_EQ(clientName("a.uuid_$UUID", "1-2"), "a.uuid_1_2");
    EXPECT_EQ(clientName("a.uuid_$UUID", ""), "");
    EXPECT_EQ(clientName("a.b", ""), "a.b");
    EXPECT_EQ(clientName("", "1-2"), "");
}

} // namespace
} // namespace xb::proxy
