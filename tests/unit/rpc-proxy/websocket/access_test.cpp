// SPDX-License-Identifier: Apache-2.0
// Which pages may connect, and under which names: every refusal beside a twin that differs in one thing.
#include "rpc-proxy/websocket/access.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

bool allows(std::string_view host, std::optional<std::string_view> origin,
            const WebSocketAccess& access = {}) {
    return !refusalOf(access, host, origin);
}

TEST(WebSocketAccess, Hosts) {
    for (const std::string_view host : {"localhost", "LocalHost:8080", "127.0.0.1:8080", "[::1]",
                                        "[::1]:8080", "1.0.0.0:8080", "[fe80::1]:8080", "192.168.1.1"})
        EXPECT_TRUE(allows(host, std::nullopt)) << host;
    for (const std::string_view host :
         {"", ":8080", "evil.example", "localhost.evil.example", "evil.example:8080",
          "127.0.0.1.evil.example", "localhost:80:80", "localhost:x", "localhost:123456", "user@localhost",
          "localhost/", "[::1", "[::1]x:80", "[localhost]", "1.2.3", "localhost "})
        EXPECT_FALSE(allows(host, std::nullopt)) << host;
    WebSocketAccess access;
    access.hosts = {"UI.example"};
    EXPECT_TRUE(allows("ui.example:8080", std::nullopt, access));
    EXPECT_FALSE(allows("xui.example:8080", std::nullopt, access));
}

TEST(WebSocketAccess, Origins) {
    constexpr std::string_view host = "10.0.0.1:8080";
    for (const std::string_view origin :
         {"http://10.0.0.1", "http://10.0.0.1:80", "https://10.0.0.1:8443", "http://localhost",
          "http://localhost:3000", "http://127.0.0.1", "https://[::1]:8080", "HTTP://LOCALHOST"})
        EXPECT_TRUE(allows(host, origin)) << origin;
    for (const std::string_view origin :
         {"", "null", "file://", "http://", "http://10.0.0.2", "http://evil.example",
          "http://localhost.evil.example", "http://10.0.0.1.evil.example", "http://10.0.0.1@evil.example",
          "http://evil.example/localhost", "http://evil.example#localhost", "ftp://localhost", "localhost",
          "http:localhost", "http:///localhost"})
        EXPECT_FALSE(allows(host, origin)) << origin;
    WebSocketAccess access;
    access.origins = {"https://ui.example", "null"};
    EXPECT_TRUE(allows(host, "https://ui.example", access));
    EXPECT_TRUE(allows(host, "null", access));
    EXPECT_FALSE(allows(host, "http://ui.example", access));
    EXPECT_FALSE(allows(host, "https://ui.example:8443", access));
    EXPECT_FALSE(allows("evil.example", "https://ui.example", access));
}

TEST(WebSocketAccess, RefusalsAreFitForALog) {
    const auto why = refusalOf({}, "localhost", "http://evil\x1b[31m" + std::string(1000, 'x'));
    ASSERT_TRUE(why);
    EXPECT_EQ(why->find('\x1b'), std::string::npos);
    EXPECT_LT(why->size(), 200U);
}

} // namespace
} // namespace xb::proxy
