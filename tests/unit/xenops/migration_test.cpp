// SPDX-License-Identifier: Apache-2.0
// Who may migrate into a host, and the frames that a domain comes in.
#include "toolstack/libs/error.hpp"
#include "toolstack/xenops/migration_frames.hpp"
#include "toolstack/xenops/migration_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenops {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(const std::string& rules, const std::string& host) {
    return parseMigrationRules(rules, "f").refusal(host);
}

std::string complaint(const std::string& rules) {
    try {
        parseMigrationRules(rules, "f");
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(XenopsMigrationRules, offUnlessTheFileSaysOtherwise) {
    for (const auto* rules : {"", "# nothing\n", "relocation-hosts-allow .*\n",
                              "relocation-server no\nrelocation-hosts-allow .*\n",
                              "relocation-server yes\nrelocation-server no\nrelocation-hosts-allow .*"})
        EXPECT_THAT(refusal(rules, "localhost"), HasSubstr("is off")) << rules;
}

TEST(XenopsMigrationRules, oneExpressionMatchesAllOfTheAddress) {
    const std::string rules =
        "relocation-server yes\n  relocation-hosts-allow ^localhost$  10\\.0\\.0\\.[0-9]+\n"
        "relocation-hosts-allow fe80::.*\n";
    for (const auto* host : {"localhost", "10.0.0.7", "fe80::1"})
        EXPECT_EQ(refusal(rules, host), "") << host;
    for (const auto* host :
         {"", "10.0.0.7.evil", "110.0.0.7", "10a0.0.7", "localhost ", "localhost\n", "::1"})
        EXPECT_THAT(refusal(rules, host), HasSubstr("may not migrate")) << host;
    EXPECT_THAT(refusal("relocation-server yes", "localhost"), HasSubstr("localhost may not migrate"));
    EXPECT_THAT(refusal("relocation-server yes\nrelocation-hosts-allow .*", std::string(65, 'a')),
                HasSubstr("may not migrate"));
}

TEST(XenopsMigrationRules, whatIsWrongIsNamedWithItsLine) {
    EXPECT_THAT(complaint("\nrelocation-server maybe"), StartsWith("f:2: "));
    EXPECT_THAT(complaint("relocation-hosts-allow ["), AllOf(StartsWith("f:1: "), HasSubstr("\"[\"")));
    EXPECT_THAT(complaint("xend-port 8002"), HasSubstr("\"xend-port\" is neither"));
    EXPECT_THAT(complaint(std::string(maxMigrationRules + 1, '\n')), HasSubstr("bytes"));
    std::string many = "relocation-hosts-allow";
    for (std::size_t i = 0; i <= maxMigrationHosts; ++i)
        many += " a";
    EXPECT_THAT(complaint(many), HasSubstr("hosts"));
}

TEST(XenopsMigrationRules, theHostIsSshs) {
    EXPECT_EQ(hostOfConnection(nullptr), "localhost");
    EXPECT_EQ(hostOfConnection(""), "localhost");
    EXPECT_EQ(hostOfConnection("10.0.0.7 50000 10.0.0.1 22"), "10.0.0.7");
    EXPECT_EQ(hostOfConnection("::ffff:10.0.0.7 50000 ::ffff:10.0.0.1 22"), "10.0.0.7");
    EXPECT_EQ(hostOfConnection("fe80::1%eth0 50000 fe80::2 22"), "fe80::1%eth0");
    EXPECT_EQ(hostOfConnection(" 1 2 3"), "");
    EXPECT_GT(hostOfConnection(std::string(1000, 'x').c_str()).size(), maxHostLength);
}

TEST(XenopsMigrationFrames, comeInWhateverPieces) {
    const std::string data = frameHeader(3) + "abc" + frameHeader(0) + frameHeader(2) + "go";
    for (std::size_t piece = 1; piece <= data.size(); ++piece) {
        FrameParser parser;
        std::vector<std::string> frames;
        for (std::size_t at = 0; at < data.size(); at += piece) {
            parser.feed(std::string_view(data).substr(at, piece));
            while (auto frame = parser.next())
                frames.push_back(*frame);
        }
        EXPECT_THAT(frames, testing::ElementsAre("abc", "", "go")) << piece;
    }
}

TEST(XenopsMigrationFrames, haveALimit) {
    FrameParser parser;
    parser.feed(frameHeader(maxFrame));
    EXPECT_EQ(parser.next(), std::nullopt);
    FrameParser other;
    other.feed(frameHeader(maxFrame + 1));
    EXPECT_THROW(other.next(), Error);
}

} // namespace
} // namespace xb::xenops
