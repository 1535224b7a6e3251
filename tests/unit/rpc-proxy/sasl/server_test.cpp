// SPDX-License-Identifier: Apache-2.0
// What a client may say and what it is answered.
#include "rpc-proxy/sasl/server.hpp"

#include "rpc-proxy/sasl/limits.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::sasl {
namespace {

using namespace std::string_literals;

const ServerOptions options{"0123456789abcdef0123456789abcdef"};
const std::string ok = "OK 0123456789abcdef0123456789abcdef\r\n";
const std::string rejected = "REJECTED EXTERNAL ANONYMOUS\r\n";

/// The answers to NUL and these lines.
std::string answers(Server& server, const std::string& lines) {
    std::string reply;
    EXPECT_EQ(server.feed('\0' + lines, reply), "");
    return reply;
}

std::string answers(const std::string& lines) {
    Server server(options);
    return answers(server, lines);
}

std::string failureOf(std::string_view bytes) {
    Server server(options);
    std::string reply;
    server.feed(bytes, reply);
    return std::string(server.failure());
}

TEST(SaslServer, FirstByteIsNul) {
    EXPECT_EQ(failureOf("AUTH EXTERNAL 30\r\n"), "the first byte is not NUL");
    EXPECT_EQ(failureOf("l\1\0\1"s), "the first byte is not NUL");
    EXPECT_EQ(failureOf("\0AUTH EXTERNAL 30\r\n"s), "");
    Server server(options);
    std::string reply;
    EXPECT_EQ(server.feed("", reply), "");
    EXPECT_EQ(server.state(), Server::State::talking);
}

// A failure is final: a NUL that comes later is not the first byte.
TEST(SaslServer, NothingIsTakenAfterFailure) {
    Server server(options);
    std::string reply;
    server.feed("A", reply);
    EXPECT_EQ(server.feed("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s, reply), "\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s);
    EXPECT_EQ(server.state(), Server::State::failed);
    EXPECT_EQ(reply, "");
}

TEST(SaslServer, TellsTheUuidBeforeEachOk) {
    const std::string uuid = "11111111-2222-4333-8444-555555555555";
    Server server(options, uuid);
    EXPECT_EQ(answers(server, "AUTH\r\n"), rejected);
    std::string reply;
    server.feed("AUTH EXTERNAL\r\nDATA\r\n", reply);
    EXPECT_EQ(reply, "DATA\r\nDATA " + uuid + "\r\n" + ok);
    reply.clear();
    server.feed("CANCEL\r\nAUTH ANONYMOUS 61\r\nBEGIN\r\n", reply);
    EXPECT_EQ(reply, rejected + "DATA " + uuid + "\r\n" + ok);
    EXPECT_TRUE(server.done());
}

TEST(SaslServer, Mechanisms) {
    Server server(options);
    EXPECT_EQ(answers(server, "AUTH EXTERNAL 31303030\r\n"), ok);
    EXPECT_EQ(server.mechanism(), Mechanism::external);
    EXPECT_EQ(server.claim(), "1000");
    Server anonymous(options);
    EXPECT_EQ(answers(anonymous, "AUTH ANONYMOUS 74657374\r\n"), ok);
    EXPECT_EQ(anonymous.mechanism(), Mechanism::anonymous);
    EXPECT_EQ(anonymous.claim(), "test");
    EXPECT_EQ(answers("AUTH ANONYMOUS\r\n"), ok);
    for (const auto line :
         {"AUTH", "AUTH ", "AUTH EXTERNALX 30", "AUTH EXTERNA", "AUTH external 30",
          "AUTH DBUS_COOKIE_SHA1 30", "AUTH DOMID 30", "AUTH ANONYMOUSLY", "ERROR", "ERROR \"no\""})
        EXPECT_EQ(answers(line + "\r\n"s), rejected) << line;
}

TEST(SaslServer, OnlyWhatIsOffered) {
    const ServerOptions external{options.guid, true, false, false};
    Server server(external);
    EXPECT_EQ(answers(server, "AUTH ANONYMOUS\r\nAUTH EXTERNAL 30\r\n"), "REJECTED EXTERNAL\r\n" + ok);
    const ServerOptions nothing{options.guid, false, false, false};
    Server closed(nothing);
    EXPECT_EQ(answers(closed, "AUTH EXTERNAL 30\r\nAUTH ANONYMOUS\r\n"), "REJECTED\r\nREJECTED\r\n");
}

TEST(SaslServer, EmptyIdentity) {
    Server server(options);
    EXPECT_EQ(answers(server, "AUTH EXTERNAL\r\n"), "DATA\r\n");
    std::string reply;
    server.feed("DATA\r\n", reply);
    EXPECT_EQ(reply, ok);
    EXPECT_EQ(server.claim(), "");
    EXPECT_EQ(answers("AUTH EXTERNAL \r\nDATA 30\r\n"), "DATA\r\n" + ok);
    EXPECT_EQ(answers("AUTH EXTERNAL\r\nCANCEL\r\n"), "DATA\r\n" + rejected);
    EXPECT_EQ(answers("AUTH EXTERNAL\r\nERROR\r\n"), "DATA\r\n" + rejected);
    EXPECT_EQ(answers("AUTH EXTERNAL\r\nAUTH EXTERNAL 30\r\nDATA\r\n"),
              "DATA\r\nERROR \"Unknown command, or not now\"\r\n" + ok);
}

TEST(SaslServer, WrongHex) {
    for (const auto hex : {"3", "3g", "0x30", "30 30", "00", "0a", "ff"})
        EXPECT_EQ(answers("AUTH EXTERNAL "s + hex + "\r\n"), rejected) << hex;
    EXPECT_EQ(answers("AUTH EXTERNAL\r\nDATA zz\r\nAUTH EXTERNAL 30\r\n"), "DATA\r\n" + rejected + ok);
}

TEST(SaslServer, CommandsOutOfPlace) {
    const std::string unknown = "ERROR \"Unknown command, or not now\"\r\n";
    for (const auto line :
         {"", "HELLO", "auth EXTERNAL 30", "DATA", "CANCEL", "NEGOTIATE_UNIX_FD", "BEGINX", "OK", "REJECTED"})
        EXPECT_EQ(answers(line + "\r\n"s), unknown) << line;
    for (const auto line : {"AUTH EXTERNAL 30", "DATA 30", "XYZ"})
        EXPECT_EQ(answers("AUTH EXTERNAL 30\r\n"s + line + "\r\n"), ok + unknown) << line;
    EXPECT_EQ(answers("AUTH EXTERNAL 30\r\nCANCEL\r\n"), ok + rejected);
    EXPECT_EQ(answers("AUTH \x80\r\n"), "ERROR \"Only ASCII is allowed here\"\r\n");
    EXPECT_EQ(answers("AUTH\nEXTERNAL\r\n"), "ERROR \"Only ASCII is allowed here\"\r\n");
    EXPECT_EQ(answers("\0\r\n"s), "ERROR \"Only ASCII is allowed here\"\r\n");
}

TEST(SaslServer, BeginNeedsOk) {
    for (const auto lines : {"BEGIN\r\n", "AUTH\r\nBEGIN\r\n", "AUTH EXTERNAL\r\nBEGIN\r\n",
                             "AUTH EXTERNAL 30\r\nCANCEL\r\nBEGIN\r\n"}) {
        Server server(options);
        std::string reply;
        server.feed('\0' + std::string(lines), reply);
        EXPECT_EQ(server.failure(), "BEGIN without authentication") << lines;
        EXPECT_FALSE(server.done());
    }
}

// A later mechanism's claim is not an earlier one's.
TEST(SaslServer, CancelForgets) {
    const ServerOptions withFds{options.guid, true, true, true};
    Server server(withFds);
    answers(server, "AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nCANCEL\r\n");
    EXPECT_EQ(server.claim(), "");
    EXPECT_EQ(server.mechanism(), Mechanism::none);
    EXPECT_FALSE(server.unixFds());
}

TEST(SaslServer, Descriptors) {
    EXPECT_EQ(answers("AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\n"),
              ok + "ERROR \"Descriptors are not passed here\"\r\n");
    const ServerOptions withFds{options.guid, true, true, true};
    Server server(withFds);
    EXPECT_EQ(answers(server, "AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"),
              ok + "AGREE_UNIX_FD\r\nAGREE_UNIX_FD\r\n");
    EXPECT_TRUE(server.done() && server.unixFds());
}

// What follows BEGIN belongs to the messages, whatever it looks like.
TEST(SaslServer, TheRestIsNotTouched) {
    for (const std::string& rest : {"DATA\r\n"s, "l\1\0\1\r\n"s, "\0"s, ""s}) {
        const std::string all = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s + rest;
        Server whole(options);
        std::string reply;
        EXPECT_EQ(whole.feed(all, reply), rest);
        EXPECT_TRUE(whole.done());
        EXPECT_EQ(reply, ok);
        EXPECT_EQ(whole.feed("more", reply), "more") << "nothing is taken afterwards";

        Server bytewise(options);
        std::string left;
        reply.clear();
        for (const char c : all)
            left += bytewise.feed(std::string(1, c), reply);
        EXPECT_EQ(left, rest);
        EXPECT_EQ(reply, ok);
    }
}

TEST(SaslServer, LineLimit) {
    const std::string longest = "AUTH ANONYMOUS " + std::string(maxLineBytes - 17, '3') + "\r\n";
    ASSERT_EQ(longest.size(), maxLineBytes);
    EXPECT_EQ(failureOf('\0' + longest), "");
    EXPECT_EQ(failureOf('\0' + longest.substr(0, maxLineBytes - 2) + "3\r\n"), "a line is too long");
    EXPECT_EQ(failureOf('\0' + std::string(16384, 'x')), "a line is too long");
    Server bytewise(options);
    std::string reply;
    std::size_t taken = 0;
    bytewise.feed("\0"s, reply);
    while (bytewise.state() == Server::State::talking && bytewise.feed("x", reply).empty())
        ++taken;
    EXPECT_EQ(taken, maxLineBytes);
    EXPECT_EQ(bytewise.failure(), "a line is too long");
    EXPECT_EQ(reply, "");
}

TEST(SaslServer, NotForever) {
    for (const auto line : {"AUTH\r\n", "XYZ\r\n", "NEGOTIATE_UNIX_FD\r\n"}) {
        Server server(options);
        std::string reply;
        server.feed("\0AUTH EXTERNAL 30\r\n"s, reply);
        std::size_t lines = 1;
        for (; lines < 1000 && server.state() == Server::State::talking; ++lines)
            server.feed(line, reply);
        EXPECT_EQ(lines, maxLines + 1);
        EXPECT_EQ(server.failure(), "too many lines without BEGIN");
        EXPECT_LT(reply.size(), maxLines * 60);
    }
}

} // namespace
} // namespace xb::proxy::sasl
