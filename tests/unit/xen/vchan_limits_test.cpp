// SPDX-License-Identifier: Apache-2.0
// Limits and options of vchans, as far as they can be told without a domain.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/loop.hpp"
#include "xen/hypervisor.hpp"
#include "xen/vchan.hpp"
#include "xen/vchan/quota.hpp"
#include "xen/vchan_xen/xen_rings.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace xb::xen::vchan {

TEST(VchanQuota, LeasesAreCountedPerDomainAndTogether) {
    VchanLimits limits;
    limits.connectionsPerDomain = 2;
    limits.connections = 3;
    std::string reason;
    auto quota = std::make_unique<Quota>(limits);
    auto first = quota->take(1, reason);
    const auto second = quota->take(1, reason);
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(quota->take(1, reason));
    EXPECT_EQ(reason, "domain 1 has 2 connections, the limit of a domain is 2");
    const auto third = quota->take(2, reason);
    EXPECT_TRUE(third);
    EXPECT_FALSE(quota->take(2, reason));
    EXPECT_EQ(reason, "all domains have 3 connections, their limit is 3");
    first.reset();
    EXPECT_EQ(quota->of(1), 1u);
    EXPECT_TRUE(quota->take(2, reason));
    quota.reset(); // leases outlive it
}

TEST(VchanOptions, WithoutXenItIsSaidWhatIsMissing) {
    const auto root =
        std::filesystem::temp_directory_path() / ("xenbroker-vchan-" + std::to_string(::getpid()));
    std::filesystem::create_directories(root / "dev/xen");
    std::filesystem::create_directories(root / "proc/xen");
    EXPECT_NE(whyNoListener(root).find("dev/xen/evtchn cannot be opened: No such file"), std::string::npos)
        << whyNoListener(root);
    EXPECT_NE(whyNoConnector(root).find("the module xen-evtchn is not loaded"), std::string::npos);
    writeFileAtomically(root / "dev/xen/evtchn", "");
    EXPECT_NE(whyNoListener(root).find("xen-gntalloc"), std::string::npos);
    EXPECT_NE(whyNoConnector(root).find("xen-gntdev"), std::string::npos);
    writeFileAtomically(root / "dev/xen/gntalloc", "");
    writeFileAtomically(root / "dev/xen/gntdev", "");
    EXPECT_EQ(whyNoConnector(root), "");
    EXPECT_NE(whyNoListener(root).find("control_d"), std::string::npos);
    writeFileAtomically(root / "proc/xen/capabilities", "control_d\n");
    EXPECT_EQ(whyNoListener(root), "");
    std::filesystem::remove_all(root);
}

TEST(VchanOptions, WrongOnesAreNamed) {
    Loop loop;
    EXPECT_THROW(openVchanListener(loop.executor(), {"qemu", "", 0}, 1), Error);
    EXPECT_THROW(openVchanListener(loop.executor(), {"emulated", "", 0}, 1), Error);
    EXPECT_THROW(openVchanListener(loop.executor(), {"emulated", "/nowhere", 0}, 1), Error);
    EXPECT_THROW(openVchanConnector(loop.executor(), {"emulated", "/nowhere", 0}), Error);
    if (!std::filesystem::exists("/dev/xen/evtchn")) {
        EXPECT_THROW(openVchanListener(loop.executor(), {}, 1), NotOnXen);
        EXPECT_THROW(openVchanConnector(loop.executor(), {}), NotOnXen);
    }
}

} // namespace xb::xen::vchan
