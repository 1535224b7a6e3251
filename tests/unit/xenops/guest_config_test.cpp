// SPDX-License-Identifier: Apache-2.0
// Configuration files and what they come to, beside them in golden/; and what is refused.
#include "toolstack/xenops/guest_config.hpp"

#include "tests/support/documented.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace xb::xenops {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string uuid = "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a";
const DomainNames names{{"Domain-0", 0}, {"driver", 5}};

GuestConfig read(const std::string& text, const std::string& file = "f") {
    return toGuestConfig(parseConfigFile(text, file), file, uuid, names);
}

std::string complaint(const std::string& more) {
    try {
        read("name='n'\nmemory=32\n" + more);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

std::string golden(const std::string& name) {
    const auto config = read(readFile(std::string(GOLDEN "/") + name + ".cfg"), "FILE");
    std::string text = describe(config);
    for (const std::string& warning : config.warnings)
        text += "warning: " + warning + "\n";
    // Generated ones are the same each time, but nobody can check them by eye.
    return std::regex_replace(text, std::regex("(vif = [0-9]+) 00:16:3e[0-9a-f:]+"), "$1 MAC");
}

TEST(XenopsGuestConfig, golden) {
    for (const auto* name : {"xm", "xl"})
        EXPECT_EQ(golden(name), readFile(std::string(GOLDEN "/") + name + ".expected")) << name;
}

TEST(XenopsGuestConfig, generatedAddressesStay) {
    const auto first = read("name='n'\nmemory=32\nvif=['','']").domain.nics;
    const auto second = read("name='n'\nmemory=32\nvif=['','']").domain.nics;
    EXPECT_EQ(first, second);
    EXPECT_NE(first[0].mac, first[1].mac);
    EXPECT_THAT(first[0].mac, StartsWith("00:16:3e:"));
}

TEST(XenopsGuestConfig, aPvGuestWithBootloaderAndFramebuffer) {
    const auto config = read("name='n'\nmemory=32\nbootloader='/usr/lib/xen-4.17/bin/pygrub'\n"
                             "vfb=['type=vnc,vncunused=1,keymap=de']");
    EXPECT_EQ(config.domain.bootloader, "pygrub");
    EXPECT_TRUE(config.domain.framebuffer);
    EXPECT_TRUE(config.domain.vnc);
    EXPECT_THAT(config.warnings, testing::ElementsAre(HasSubstr("keymap=de is without effect")));
}

TEST(XenopsGuestConfig, whatIsMissing) {
    EXPECT_THROW(read("memory=32"), Error);
    EXPECT_THROW(read("name='n'"), Error);
}

TEST(XenopsGuestConfig, whatIsWrongIsNamedWithItsLine) {
    EXPECT_THAT(complaint("type='xen'"), AllOf(StartsWith("f:3: "), HasSubstr("none of pv, pvh and hvm")));
    EXPECT_THAT(complaint("vcpus=0"), HasSubstr("vcpus is a number from 1"));
    EXPECT_THAT(complaint("vcpus=2\nmaxvcpus=1"), StartsWith("f:4: "));
    EXPECT_THAT(complaint("maxmem=16"), HasSubstr("less than memory"));
    EXPECT_THAT(complaint("disk=[\n'phy:/dev/a,xvda,x'\n]"), StartsWith("f:4: "));
    EXPECT_THAT(complaint("disk='phy:/dev/a,xvda,w'"), HasSubstr("a list of texts"));
    EXPECT_THAT(complaint("disk=['file:a,xvda,w']"), HasSubstr("does not begin with /"));
    EXPECT_THAT(complaint("disk=['/a,raw,../x,w']"), HasSubstr("no device name"));
    EXPECT_THAT(complaint("disk=['/a,raw,xvda,w','/b,raw,xvda,w']"), HasSubstr("two disks are xvda"));
    EXPECT_THAT(complaint("disk=['nbd:host,xvda,w']"), HasSubstr("nbd: are not supported"));
    EXPECT_THAT(complaint("disk=['script=x,vdev=xvda,target=/a']"), HasSubstr("script= is not supported"));
    EXPECT_THAT(complaint("vif=['mac=1:2']"), HasSubstr("no address"));
    EXPECT_THAT(complaint("vif=['backend=nobody']"), HasSubstr("there is no domain \"nobody\""));
    EXPECT_THAT(complaint("vif=['rate=fast']"), HasSubstr("rate \"fast\" is not of the form"));
    EXPECT_THAT(complaint("vif=['vifname=../x']"), HasSubstr("no name of a network interface"));
    EXPECT_THAT(complaint("vif=['vifname=-sixteen-letters']"), HasSubstr("no name of a network interface"));
    EXPECT_THAT(complaint("vif=['ip=$(reboot)']"), HasSubstr("no addresses"));
    EXPECT_THAT(complaint("vif=['colour=red']"), HasSubstr("colour= is not supported"));
    EXPECT_THAT(complaint("pci=['xx']"), HasSubstr("no PCI address"));
    EXPECT_THAT(complaint("timer_mode=4"), HasSubstr("a number from 0 to 3, or one of delay_for"));
    EXPECT_THAT(complaint("timer_mode='late'"), HasSubstr("one of delay_for"));
    EXPECT_THAT(complaint("bootloader='/usr/bin/grub'"), HasSubstr("is not pygrub"));
    EXPECT_THAT(complaint("type='hvm'\nbootloader='pygrub'"), HasSubstr("for PV and PVH guests"));
    EXPECT_THAT(complaint("usbctrl=['type=xhci']"), HasSubstr("type=xhci is none of"));
    EXPECT_THAT(complaint("usbctrl=['version=4']"), HasSubstr("\"4\" is no number from 1 to 3"));
    EXPECT_THAT(complaint("usbctrl=['ports=32']"), HasSubstr("from 1 to 31"));
    EXPECT_THAT(complaint("usbdev=['hostbus=1']"), HasSubstr("needs hostbus and hostaddr"));
    EXPECT_THAT(complaint("usbdev=['hostbus=1,hostaddr=2,type=net']"), HasSubstr("neither hostbus"));
    EXPECT_THAT(complaint("vfb=['vnc=2']"), HasSubstr("\"2\" is no number from 0 to 1"));
    EXPECT_THAT(complaint("vfb=['vnc']"), HasSubstr("not made of KEY=VALUE"));
    EXPECT_THAT(complaint("cpus_soft=['0','1']"), HasSubstr("for each virtual CPU is not supported"));
    EXPECT_THAT(complaint("on_crash='explode'"), HasSubstr("cannot be \"explode\""));
    EXPECT_THAT(complaint("uuid='x'"), HasSubstr("no UUID"));
    EXPECT_THAT(complaint("name='7'"), HasSubstr("domain number"));
    EXPECT_THAT(complaint("name='a/b'"), HasSubstr("letters"));
}

TEST(XenopsGuestConfig, whatCannotBeDoneIsRefusedByName) {
    for (const std::string_view key : refusedKeys()) {
        EXPECT_THAT(complaint(std::string(key) + "=1"), HasSubstr(std::string(key) + " is not supported"))
            << key;
        EXPECT_EQ(complaint(std::string(key) + "=0"), "") << key;
    }
}

TEST(XenopsGuestConfig, theDocumentationNamesTheKeys) {
    const auto keys = [](const std::vector<std::string_view>& list) {
        return std::set<std::string>(list.begin(), list.end());
    };
    EXPECT_EQ(test::complaint(keys(refusedKeys()), test::documented(NOT_SUPPORTED, "xenops-refused")), "");
    EXPECT_EQ(test::complaint(keys(keysWithoutEffect()), test::documented(NOT_SUPPORTED, "xenops-ignored")),
              "");
}

} // namespace
} // namespace xb::xenops
