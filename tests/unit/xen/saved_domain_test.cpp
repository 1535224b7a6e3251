// SPDX-License-Identifier: Apache-2.0
// The file of a saved domain: xl's header byte by byte, hostile ones, and names that only whole files have.
#include "xen/saved_domain.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>

namespace xb::xen {
namespace {

class SavedDomainTest : public testing::Test {
protected:
    SavedDomainTest() {
        std::string pattern = testing::TempDir() + "/saved.XXXXXX";
        if (!::mkdtemp(pattern.data()))
            throw systemError(pattern, errno);
        directory = pattern;
    }
    ~SavedDomainTest() override { std::filesystem::remove_all(directory); }

    std::string refusal(const std::string& content) {
        writeFileAtomically(file(), content);
        try {
            openSavedFile(file());
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find(file()), std::string::npos) << e.what();
            return e.what();
        }
        return "it was taken";
    }
    std::string file() const { return directory / "domain"; }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory),
                                                      std::filesystem::directory_iterator()));
    }

    std::filesystem::path directory;
};

TEST_F(SavedDomainTest, TheHeaderIsXls) {
    const std::string expected =
        std::string("Xen saved domain, xl format\n \0 \r", 32) + std::string("\x04\x03\x02\x01"
                                                                             "\x03\0\0\0"
                                                                             "\0\0\0\0"
                                                                             "\x07\0\0\0"
                                                                             "\x03\0\0\0"
                                                                             "{}\0",
                                                                             23);
    EXPECT_EQ(savedHeader("{}"), expected);
}

TEST_F(SavedDomainTest, WhatWasWrittenIsRead) {
    SavedFile saved(file(), "{\"a\": 1}");
    EXPECT_FALSE(std::filesystem::exists(file()));
    writeAll(saved.stream().get(), "the stream", "test");
    saved.finish();
    EXPECT_EQ(entries(), 1u);
    struct stat status {};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    const auto opened = openSavedFile(file());
    EXPECT_EQ(opened.header.configuration, "{\"a\": 1}");
    EXPECT_TRUE(opened.header.json);
    char rest[64];
    const ssize_t n = ::read(opened.stream.get(), rest, sizeof rest);
    EXPECT_EQ(std::string(rest, static_cast<std::size_t>(std::max<ssize_t>(n, 0))), "the stream");
}

TEST_F(SavedDomainTest, WhatIsNotFinishedLeavesNothingAndTheOldFileStays) {
    writeFileAtomically(file(), "old");
    {
        SavedFile saved(file(), "{}");
        writeAll(saved.stream().get(), "half", "test");
    }
    EXPECT_EQ(entries(), 1u);
    EXPECT_EQ(readFile(file()), "old");
    EXPECT_THROW(SavedFile("/nowhere/at/all", "{}"), Error);
    EXPECT_THROW(SavedFile(file(), std::string(maxSavedConfiguration + 1, 'x')), Error);
}

TEST_F(SavedDomainTest, UnknownOptionalDataAreSkipped) {
    auto header = savedHeader("{}");
    header[44] = 10; // three bytes more than the configuration
    writeFileAtomically(file(), header + "xyzSTREAM");
    const auto opened = openSavedFile(file());
    EXPECT_EQ(opened.header.configuration, "{}");
    char first = 0;
    ASSERT_EQ(::read(opened.stream.get(), &first, 1), 1);
    EXPECT_EQ(first, 'S');
}

// Seen: that of xl ends with NUL, which no JSON has. Other writers may leave it out.
TEST_F(SavedDomainTest, TheConfigurationEndsWithOrWithoutNul) {
    auto header = savedHeader("{}");
    writeFileAtomically(file(), header);
    EXPECT_EQ(openSavedFile(file()).header.configuration, "{}");
    header.pop_back();
    header[44] = 6;
    header[48] = 2;
    writeFileAtomically(file(), header);
    EXPECT_EQ(openSavedFile(file()).header.configuration, "{}");
}

TEST_F(SavedDomainTest, HostileHeadersAreRefused) {
    const auto good = savedHeader("{}");
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_NE(refusal(good.substr(0, size)), "it was taken") << size;
    const auto with = [&](std::size_t at, const char* bytes) {
        auto header = good;
        std::memcpy(header.data() + at, bytes, 4);
        return refusal(header + std::string(64, 'x'));
    };
    EXPECT_NE(with(0, "ELF!").find("no saved domain"), std::string::npos);
    EXPECT_NE(with(32, "\1\2\3\4").find("byte order"), std::string::npos);
    EXPECT_NE(with(32, "\0\0\0\0").find("byte order"), std::string::npos);
    EXPECT_NE(with(36, "\7\0\0\0").find("flags 0x7"), std::string::npos);
    EXPECT_NE(with(36, "\1\0\0\0").find("4.5"), std::string::npos);
    EXPECT_NE(with(44, "\xff\xff\xff\xff").find("limit"), std::string::npos);
    EXPECT_NE(with(48, "\xff\xff\xff\xff").find("claims"), std::string::npos);
    EXPECT_NE(with(48, "\4\0\0\0").find("claims"), std::string::npos);
    EXPECT_NE(with(44, "\2\0\0\0").find("cut off"), std::string::npos);
}

TEST_F(SavedDomainTest, OnlyFilesAreOpened) {
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    EXPECT_THROW(openSavedFile(file()), Error);
    EXPECT_THROW(openSavedFile(directory), Error);
    EXPECT_THROW(openSavedFile(directory / "none"), Error);
}

} // namespace
} // namespace xb::xen
