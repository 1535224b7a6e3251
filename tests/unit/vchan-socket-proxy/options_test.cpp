// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/options.hpp"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace xb::vchan_proxy {
namespace {

Options parse(const std::string& line) {
    CLI::App app;
    Options options;
    addOptions(app, options);
    app.parse(line);
    return options;
}

// As libxl 4.17 starts it.
TEST(VchanProxyOptions, LibxlsCommandLineFiltersQmp) {
    const auto options = parse("--state-path=/local/domain/3/image/qmp-proxy-state 4 "
                               "/local/domain/4/device-model/3/qmp-vchan /run/xen/qmp-libxl-3");
    EXPECT_FALSE(options.isServer());
    EXPECT_EQ(options.domid, 4u);
    EXPECT_EQ(options.statePath, "/local/domain/3/image/qmp-proxy-state");
    EXPECT_EQ(options.socket, "/run/xen/qmp-libxl-3");
    EXPECT_EQ(options.descriptor(), -1);
    EXPECT_TRUE(options.filters());
}

TEST(VchanProxyOptions, OtherRingsAndServersDoNotFilterUnlessTold) {
    EXPECT_FALSE(parse("1 /local/domain/1/other /s").filters());
    EXPECT_FALSE(parse("--mode=server 0 /local/domain/1/qmp-vchan /s").filters());
    EXPECT_TRUE(parse("-m server --qmp-filter 0 /local/domain/1/qmp-vchan /s").filters());
    EXPECT_FALSE(parse("--qmp-filter=off 1 /local/domain/1/qmp-vchan /s").filters());
}

TEST(VchanProxyOptions, ANumberIsADescriptor) {
    EXPECT_EQ(parse("-v 1 /n 7").descriptor(), 7);
    EXPECT_EQ(parse("1 /n 7x").descriptor(), -1);
    EXPECT_THROW(parse("1 /n -"), CLI::ParseError);
    EXPECT_THROW(parse("1 relative /s"), CLI::ParseError);
    EXPECT_THROW(parse("1 /" + std::string(49, 'x') + " /s"), CLI::ParseError);
}

TEST(VchanProxyOptions, NamesJoinTheLists) {
    const auto rules = parse("--allow-command a --allow-command b --allow-event C 1 /n /s").qmpRules();
    EXPECT_TRUE(rules.commands.contains("a") && rules.commands.contains("b") && rules.events.contains("C"));
    EXPECT_TRUE(rules.commands.contains("query-status"));
}

} // namespace
} // namespace xb::vchan_proxy
