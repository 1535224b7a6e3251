// SPDX-License-Identifier: Apache-2.0
// Devices that come and go as the emulated guest sees them, and what goes wrong: guests that keep a device,
// hotplug scripts that fail, backends that never get ready.
#include "tests/unit/xen/emulated_environment.hpp"

#include "toolstack/libs/files.hpp"

namespace xb::xen::test {

class HotDevicesTest : public HypervisorTest {
protected:
    DomId boot(const std::string& words = "") {
        auto wanted = config();
        wanted.cmdline = words.empty() ? "" : "xbtest=" + words;
        const DomId domid = start(wanted);
        console_ = std::make_unique<ConsoleReader>(loop_.executor(), await(hypervisor().consoleTty(domid)));
        expect("xen-guest: ready");
        return domid;
    }
    void expect(const std::string& text) {
        runUntil([&] { return console_->text().find(text) != std::string::npos; }, "\"" + text + "\"");
    }
    void command(const std::string& line, const std::string& answer) {
        console_->forget();
        console_->type(line);
        expect(answer);
    }
    DiskConfig disk(const std::string& start) {
        const std::string path = emulator().directory() + "/hot-disk";
        writeFileAtomically(path, std::string(start).append(64 * 1024 - start.size(), '\0'));
        return {path, DiskBackend::file, "xvdb", true, false, 0};
    }
    static NicConfig card() { return {2, "00:16:3e:0a:0b:0e", "brbridged", "", "", 0}; }

    std::unique_ptr<ConsoleReader> console_;
};

TEST_F(HotDevicesTest, TheGuestReadsTheDiskAndForgetsIt) {
    const DomId domid = boot();
    command("disk", "no disk");
    for (const char* words : {"came later", "came once more"}) {
        const auto added = disk(words);
        await(hypervisor().addDisk(domid, added));
        expect("xvdb: disk, 128 sectors, writable, begins with \"" + std::string(words) + "\"");
        command("write xvdb 1 by the guest", "xvdb: wrote sector 1");
        EXPECT_EQ(readFile(added.path).substr(512, 12), "by the guest");
        await(hypervisor().removeDisk(domid, "xvdb", false));
        command("disk", "no disk");
    }
}

TEST_F(HotDevicesTest, TheGuestUsesTheCard) {
    const DomId domid = boot();
    command("ping", "no network card");
    await(hypervisor().addNic(domid, card()));
    expect("eth2: 00:16:3e:0a:0b:0e");
    command("ping", "eth2: ping 10.9.0.1: answer from");
    await(hypervisor().removeNic(domid, 2, false));
    command("ping", "no network card");
}

TEST_F(HotDevicesTest, AGuestMayKeepADeviceUnlessForced) {
    const DomId domid = boot("keep-devices");
    await(hypervisor().addDisk(domid, disk("kept")));
    expect("begins with \"kept\"");
    const auto reason = failure(hypervisor().removeDisk(domid, "xvdb", false));
    EXPECT_NE(reason.find("does not let go of disk xvdb"), std::string::npos) << reason;
    EXPECT_NE(reason.find("Device in use; refusing to close"), std::string::npos) << reason;
    command("write xvdb 1 still there", "xvdb: wrote sector 1");
    EXPECT_EQ(await(hypervisor().disks(domid)).at(0).state, 4);
    await(hypervisor().removeDisk(domid, "xvdb", true));
    EXPECT_TRUE(await(hypervisor().disks(domid)).empty());
    command("disk", "no disk");
}

TEST_F(HotDevicesTest, ADeviceThatCannotBeAddedLeavesNothing) {
    const DomId domid = boot();
    emulator().inject("hotplug-fails", 1);
    EXPECT_NE(failure(hypervisor().addDisk(domid, disk("fails"))).find("hotplug failed"), std::string::npos);
    emulator().inject("backend-never-connects", 1);
    EXPECT_NE(failure(hypervisor().addNic(domid, card())).find("did not get ready"), std::string::npos);
    EXPECT_TRUE(await(hypervisor().disks(domid)).empty());
    EXPECT_TRUE(await(hypervisor().nics(domid)).empty());
    await(hypervisor().addDisk(domid, disk("works")));
    expect("begins with \"works\"");
    await(hypervisor().addNic(domid, card()));
    expect("eth2: 00:16:3e:0a:0b:0e");
}

TEST_F(HotDevicesTest, TheGuestSeesTheOtherMedium) {
    const DomId domid = boot();
    auto drive = disk("first medium");
    drive.cdrom = true;
    drive.writable = false;
    await(hypervisor().addDisk(domid, drive));
    expect("xvdb: CD, 128 sectors, read-only, begins with \"first medium\"");
    await(hypervisor().changeMedium(domid, "xvdb", ""));
    expect("xvdb: CD, no medium");
    await(hypervisor().changeMedium(domid, "xvdb", drive.path));
    command("disk", "xvdb: CD, 128 sectors");
}

// A domain that goes while a device is awaited does not wait for the device.
TEST_F(HotDevicesTest, ADomainCanBeDestroyedWhileItKeepsADevice) {
    const DomId domid = boot();
    await(hypervisor().addDisk(domid, disk("goes with it")));
    expect("goes with it");
    await(hypervisor().pause(domid)); // it answers nothing
    std::string told;
    spawn(loop_.executor(), "removal", [](Hypervisor& on, DomId id, std::string& outcome) -> Task<> {
        try {
            co_await on.removeDisk(id, "xvdb", false);
            outcome = "removed";
        } catch (const std::exception& e) {
            outcome = e.what();
        }
    }(hypervisor(), domid, told));
    await(hypervisor().destroy(domid));
    runUntil([&] { return !told.empty(); }, "the removal to end");
    EXPECT_EQ(node("/local/domain/0/backend/vbd/" + std::to_string(domid) + "/51728/state"), "(none)");
}

} // namespace xb::xen::test
