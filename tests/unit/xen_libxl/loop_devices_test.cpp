// SPDX-License-Identifier: Apache-2.0
// Loop devices that hotplug scripts left: which are detached, and that nothing is while a script runs.
#include "tests/unit/xen_libxl/fake_store.hpp"
#include "tests/unit/xen_libxl/run_task.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/libxl/loop_devices.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <sys/file.h>

namespace xb::xen {
namespace {

namespace fs = std::filesystem;

class LoopDevicesTest : public testing::Test {
public:
    LoopDevicesTest() {
        directory =
            fs::path(testing::TempDir()) / ("loops-" + std::to_string(::getpid()) + "-" +
                                            testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::create_directories(directory / "sys");
        system.block = directory / "sys";
        system.lockDirectory = directory / "run/xen-hotplug";
        system.lockLimit = std::chrono::milliseconds(50);
        system.detach = [this](const std::string& device) { detached.push_back(device); };
    }
    ~LoopDevicesTest() override {
        threads->stop();
        fs::remove_all(directory);
    }

    void attach(const std::string& name, const std::string& file, const char* autoclear = "0") {
        fs::create_directories(system.block / name / "loop");
        std::ofstream(system.block / name / "loop/backing_file") << file << '\n';
        std::ofstream(system.block / name / "loop/autoclear") << autoclear << '\n';
    }

    // What a hotplug script holds while it works.
    UniqueFd lockAsAScript() {
        fs::create_directories(system.lockDirectory);
        UniqueFd fd(::open((system.lockDirectory / "block").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        EXPECT_EQ(::flock(fd.get(), LOCK_EX | LOCK_NB), 0);
        return fd;
    }

    void detachThoseOf(const std::string& file) {
        LoopSuspect suspect = [file](const LoopDevice& each) { return each.file == file; };
        runTask(loop, detachLeftLoopDevices(threads, store, suspect, system));
    }

    Loop loop;
    fs::path directory;
    LoopSystem system;
    std::vector<std::string> detached;
    std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>(loop.executor());
    std::shared_ptr<LibxlThreads> threads = std::make_shared<LibxlThreads>(loop.executor());
};

using Names = std::vector<std::string>;

TEST_F(LoopDevicesTest, AttachedOnesAreThoseWithAFileThatStay) {
    attach("loop0", "/disks/a.raw");
    attach("loop1", "/disks/gone.raw", "1");
    attach("sda", "/disks/b.raw");
    fs::create_directories(system.block / "loop2");
    const std::vector<LoopDevice> expected{{"/dev/loop0", "/disks/a.raw"}};
    EXPECT_EQ(attachedLoopDevices(system), expected);
}

TEST_F(LoopDevicesTest, ThoseOfADomainAreTheNodesOfItsBackends) {
    attach("loop0", "/disks/a.raw");
    attach("loop1", "/disks/b.raw");
    store->values["/local/domain/0/backend/vbd/7/51712/node"] = "/dev/loop1";
    store->values["/local/domain/0/backend/vbd/7/51728/node"] = "/dev/sdb";
    store->values["/local/domain/0/backend/vbd/8/51712/node"] = "/dev/loop0";
    auto body = [](LoopDevicesTest& t) -> Task<> {
        const auto found = co_await loopDevicesOf(t.store, 7, t.system);
        const std::vector<LoopDevice> expected{{"/dev/loop1", "/disks/b.raw"}};
        EXPECT_EQ(found, expected);
    };
    runTask(loop, body(*this));
}

TEST_F(LoopDevicesTest, SuspectsAreDetachedAndOthersAreNot) {
    attach("loop0", "/disks/a.raw");
    attach("loop1", "/disks/b.raw");
    detachThoseOf("/disks/b.raw");
    EXPECT_EQ(detached, Names{"/dev/loop1"});
    EXPECT_FALSE(fs::exists(system.lockDirectory / "block")) << "the lock must be given back";
}

TEST_F(LoopDevicesTest, WhatABackendUsesIsKept) {
    attach("loop0", "/disks/a.raw");
    attach("loop1", "/disks/a.raw");
    store->values["/local/domain/0/backend/vbd/9/51712/node"] = "/dev/loop0";
    detachThoseOf("/disks/a.raw");
    EXPECT_EQ(detached, Names{"/dev/loop1"});
}

TEST_F(LoopDevicesTest, NothingIsDetachedWhileAScriptWorks) {
    attach("loop0", "/disks/a.raw");
    const auto script = lockAsAScript();
    detachThoseOf("/disks/a.raw");
    EXPECT_EQ(detached, Names{});
    EXPECT_TRUE(fs::exists(system.lockDirectory / "block")) << "the lock is the script's";
}

TEST_F(LoopDevicesTest, TheEndOfAScriptIsWaitedFor) {
    attach("loop0", "/disks/a.raw");
    auto script = lockAsAScript();
    system.lockLimit = testLimit;
    auto body = [](LoopDevicesTest& t, UniqueFd held) -> Task<> {
        LoopSuspect all = [](const LoopDevice&) { return true; };
        auto end = [](LoopDevicesTest& test, UniqueFd lock) -> Task<> {
            co_await delay(std::chrono::milliseconds(20));
            EXPECT_EQ(test.detached, Names{});
            fs::remove(test.system.lockDirectory / "block"); // as release_lock does
            lock.reset();
        };
        spawn(t.loop.executor(), "end of the script", end(t, std::move(held)));
        co_await detachLeftLoopDevices(t.threads, t.store, all, t.system);
        EXPECT_EQ(t.detached, Names{"/dev/loop0"});
    };
    runTask(loop, body(*this, std::move(script)));
}

TEST_F(LoopDevicesTest, AFailureIsNotPassedOn) {
    attach("loop0", "/disks/a.raw");
    system.detach = [](const std::string&) { throw Error("no"); };
    EXPECT_NO_THROW(detachThoseOf("/disks/a.raw"));
}

} // namespace
} // namespace xb::xen
