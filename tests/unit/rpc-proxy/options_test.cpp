// SPDX-License-Identifier: Apache-2.0
// The command line.
#include "rpc-proxy/options.hpp"

#include "toolstack/libs/error.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::HasSubstr;

Options parse(std::vector<std::string> arguments) {
    CLI::App app("", "rpc-proxy");
    Options options;
    addOptions(app, options);
    std::ranges::reverse(arguments);
    app.parse(arguments);
    return options;
}

std::string refusal(std::vector<std::string> arguments) {
    try {
        settingsOf(parse(std::move(arguments)));
    } catch (const CLI::ParseError& e) {
        return std::string("usage: ") + e.what();
    } catch (const Error& e) {
        return e.what();
    }
    return "none";
}

TEST(ProxyOptions, TheLaterOneHolds) {
    const Options options =
        parse({"-i", "unix:/a", "--listen-channel", "unix:/b", "-o", "tcp:1", "-f", "unix:/c", "-d", "3",
               "--incoming-domain", "7", "-r", "/x", "--rules", "/y", "-v", "-v"});
    EXPECT_EQ(options.incoming, "unix:/b");
    EXPECT_EQ(options.outgoing, "unix:/c");
    EXPECT_EQ(options.domid, 7U);
    EXPECT_EQ(options.rules, "/y");
    EXPECT_TRUE(options.verbose);
}

TEST(ProxyOptions, WhatIsNotKnownIsRefused) {
    EXPECT_THAT(refusal({"--bogus"}), HasSubstr("--bogus"));
    EXPECT_THAT(refusal({"stray"}), HasSubstr("stray"));
    EXPECT_THAT(refusal({"-d", "32752"}), HasSubstr("usage"));
    EXPECT_THAT(refusal({"-d", "x"}), HasSubstr("usage"));
    EXPECT_THAT(refusal({"-i", "argo:5555"}), HasSubstr("use vchan:PORT"));
    EXPECT_THAT(refusal({"-i", "unix:/a", "-o", "argo-domid:5555:0"}), HasSubstr("use vchan:PORT:DOMID"));
    EXPECT_THAT(refusal({"-i", "unix:/a", "--socket-mode", "888"}), HasSubstr("octal"));
    EXPECT_THAT(refusal({"-i", "unix:/a", "--own-name", "uivm:*"}), HasSubstr("[TYPE:]NAME"));
    EXPECT_EQ(refusal({"-i", "unix:/a"}), "none");
}

TEST(ProxyOptions, NobodyIsDom0BySilence) {
    EXPECT_THAT(refusal({"-i", "tcp:5555"}), HasSubstr("-d N"));
    EXPECT_EQ(refusal({"-i", "tcp:5555", "-d", "7"}), "none");
    EXPECT_EQ(refusal({"-i", "tcp:5555", "-w"}), "none");
    EXPECT_THAT(refusal({"-i", "serial:/dev/ttyS0"}), HasSubstr("-d N"));
    EXPECT_EQ(refusal({"-i", "serial:/dev/ttyS0", "-d", "7"}), "none");
}

TEST(ProxyOptions, RulesAreForWhoMayBeAnotherDomain) {
    const auto filters = [](std::vector<std::string> arguments) {
        return settingsOf(parse(std::move(arguments))).filters;
    };
    EXPECT_TRUE(filters({})) << "vchan is where clients come from";
    EXPECT_TRUE(filters({"-i", "vchan:1"}));
    EXPECT_FALSE(filters({"-i", "vchan:1", "-d", "0"}));
    EXPECT_FALSE(filters({"-i", "vchan:1", "-w"}));
    EXPECT_FALSE(filters({"-i", "unix:/a"}));
    EXPECT_TRUE(filters({"-i", "unix:/a", "-d", "7"}));
    EXPECT_EQ(settingsOf(parse({"-i", "vchan:1"})).domid, std::nullopt);
    EXPECT_EQ(settingsOf(parse({"-i", "vchan:1", "-d", "9"})).domid, 9U);
}

