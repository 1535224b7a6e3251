// SPDX-License-Identifier: Apache-2.0
// Logs that begin anew when they are large: what was in them is beside them, and not more than was asked for.
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log_watch.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace xb {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class LogRotationTest : public testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        writeFileAtomically(directory.path() / name, text);
    }
    /// "name=content" of all files.
    std::vector<std::string> files() const {
        std::vector<std::string> list;
        for (const auto& entry : fs::directory_iterator(directory.path()))
            list.push_back(entry.path().filename().string() + "=" + readFile(entry.path()));
        return list;
    }

    test::TemporaryDirectory directory;
    const fs::path log = directory.path() / "log";
};

TEST_F(LogRotationTest, TheOldestGoesWhenANewOneComes) {
    for (const char* text : {"a", "b", "c", "d"}) {
        write("log", text);
        rotateByName(log, 2);
    }
    EXPECT_THAT(files(), UnorderedElementsAre("log.1=d", "log.2=c"));
    write("log", "e");
    rotateByName(log, 0);
    EXPECT_THAT(files(), UnorderedElementsAre("log.1=d", "log.2=c"));
}

TEST_F(LogRotationTest, WhoAppendsGoesOnInTheSameFile) {
    const UniqueFd writer(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    for (const char* text : {"one", "two", "three"}) {
        writeAll(writer.get(), text, "log");
        rotateByCopy(log, 2, 100);
    }
    writeAll(writer.get(), "four", "log");
    EXPECT_THAT(files(), UnorderedElementsAre("log=four", "log.1=three", "log.2=two"));
    EXPECT_EQ(fs::status(directory.path() / "log.1").permissions(), fs::perms(0640))
        << "as readable as the log";
    rotateByCopy(log, 0, 100);
    EXPECT_THAT(files(), UnorderedElementsAre("log=", "log.1=three", "log.2=two"));
}

TEST_F(LogRotationTest, NoMoreIsCopiedThanIsSaid) {
    write("log", "0123456789");
    rotateByCopy(log, 1, 4);
    EXPECT_THAT(files(), UnorderedElementsAre("log=", "log.1=0123"));
}

TEST_F(LogRotationTest, OnlyAPlainFileIsCut) {
    write("precious", "data");
    fs::create_symlink("precious", log);
    EXPECT_THROW(rotateByCopy(log, 1, 100), Error);
    fs::remove(log);
    fs::create_directory(log);
    EXPECT_THROW(rotateByCopy(log, 1, 100), Error);
    fs::remove(log);
    EXPECT_THROW(rotateByCopy(log, 1, 100), Error);
    EXPECT_THAT(files(), UnorderedElementsAre("precious=data"));
}

// As when the disk is full: no copy, but no log without end either.
TEST_F(LogRotationTest, WhatCannotBeCopiedIsCutAllTheSame) {
    write("log", "data");
    fs::create_directory(directory.path() / "log.1");
    write("log.1/x", "");
    try {
        rotateByCopy(log, 1, 100);
        FAIL() << "no error";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), AllOf(HasSubstr("log.1"), HasSubstr("begins anew without a copy")));
    }
    EXPECT_EQ(fs::file_size(log), 0U);
}

class LogWatchTest : public LogRotationTest {
protected:
    void open(LogLimits limits) { watch = LogWatch::open(loop.executor(), workers, log, limits); }
    void append(const std::string& text) {
        const UniqueFd writer(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        writeAll(writer.get(), text, "log");
    }
    /// Runs the loop until FILE has `text`, for 30 s at most.
    void until(const fs::path& file, const std::string& text) {
        Timer deadline(loop.executor());
        bool late = false;
        deadline.callAfter(std::chrono::seconds(30), [&] { late = true; });
        loop.context().restart();
        while (!late && readFileIfThere(file).value_or("") != text)
            loop.context().run_one();
        EXPECT_FALSE(late) << file << " is " << readFileIfThere(file).value_or("not there");
    }
    ~LogWatchTest() override {
        if (watch)
            watch->close();
        loop.context().restart();
        loop.context().poll();
    }

    Loop loop;
    Workers workers;
    std::shared_ptr<LogWatch> watch;
};

TEST_F(LogWatchTest, ALogThatIsTooLargeBeginsAnew) {
    append("abc");
    open({4, 2});
    append("def");
    until(directory.path() / "log.1", "abcdef");
    until(log, "");
    append("12345");
    until(directory.path() / "log.1", "12345");
    append("1234"); // is not above the limit
    append("6");
    until(directory.path() / "log.1", "12346");
    until(log, "");
    EXPECT_THAT(files(), UnorderedElementsAre("log=", "log.1=12346", "log.2=12345"));
}

TEST_F(LogWatchTest, ALogMayBeLargeAlreadyOrComeLater) {
    append("large already");
    open({4, 1});
    until(directory.path() / "log.1", "large already");
    until(log, "");
    fs::remove(log);
    append("made anew");
    until(directory.path() / "log.1", "made anew");
    until(log, "");
}

TEST_F(LogWatchTest, WithoutTheDirectoryThereIsAnError) {
    EXPECT_THROW(LogWatch::open(loop.executor(), workers, directory.path() / "none" / "log", {}), Error);
}

} // namespace
} // namespace xb
