// SPDX-License-Identifier: Apache-2.0
// A file system that is really full under dbd: a small one in memory, in a mount namespace of dbd's own,
// which only root may make. (tests/integration/platform/full_disk_test.cpp has one for any user.) Changes are
// refused by name and reason, reads go on, nothing that was acknowledged is lost, and all works again when
// there is space.
#include "daemon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace xb::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(FullFileSystem, RefusesChangesAndLosesNone) {
    if (std::system("unshare -m mount -t tmpfs none /tmp 2>/dev/null") != 0)
        GTEST_SKIP() << "NOT TESTED: a full file system needs the right to mount one (root)";
    Daemon daemon;
    Bus client(daemon.loop(), daemon.address());
    const fs::path root = daemon.config().parent_path();
    const auto inside = [&](const fs::path& path) {
        return fs::path("/proc/" + std::to_string(daemon.process().pid()) + "/root" + path.string());
    };
    const Words mounting{
        "/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=512k none \"$0\" && exec \"$@\"",
        root.string()};
    ASSERT_TRUE(daemon.start(mounting)) << daemon.process().messages();
    Account account;
    account.acknowledged = parseModel(daemon.dump());
    std::string refusal;
    const auto write = [&](int number) {
        const Operation operation{Operation::Kind::write, "/vm/" + std::to_string(number % 10) + "/key",
                                  "value " + std::to_string(number) + std::string(5000, 'x')};
        try {
            daemon.run(daemon.perform(client, operation));
            applyTo(account.acknowledged, operation);
            return true;
        } catch (const Error& error) {
            refusal = error.what();
            return false;
        }
    };
    const auto takeOut = [&] { // what is in the small file system, as it is at this moment
        daemon.process().signal(SIGSTOP);
        daemon.restore(inside(daemon.config()));
        daemon.process().signal(SIGCONT);
    };
    ASSERT_TRUE(write(0));
    std::ofstream(inside(root) / "ballast") << std::string(200'000, 'x');
    int number = 1;
    while (number < 1000 && write(number))
        ++number;
    EXPECT_THAT(refusal, HasSubstr("No space left on device"));
    EXPECT_THAT(refusal, HasSubstr((daemon.config() / "journal").string()));
    EXPECT_TRUE(account.allows(daemon.dump())) << "what was refused must not be there";
    takeOut();
    const fs::path whenFull = daemon.scratch() / "when-full";
    daemon.keep(whenFull);
    const Account then = account;

    fs::remove(inside(root) / "ballast");
    EXPECT_TRUE(write(number)) << refusal;
    EXPECT_TRUE(account.allows(daemon.dump()));
    takeOut();
    daemon.kill();
    daemon.expectSound(account, "with space again");
    daemon.restore(whenFull);
    daemon.expectSound(then, "killed while the disk was full");
}

} // namespace
} // namespace xb::test
