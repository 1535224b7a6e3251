// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/files.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace xb {
namespace {

TEST(Files, WrittenWholeWithModeAndNoLitter) {
    test::TemporaryDirectory directory;
    const auto file = directory.path() / "a";
    writeFileAtomically(file, "one", 0600, true);
    writeFileAtomically(file, "two", 0600);
    EXPECT_EQ(readFile(file), "two");
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(Files, FailuresNameTheFileAndLeaveTheOldOne) {
    test::TemporaryDirectory directory;
    EXPECT_FALSE(readFileIfThere(directory.path() / "none"));
    try {
        readFile(directory.path() / "none");
        FAIL() << "read a file that is not there";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("none: No such file"), std::string::npos) << e.what();
    }
    writeFileAtomically(directory.path() / "big", std::string(1000, 'x'));
    EXPECT_THROW(readFile(directory.path() / "big", 999), Error);
    std::filesystem::create_directory(directory.path() / "d");
    EXPECT_THROW(writeFileAtomically(directory.path() / "d", "x"), Error); // rename over a directory
    EXPECT_FALSE(std::filesystem::exists(directory.path() / ("d.new." + std::to_string(::getpid()))));
}

TEST(Files, MakeDirectoriesMakesParentsAndRefusesFiles) {
    test::TemporaryDirectory directory;
    makeDirectories(directory.path() / "x/y/z", 0700);
    EXPECT_TRUE(std::filesystem::is_directory(directory.path() / "x/y/z"));
    makeDirectories(directory.path() / "x/y/z");
    writeFileAtomically(directory.path() / "f", "");
    EXPECT_THROW(makeDirectories(directory.path() / "f"), Error);
}

TEST(Files, BelowMovesAbsolutePaths) {
    EXPECT_EQ(below("/", "/config"), "/config");
    EXPECT_EQ(below("/tmp/r", "/config/db"), "/tmp/r/config/db");
}

} // namespace
} // namespace xb
