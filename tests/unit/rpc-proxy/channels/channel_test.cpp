// SPDX-License-Identifier: Apache-2.0
// Channels as they are written on the command line.
#include "rpc-proxy/channels/channel.hpp"

#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, bool connecting) {
    try {
        connecting ? connectChannel(text) : listenChannel(text);
    } catch (const Error& e) {
        EXPECT_EQ(e.name(), errors::invalidArgs);
        return e.what();
    }
    return "none";
}

TEST(Channel, SaysWhatItWasReadFrom) {
    for (const char* const text :
         {"unix:/run/a b:c", "tcp:5555", "tcp:10.0.0.1:1", "tcp:[::1]:65535", "serial:/dev/ttyS0"}) {
        EXPECT_EQ(listenChannel(text).text(), text);
        EXPECT_EQ(connectChannel(text).text(), text);
    }
    EXPECT_EQ(listenChannel("vchan:5555").text(), "vchan:5555");
    EXPECT_EQ(connectChannel("vchan:5555:0").text(), "vchan:5555:0");
    EXPECT_EQ(connectChannel("vchan:5555:32751").domid, 32751U);
    const std::string uuid = "11111111-2222-4333-8444-555555555555";
    EXPECT_EQ(connectChannel("vchan:5555:" + uuid).uuid, uuid);
}

TEST(Channel, OfOlderVersionsIsToldWhatToUse) {
    for (const char* const text : {"argo:5555", "v4v:5555", "argo", "v4v-domid:5555:0", "argo-uuid:5555:x"}) {
        const bool colon = std::string_view(text).find(':') != std::string_view::npos;
        EXPECT_THAT(refusal(text, false), HasSubstr(colon ? "use vchan:PORT" : "is meant")) << text;
        EXPECT_THAT(refusal(text, true), HasSubstr(colon ? "use vchan:PORT:DOMID" : "is meant")) << text;
    }
}

TEST(Channel, IsRefusedWhenItMakesNoSense) {
    for (const char* const text : {"", "unix", "unix:", "serial:", "tcp:", "tcp:0", "tcp:65536", "tcp:1x",
                                   "tcp::1", "tcp:-1", "x:1", "vchan:", "vchan:x"}) {
        EXPECT_NE(refusal(text, false), "none") << text;
        EXPECT_NE(refusal(text, true), "none") << text;
    }
    EXPECT_THAT(refusal("vchan:1:0", false), HasSubstr("any domain may come"));
    EXPECT_THAT(refusal("vchan:1", true), HasSubstr("which domain?"));
    EXPECT_NE(refusal("vchan:1:32752", true), "none");
    EXPECT_NE(refusal(std::string_view("unix:/a\0b", 9), false), "none");
}

} // namespace
} // namespace xb::proxy
