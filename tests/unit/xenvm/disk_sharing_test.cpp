// SPDX-License-Identifier: Apache-2.0
// Disks that dom0 or another domain uses, on a /sys and /proc of the test's own.
#include "vm_fixture.hpp"

#include "toolstack/xenvm/disk_sharing.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace xb::xenvm::test {

using testing::AllOf;
using testing::HasSubstr;

class DiskSharingTest : public VmTest {
protected:
    DiskSharingTest() {
        image = (directory.path() / "image").string();
        writeFileAtomically(image, "an image");
        system = directory.path() / "system";
        makeDirectories(system / "sys/block/loop3/loop");
        makeDirectories(system / "sys/block/loop3/loop3p1");
        makeDirectories(system / "proc/self");
        writeFileAtomically(system / "sys/block/loop3/dev", "7:3\n");
        writeFileAtomically(system / "sys/block/loop3/loop/backing_file", image + "\n");
        writeFileAtomically(system / "sys/block/loop3/loop3p1/dev", "259:1\n");
        writeFileAtomically(system / "sys/block/loop3/loop3p1/partition", "1\n");
        mounts("");
    }
    void mounts(const std::string& lines) {
        writeFileAtomically(system / "proc/self/mountinfo",
                            "22 1 253:1 / / rw,relatime - ext4 /dev/root rw\n" + lines);
    }
    void otherHas(const std::string& params, const std::string& mode) {
        const std::string node = "/local/domain/0/backend/vbd/7/51712";
        hypervisor.xenstore.values[node + "/params"] = params;
        hypervisor.xenstore.values[node + "/dev"] = "xvda";
        hypervisor.xenstore.values[node + "/mode"] = mode;
    }
    std::string verdict(bool writable, int own = -1) {
        std::vector<xen::DiskConfig> disks{{image, xen::DiskBackend::file, "xvdb", writable, false, 0}};
        return outcome(checkSharing(hypervisor.xenstore, disks, own, system));
    }

    std::string image;
    std::filesystem::path system;
};

TEST_F(DiskSharingTest, WhatNobodyUsesMayBeHad) {
    EXPECT_EQ(verdict(true), "");
    otherHas((directory.path() / "another").string(), "w");
    EXPECT_EQ(verdict(true), "");
}

TEST_F(DiskSharingTest, WhatDom0HasMountedIsRefused) {
    mounts("40 22 7:3 / /mnt/image ro,relatime - ext4 /dev/loop3 ro\n");
    EXPECT_EQ(verdict(false), "") << "both only read";
    EXPECT_THAT(verdict(true),
                AllOf(HasSubstr("xvdb"), HasSubstr(image), HasSubstr("/mnt/image (read-only)")));
    mounts("40 22 259:1 / /mnt/part rw - ext4 /dev/loop3p1 rw\n");
    EXPECT_THAT(verdict(false), HasSubstr("mounted in dom0 at /mnt/part;")) << "a partition of it";
}

TEST_F(DiskSharingTest, WhatAnotherDomainHasIsRefusedIfOneWrites) {
    std::filesystem::create_hard_link(image, image + ".link"); // another name for the same file
    otherHas("aio:" + image + ".link", "r");
    EXPECT_EQ(verdict(false), "");
    EXPECT_THAT(verdict(true), AllOf(HasSubstr("disk xvda of domain 7"), HasSubstr("reads it")));
    otherHas(image, "w");
    EXPECT_THAT(verdict(false), HasSubstr("writes to it"));
    EXPECT_EQ(verdict(true, 7), "") << "its own";
}

TEST_F(DiskSharingTest, AVmDoesNotStartWithSuchADiskUnlessToldTo) {
    otherHas(image, "w");
    writeConfig("disk = " + image + ":file:xvda:w:disk:\n");
    open();
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("disk xvda of domain 7"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    vm->config().set("disk", image + ":file:xvda:w!:disk:");
    run(vm->start(false));
    EXPECT_TRUE(hypervisor.built.back().disks.at(0).writable);
    EXPECT_THAT(outcome(vm->addDisk(image + ":file:xvdb:r:disk:")), HasSubstr("disk xvda of domain 7"));
    run(vm->addDisk(image + ":file:xvdb:w!:disk:"));
}

} // namespace xb::xenvm::test
