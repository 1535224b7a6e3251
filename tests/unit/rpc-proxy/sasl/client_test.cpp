// SPDX-License-Identifier: Apache-2.0
// What a bus may answer.
#include "rpc-proxy/sasl/client.hpp"

#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/sasl/server.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::sasl {
namespace {

using namespace std::string_literals;

const std::string guid = "0123456789abcdef0123456789abcdef";

std::string failureOf(std::string_view answer, bool wantUnixFds = false) {
    Client client(wantUnixFds);
    client.feed(answer);
    EXPECT_EQ(client.state() == Client::State::failed, !client.failure().empty());
    return client.failure();
}

TEST(SaslClient, Opening) {
    EXPECT_EQ(Client(false).opening(1000), "\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n"s);
    EXPECT_EQ(Client(true).opening(0), "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s);
}

TEST(SaslClient, MayBeToldWhoItIsOnce) {
    const std::string line = "DATA 11111111-2222-4333-8444-555555555555\r\n";
    Client client(false);
    EXPECT_EQ(client.feed(line + "OK " + guid + "\r\nrest"), "rest");
    EXPECT_TRUE(client.done());
    EXPECT_NE(failureOf(line + line), "");
    EXPECT_NE(failureOf("DATA\r\n"), "");
}

TEST(SaslClient, Answers) {
    Client plain(false);
    EXPECT_EQ(plain.feed("OK " + guid + "\r\nl\2\1\1"), "l\2\1\1");
    EXPECT_TRUE(plain.done());
    EXPECT_EQ(plain.guid(), guid);
    EXPECT_FALSE(plain.unixFds());
    Client agreed(true);
    EXPECT_EQ(agreed.feed("OK " + guid + "\r\n"), "");
    EXPECT_EQ(agreed.state(), Client::State::talking);
    EXPECT_EQ(agreed.feed("AGREE_UNIX_FD\r\nrest"), "rest");
    EXPECT_TRUE(agreed.done() && agreed.unixFds());
    Client refused(true);
    refused.feed("OK " + guid + "\r\nERROR \"no\"\r\n");
    EXPECT_TRUE(refused.done() && !refused.unixFds());
}

TEST(SaslClient, Bytewise) {
    Client client(true);
    std::string rest;
    for (const char c : "OK " + guid + "\r\nAGREE_UNIX_FD\r\nDATA\r\n")
        rest += client.feed(std::string(1, c));
    EXPECT_TRUE(client.done() && client.unixFds());
    EXPECT_EQ(rest, "DATA\r\n");
}

TEST(SaslClient, Refusals) {
    EXPECT_EQ(failureOf("REJECTED EXTERNAL\r\n"), "the bus refused the authentication: REJECTED EXTERNAL");
    EXPECT_EQ(failureOf("ERROR\r\n"), "the bus refused the authentication: ERROR");
    EXPECT_EQ(failureOf("OKAY " + guid + "\r\n"), "the bus refused the authentication: OKAY " + guid);
    EXPECT_EQ(failureOf("OK\r\n"), "the bus has no valid identity: ");
    EXPECT_EQ(failureOf("OK 123\r\n"), "the bus has no valid identity: 123");
    EXPECT_EQ(failureOf("\x80\r\n"), "the bus answered the authentication with something else than text");
    EXPECT_EQ(failureOf("OK " + guid + "\r\nl\1\r\n", true),
              "the bus answered the authentication with something else than text");
    EXPECT_EQ(failureOf("OK " + guid + "\r\nDATA\r\n", true),
              "the bus did not answer whether it passes descriptors: DATA");
    EXPECT_EQ(failureOf(std::string(maxLineBytes, 'x')), "the bus sent a line of more than 1024 bytes");
}

// Both of our sides together.
TEST(SaslClient, WithOurServer) {
    for (const bool fds : {false, true}) {
        const ServerOptions options{guid, true, false, fds};
        Server server(options);
        Client client(true);
        std::string reply;
        EXPECT_EQ(server.feed(client.opening(4294967294) + "message", reply), "message");
        EXPECT_TRUE(server.done());
        EXPECT_EQ(server.claim(), "4294967294");
        EXPECT_EQ(client.feed(reply), "");
        EXPECT_TRUE(client.done());
        EXPECT_EQ(client.guid(), guid);
        EXPECT_EQ(client.unixFds(), fds);
    }
}

} // namespace
} // namespace xb::proxy::sasl
