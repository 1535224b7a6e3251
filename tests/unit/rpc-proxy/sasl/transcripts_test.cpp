// SPDX-License-Identifier: Apache-2.0
// The dialogues of the D-Bus libraries, as they send them: some wait for each answer, some send everything at
// once.
#include "rpc-proxy/sasl/server.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace xb::proxy::sasl {
namespace {

using namespace std::string_literals;

const std::string ok = "OK 0123456789abcdef0123456789abcdef\r\n";
const std::string hello = "l\1\0\1\0\0\0\0\1\0\0\0"s; // how its first message begins

struct Step {
    std::string sends;
    std::string isAnswered;
};
struct Transcript {
    std::string library;
    bool unixFds;
    std::vector<Step> steps; // the last one is followed by the first message
    Mechanism mechanism;
    std::string claim;
};

void PrintTo(const Transcript& transcript, std::ostream* out) {
    *out << transcript.library;
}

const std::vector<Transcript> transcripts = {
    // sd-bus sends everything at once, without an identity; Hello may be in the same packet.
    {"SdBus",
     true,
     {{"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s, "DATA\r\n" + ok + "AGREE_UNIX_FD\r\n"}},
     Mechanism::external,
     ""},
    {"SdBusWithoutDescriptors",
     false,
     {{"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"s, "DATA\r\n" + ok}},
     Mechanism::external,
     ""},
    {"SdBusRefusedDescriptors",
     false,
     {{"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s,
       "DATA\r\n" + ok + "ERROR \"Descriptors are not passed here\"\r\n"}},
     Mechanism::external,
     ""},
    {"SdBusAnonymous",
     true,
     {{"\0AUTH ANONYMOUS 616e6f6e796d6f7573\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s, ok + "AGREE_UNIX_FD\r\n"}},
     Mechanism::anonymous,
     "anonymous"},
    // Earlier versions said who they are.
    {"SdBusOld",
     true,
     {{"\0AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s, ok + "AGREE_UNIX_FD\r\n"}},
     Mechanism::external,
     "1000"},
    // These send the NUL apart, and wait for each answer.
    {"LibdbusAndDbusNext",
     true,
     {{"\0"s, ""},
      {"AUTH EXTERNAL 31303030\r\n", ok},
      {"NEGOTIATE_UNIX_FD\r\n", "AGREE_UNIX_FD\r\n"},
      {"BEGIN\r\n", ""}},
     Mechanism::external,
     "1000"},
    {"LibdbusOverTcp",
     false,
     {{"\0"s, ""}, {"AUTH EXTERNAL 30\r\n", ok}, {"BEGIN\r\n", ""}},
     Mechanism::external,
     "0"},
    {"LibdbusAnonymous",
     false,
     {{"\0AUTH ANONYMOUS 6c69626462757320312e31342e3130\r\n"s, ok}, {"BEGIN\r\n", ""}},
     Mechanism::anonymous,
     "libdbus 1.14.10"},
    // GDBus asks for the mechanisms first.
    {"GDBus",
     true,
     {{"\0"s, ""},
      {"AUTH\r\n", "REJECTED EXTERNAL ANONYMOUS\r\n"},
      {"AUTH EXTERNAL 31303030\r\n", ok},
      {"NEGOTIATE_UNIX_FD\r\n", "AGREE_UNIX_FD\r\n"},
      {"BEGIN\r\n", ""}},
     Mechanism::external,
     "1000"},
    {"DbusNextAnonymous",
     false,
     {{"\0AUTH ANONYMOUS\r\n"s, ok}, {"BEGIN\r\n", ""}},
     Mechanism::anonymous,
     ""},
    {"Jeepney",
     true,
     {{"\0AUTH EXTERNAL 31303030\r\n"s, ok},
      {"NEGOTIATE_UNIX_FD\r\n", "AGREE_UNIX_FD\r\n"},
      {"BEGIN\r\n", ""}},
     Mechanism::external,
     "1000"},
    {"JeepneyWithoutDescriptors",
     false,
     {{"\0AUTH EXTERNAL 31303030\r\n"s, ok}, {"BEGIN\r\n", ""}},
     Mechanism::external,
     "1000"},
    // A client that would rather have had another mechanism.
    {"CookieFirst",
     false,
     {{"\0AUTH DBUS_COOKIE_SHA1 31303030\r\n"s, "REJECTED EXTERNAL ANONYMOUS\r\n"},
      {"AUTH EXTERNAL 31303030\r\n", ok},
      {"BEGIN\r\n", ""}},
     Mechanism::external,
     "1000"},
};

class SaslTranscript : public testing::TestWithParam<Transcript> {
protected:
    void expectDone(const Server& server) {
        EXPECT_TRUE(server.done());
        EXPECT_EQ(server.mechanism(), GetParam().mechanism);
        EXPECT_EQ(server.claim(), GetParam().claim);
    }
    ServerOptions options_{"0123456789abcdef0123456789abcdef", true, true, GetParam().unixFds};
};
INSTANTIATE_TEST_SUITE_P(Of, SaslTranscript, testing::ValuesIn(transcripts),
                         [](const auto& transcript) { return transcript.param.library; });

TEST_P(SaslTranscript, StepByStep) {
    Server server(options_);
    for (const Step& step : GetParam().steps) {
        std::string reply;
        EXPECT_FALSE(server.done());
        EXPECT_EQ(server.feed(step.sends, reply), "");
        EXPECT_EQ(reply, step.isAnswered) << step.sends;
    }
    expectDone(server);
}

// In one read together with the first message, and in reads of every size.
TEST_P(SaslTranscript, InPieces) {
    std::string sent;
    std::string answered;
    for (const Step& step : GetParam().steps) {
        sent += step.sends;
        answered += step.isAnswered;
    }
    sent += hello;
    for (std::size_t size = 1; size <= sent.size(); ++size) {
        Server server(options_);
        std::string reply;
        std::string rest;
        for (std::size_t at = 0; at < sent.size(); at += size) {
            const std::vector<char> piece(sent.begin() + static_cast<std::ptrdiff_t>(at),
                                          sent.begin() +
                                              static_cast<std::ptrdiff_t>(std::min(at + size, sent.size())));
            rest += server.feed({piece.data(), piece.size()}, reply);
        }
        EXPECT_EQ(reply, answered) << size;
        EXPECT_EQ(rest, hello) << size;
        expectDone(server);
    }
}

} // namespace
} // namespace xb::proxy::sasl
