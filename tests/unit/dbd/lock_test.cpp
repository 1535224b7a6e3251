// SPDX-License-Identifier: Apache-2.0
// One dbd per directory.
#include "dbd/lock.hpp"

#include "fault_file_system.hpp"
#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace xb::dbd {
namespace {

using testing::HasSubstr;

class LockTest : public testing::Test {
protected:
    std::string own() const { return "process " + std::to_string(::getpid()); }
    TemporaryDirectory dir;
    PosixFileSystem fs;
};

TEST_F(LockTest, TheSecondIsToldWhoHasIt) {
    std::optional<DirectoryLock> first(std::in_place, fs, dir.path());
    EXPECT_EQ(first->trouble().text, "");
    EXPECT_EQ(holderOf(dir.path()), own());
    try {
        const DirectoryLock second(fs, dir.path());
        ADD_FAILURE() << "two hold one directory";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(dir.path() + " is in use by dbd, " + own()));
    }
    EXPECT_EQ(holderOf(dir.path()), own()) << "the one that was refused took the lock with it";
    first.reset();
    EXPECT_EQ(holderOf(dir.path()), std::nullopt);
    EXPECT_EQ(DirectoryLock(fs, dir.path()).trouble().text, "");
}

TEST_F(LockTest, AskingTakesAndMakesNothing) {
    EXPECT_EQ(holderOf(dir.path()), std::nullopt);
    EXPECT_FALSE(dir.has("journal"));
}

TEST_F(LockTest, ALeftOverFileIsNoLock) {
    dir.put("journal/lock", "1\n");
    EXPECT_EQ(holderOf(dir.path()), std::nullopt);
    EXPECT_EQ(DirectoryLock(fs, dir.path()).trouble().text, "");
}

TEST_F(LockTest, WhereNoFileCanBeThereIsNoLockAndItSaysSo) {
    dir.put("journal", "in the way");
    const DirectoryLock lock(fs, dir.path());
    EXPECT_THAT(lock.trouble().message(), HasSubstr("/journal/lock: cannot be locked"));
    dir.put("other/journal/lock/x", "a directory");
    EXPECT_THAT(DirectoryLock(fs, dir.path() + "/other").trouble().message(), HasSubstr("Is a directory"));
}

} // namespace
} // namespace xb::dbd
