// SPDX-License-Identifier: Apache-2.0
// The kernel's command line from its parts.
#include "toolstack/xenvm/boot_parameters.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/config_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

using testing::HasSubstr;

// Of a configuration with these lines, or why there is none.
std::string line(const std::string& text) {
    const auto parsed = parseConfig(text);
    if (!parsed.errors.empty())
        return describe(parsed.errors, "test");
    try {
        return kernelCommandLine(parsed.config);
    } catch (const Error& e) {
        EXPECT_EQ(e.name(), errors::invalidArgs);
        return e.what();
    }
}

TEST(BootParameters, AreAppendedInOrder) {
    EXPECT_EQ(line(""), "");
    EXPECT_EQ(line("cmdline = console=hvc0 ro\n"), "console=hvc0 ro");
    EXPECT_EQ(line("extra = 4\nroot = /dev/sda1 ro\n"), "root=/dev/sda1 ro 4");
    EXPECT_EQ(line("root = /dev/xvda\ncmdline = a\nextra = b c\ndhcp = dhcp\n"),
              "a ip=:::::eth0:dhcp root=/dev/xvda b c");
}

TEST(BootParameters, TheNetworkIsAddressServerGatewayMaskNameDeviceAndWay) {
    EXPECT_EQ(line("ip = 10.0.0.2\nnetmask = 255.0.0.0\ngateway = 10.0.0.1\nhostname = web-1.example\n"),
              "ip=10.0.0.2::10.0.0.1:255.0.0.0:web-1.example:eth0:off");
    EXPECT_EQ(line("dhcp = dhcp\nhostname = web\nnfs_server = 10.0.0.9\n"), "ip=:10.0.0.9:::web:eth0:dhcp");
    EXPECT_EQ(line("hostname = web\n"), "ip=::::web:eth0:off");
    EXPECT_EQ(line("dhcp = off\n"), "");
    EXPECT_EQ(line("dhcp = yes\n"), "ip=:::::eth0:dhcp");
}

TEST(BootParameters, TheRootOverNfs) {
    const std::string nfs = "nfs_server = 10.0.0.9\nnfs_root = /srv/vm1root,vers=3\n";
    const std::string made =
        "ip=:10.0.0.9:::vm1:eth0:dhcp root=/dev/nfs nfsroot=10.0.0.9:/srv/vm1root,vers=3";
    EXPECT_EQ(line("hostname = vm1\ndhcp = dhcp\nroot = /dev/nfs\n" + nfs), made);
    EXPECT_EQ(line("hostname = vm1\ndhcp = dhcp\n" + nfs), made) << "what else could it be";
    EXPECT_EQ(line("dhcp = dhcp\nroot = /dev/nfs rw\nnfs_root = /srv/vm1root\n"),
              "ip=:::::eth0:dhcp root=/dev/nfs rw nfsroot=/srv/vm1root")
        << "the server is DHCP's";
}

TEST(BootParameters, ContradictionsAreNamed) {
    const std::string nfs = "nfs_server = 10.0.0.9\nnfs_root = /srv/vm1root\n";
    EXPECT_THAT(line(nfs), HasSubstr("nfs_root needs a network"));
    EXPECT_THAT(line("nfs_server = 10.0.0.9\n"), HasSubstr("nfs_server needs a network"));
    EXPECT_THAT(line("ip = 10.0.0.2\nnfs_root = /srv\n"), HasSubstr("say nfs_server = ADDRESS"));
    EXPECT_THAT(line("dhcp = dhcp\nroot = /dev/xvda\n" + nfs), HasSubstr("contradict each other"));
    EXPECT_THAT(line("dhcp = dhcp\nroot = /dev/nfsx\n" + nfs), HasSubstr("contradict each other"));
    EXPECT_THAT(line("netmask = 255.0.0.0\n"), HasSubstr("netmask = 255.0.0.0 needs an address"));
    EXPECT_THAT(line("gateway = 10.0.0.1\n"), HasSubstr("gateway = 10.0.0.1 needs an address"));
}

// Each would end its part of the line, and begin another.
TEST(BootParameters, PartsAreWhatTheySay) {
    for (const char* key : {"ip", "netmask", "gateway", "nfs_server"})
        for (const char* value : {"10.0.0", "10.0.0.2:x", "10.0.0.2 init=/bin/sh", "::1", "host"})
            EXPECT_THAT(line(std::string(key) + " = " + value + "\n"), HasSubstr("is not an address")) << key;
    for (const char* name : {"a:b", "a b", "a_b", "\"a\""})
        EXPECT_THAT(line(std::string("hostname = ") + name + "\n"), HasSubstr("is not made of")) << name;
    EXPECT_THAT(line("hostname = " + std::string(65, 'a') + "\n"), HasSubstr("is not made of"));
    for (const char* path : {"srv", "/srv init=/bin/sh", "/srv\""})
        EXPECT_THAT(line(std::string("nfs_root = ") + path + "\n"), HasSubstr("is not an absolute path"))
            << path;
    EXPECT_THAT(line("dhcp = bootp\n"), HasSubstr("neither dhcp nor off"));
}

TEST(BootParameters, AreReadBack) {
    auto config = parseConfig("dhcp = true\nnfs_root = /srv\nip = 10.0.0.2\n").config;
    EXPECT_EQ(getKey(config, "dhcp"), "dhcp");
    EXPECT_EQ(getKey(config, "nfs_root"), "/srv");
    EXPECT_EQ(bootParameterOf(config), "ip");
    EXPECT_EQ(replaceKey(config, "ip", ""), "");
    EXPECT_EQ(getKey(config, "ip"), "");
    EXPECT_EQ(bootParameterOf(parseConfig("dhcp = dhcp\n").config), "dhcp");
    EXPECT_EQ(bootParameterOf({}), "");
}

} // namespace
} // namespace xb::xenvm
