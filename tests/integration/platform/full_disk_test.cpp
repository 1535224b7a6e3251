// SPDX-License-Identifier: Apache-2.0
// A disk that takes no more, under each daemon in turn: what cannot be written is refused by name and reason,
// nothing is left half made, and all works again when there is space.
//
// The disk is full for one process, by its limit on file sizes: making files, directories and links works,
// every write to a file fails, as on a disk that is full; only the reason reads "File too large". It needs no
// rights to mount.
#include "platform.hpp"

#include "idl/org_xenbroker_db_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>

namespace xb::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Without it, the daemons would be killed by the signal that comes with the error. They inherit this.
class IgnoreSizeSignal {
public:
    IgnoreSizeSignal() : before_(std::signal(SIGXFSZ, SIG_IGN)) {}
    IgnoreSizeSignal(const IgnoreSizeSignal&) = delete;
    IgnoreSizeSignal& operator=(const IgnoreSizeSignal&) = delete;
    ~IgnoreSizeSignal() { std::signal(SIGXFSZ, before_); }

private:
    void (*before_)(int);
};

// The disk is full for this process as long as this lives.
class DiskFull {
public:
    explicit DiskFull(Process& process) : process_(process) {
        EXPECT_EQ(::prlimit(process_.pid(), RLIMIT_FSIZE, nullptr, &before_), 0);
        rlimit nothing = before_;
        nothing.rlim_cur = 0;
        EXPECT_EQ(::prlimit(process_.pid(), RLIMIT_FSIZE, &nothing, nullptr), 0);
    }
    DiskFull(const DiskFull&) = delete;
    DiskFull& operator=(const DiskFull&) = delete;
    ~DiskFull() { EXPECT_EQ(::prlimit(process_.pid(), RLIMIT_FSIZE, &before_, nullptr), 0); }

private:
    Process& process_;
    rlimit before_{};
};

class FullDisk : public testing::Test {
protected:
    IgnoreSizeSignal ignore;
    Platform platform;

    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            platform.await(std::move(task));
        } catch (const Error& e) {
            return e.what();
        }
        return "no error";
    }
    std::vector<std::string> filesIn(const std::filesystem::path& directory) {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(platform.root() / directory))
            names.push_back(entry.path().filename());
        return names;
    }
    idl::org_xenbroker_db::DbClient extension() {
        return idl::org_xenbroker_db::DbClient(platform.bus(), "com.citrix.xenclient.db", "/");
    }
    static std::string nodeOf(const std::string& vm) { return "/vm/" + uuidFromPathElement(vm.substr(4)); }

    // What names the journal and the reason.
    const testing::Matcher<std::string> refused =
        AllOf(HasSubstr((platform.root() / "config/journal").string()), HasSubstr("File too large"));
};

TEST_F(FullDisk, AVmThatCannotBeSavedIsNotCreated) {
    const std::string kept = platform.createVm();
    platform.await(extension().sync());
    platform.forgetSignals();
    {
        const DiskFull full(platform.dbd());
        EXPECT_THAT(errorOf(platform.manager().createVmWithTemplate("new-vm-linux")), refused);
        EXPECT_THAT(platform.await(platform.manager().listVms()), ElementsAre(kept));
        EXPECT_THAT(platform.await(platform.db().list("/vm")),
                    ElementsAre(uuidFromPathElement(kept.substr(4))))
            << "the database must not make it later, behind everybody's back";
        EXPECT_THAT(platform.signals(), IsEmpty());
        EXPECT_EQ(platform.await(platform.vm(kept).getMemory()), 32) << "reads go on";
    }
    const std::string created = platform.createVm();
    EXPECT_THAT(platform.await(platform.manager().listVms()), UnorderedElementsAre(kept, created));
    Platform::kill(platform.xenmgr());
    Platform::kill(platform.dbd());
    platform.startDbd();
    platform.startXenmgr();
    EXPECT_THAT(platform.await(platform.manager().listVms()), UnorderedElementsAre(kept, created));
}

TEST_F(FullDisk, AChangeIsRefusedAndTheOldValueStays) {
    const std::string path = platform.createVm();
    {
        const DiskFull full(platform.dbd());
        EXPECT_THAT(errorOf(platform.vm(path).setMemory(64)), refused);
        EXPECT_EQ(platform.await(platform.vm(path).getMemory()), 32)
            << "neither xenmgr nor dbd may believe it";
        EXPECT_EQ(platform.await(platform.db().read(nodeOf(path) + "/config/memory")), "32");
    }
    platform.await(platform.vm(path).setMemory(64));
    Platform::kill(platform.dbd());
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read(nodeOf(path) + "/config/memory")), "64");
}

TEST_F(FullDisk, ADeletionThatCannotBeSavedTakesNothing) {
    const std::string path = platform.createVm();
    const std::string image = platform.await(platform.manager().createVhd(8));
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).attachVhd(image));
    {
        const DiskFull full(platform.dbd());
        EXPECT_THAT(errorOf(platform.vm(path).delete_()), refused);
        EXPECT_THAT(platform.await(platform.manager().listVms()), ElementsAre(path));
        EXPECT_EQ(platform.await(platform.disk(disk).getPhysPath()), image);
        EXPECT_TRUE(std::filesystem::exists(platform.root() / image.substr(1)))
            << "its disk must be there still";
    }
    platform.await(platform.vm(path).delete_());
    EXPECT_FALSE(std::filesystem::exists(platform.root() / image.substr(1)));
}

TEST_F(FullDisk, AStartWhoseConfigurationCannotBeWrittenIsRefused) {
    const std::string path = platform.createVm();
    const std::string file = "xenvm-" + uuidFromPathElement(path.substr(4));
    {
        const DiskFull full(platform.xenmgr());
        EXPECT_THAT(errorOf(platform.vm(path).start()),
                    AllOf(HasSubstr("223:IO error"), HasSubstr(file), HasSubstr("File too large")));
        EXPECT_EQ(platform.state(path), "stopped");
        EXPECT_LT(platform.monitorOf(path), 0) << "no monitor without a configuration";
        EXPECT_THAT(filesIn("run/xenbroker/xenmgr"), IsEmpty());
    }
    platform.await(platform.vm(path).start());
    EXPECT_TRUE(platform.waitForState(path, "running"));
    platform.await(platform.vm(path).destroy());
}

TEST_F(FullDisk, ADiskThatCannotBeWrittenIsNotLeftBehind) {
    {
        const DiskFull full(platform.xenmgr()); // qemu-img inherits it
        EXPECT_THAT(errorOf(platform.manager().createVhd(8)),
                    AllOf(HasSubstr("cannot create " + (platform.root() / "storage/disks").string()),
                          HasSubstr(".vhd: qemu-img: ")));
        EXPECT_THAT(filesIn("storage/disks"), IsEmpty());
    }
    const std::string made = platform.await(platform.manager().createVhd(8));
    EXPECT_TRUE(std::filesystem::exists(platform.root() / made.substr(1)));
}

} // namespace
} // namespace xb::test