TEST(ProxyOptions, VchansHaveTheirs) {
    const Settings settings =
        settingsOf(parse({"-i", "vchan:1", "--hypervisor", "emulated", "--emulator-directory", "/e",
                          "--emulated-domain", "5", "--max-clients", "7", "--max-clients-per-domain", "3",
                          "--vchan-ring-bytes", "8192", "--handshake-timeout", "99"}));
    EXPECT_EQ(settings.listening.vchan.kind, "emulated");
    EXPECT_EQ(settings.listening.vchan.emulatorDirectory, "/e");
    EXPECT_EQ(settings.listening.vchan.ownDomid, 5U);
    EXPECT_EQ(settings.listening.vchanLimits.connections, 7U);
    EXPECT_EQ(settings.listening.vchanLimits.connectionsPerDomain, 3U);
    EXPECT_EQ(settings.listening.vchanLimits.ringSize, 8192U);
    EXPECT_EQ(settings.listening.vchanLimits.handshakeTime, std::chrono::milliseconds(99));
    EXPECT_EQ(settings.relay.limits.clients, 7U);
    EXPECT_EQ(settings.relay.limits.clientsPerDomain, 3U);
    const Settings usual = settingsOf(parse({"-i", "vchan:1"}));
    EXPECT_EQ(usual.listening.vchanLimits.connections, xen::VchanLimits().connections);
    EXPECT_EQ(usual.relay.limits.clients, RelayLimits().clients);
    EXPECT_THAT(refusal({"--vchan-ring-bytes", "100"}), HasSubstr("usage"));
    EXPECT_THAT(refusal({"--max-clients", "0"}), HasSubstr("usage"));
}

TEST(ProxyOptions, BrowsersTakeThreeOptions) {
    EXPECT_FALSE(settingsOf(parse({"-i", "unix:/a", "--json-in"})).browser->webSockets);
    EXPECT_TRUE(settingsOf(parse({"-i", "unix:/a", "--json-in"})).browser->authenticates);
    EXPECT_FALSE(settingsOf(parse({"-i", "unix:/a", "--json-in", "--auto-auth"})).browser->authenticates);
    EXPECT_THAT(refusal({"-i", "unix:/a", "--websockets-in", "--auto-auth"}), HasSubstr("without --json-in"));
    EXPECT_THAT(refusal({"-i", "unix:/a", "--json-in", "--websockets-in"}), HasSubstr("without --auto-auth"));
    EXPECT_THAT(refusal({"-i", "unix:/a", "-u", "--auto-auth"}), HasSubstr("--uuid with --auto-auth"));
    EXPECT_TRUE(settingsOf(parse({"-i", "unix:/a", "-u", "--json-out"})).relay.tellUuid);
    EXPECT_TRUE(settingsOf(parse({"-i", "unix:/a", "-u", "--json-out"})).jsonOut);
    const Settings settings = settingsOf(
        parse({"-i", "unix:/a", "--json-in", "--websockets-in", "--auto-auth", "--allow-origin", "https://a",
               "--allow-origin", "null", "--max-queue-bytes", "77", "--handshake-timeout", "5"}));
    ASSERT_TRUE(settings.browser);
    EXPECT_TRUE(settings.browser->webSockets);
    EXPECT_FALSE(settings.browser->authenticates);
    EXPECT_EQ(settings.browser->socket.access.origins, (std::vector<std::string>{"https://a", "null"}));
    EXPECT_EQ(settings.browser->queueBytes, 77U);
    EXPECT_EQ(settings.browser->socket.handshake, std::chrono::milliseconds(5));
    EXPECT_FALSE(settingsOf(parse({"-i", "unix:/a", "--auto-auth"})).browser);
}

TEST(ProxyOptions, TheBusIsTheOneThatClientsGetTo) {
    EXPECT_EQ(settingsOf(parse({"-i", "unix:/a", "-o", "unix:/run/b us,x"})).bus,
              "unix:path=/run/b%20us%2cx");
    EXPECT_EQ(settingsOf(parse({"-i", "unix:/a", "--bus", "unix:path=/z"})).bus, "unix:path=/z");
    const Settings settings =
        settingsOf(parse({"-i", "unix:/a", "--own-name", "uivm:a.b.*", "--own-name", "c.d", "-w"}));
    EXPECT_FALSE(settings.relay.firewall);
    EXPECT_FALSE(settings.relay.guestNames);
    EXPECT_EQ(settings.relay.ownNames.find("uivm")->second, "a.b.*");
    EXPECT_EQ(settings.relay.ownNames.find("")->second, "c.d");
}

} // namespace
} // namespace xb::proxy
