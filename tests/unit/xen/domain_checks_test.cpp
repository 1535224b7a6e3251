// SPDX-License-Identifier: Apache-2.0
// What the emulated hypervisor does not have is refused by name, before anything of the domain is made.
#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace xb::xen::emulated {
namespace {

DomainConfig guest() {
    DomainConfig config;
    config.uuid = "10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11";
    config.name = "web";
    config.type = DomainType::hvm;
    config.memoryKib = 65536;
    return config;
}

std::string verdict(const DomainConfig& config) {
    try {
        checkDomainConfig(config);
    } catch (const Error& e) {
        return e.name() + ": " + e.what();
    }
    return "accepted";
}

TEST(DomainChecks, WhatIsNotEmulatedIsRefusedByName) {
    EXPECT_EQ(verdict(guest()), "accepted");
    struct Case {
        const char* name;
        std::function<void(DomainConfig&)> change;
    };
    const Case cases[]{
        {"PCI",
         [](DomainConfig& c) {
             c.pciDevices.push_back({{0, 2, 0, 0}});
         }},
        {"USB",
         [](DomainConfig& c) {
             c.usbControllers.push_back({"pv", 2, 4});
         }},
        {"USB",
         [](DomainConfig& c) {
             c.hostUsbDevices.push_back({1, 2});
         }},
        {"framebuffer", [](DomainConfig& c) { c.framebuffer = true; }},
        {"pygrub",
         [](DomainConfig& c) {
             c.type = DomainType::pv;
             c.bootloader = "pygrub";
         }},
    };
    for (const auto& [name, change] : cases) {
        auto config = guest();
        change(config);
        EXPECT_THAT(verdict(config),
                    testing::AllOf(testing::HasSubstr("NotSupported: "), testing::HasSubstr(name)));
    }
}

} // namespace
} // namespace xb::xen::emulated
