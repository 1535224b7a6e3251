// SPDX-License-Identifier: Apache-2.0
// Room in the directory of core dumps.
#include "toolstack/xenvm/core_files.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace xb::xenvm {
namespace {

using testing::ElementsAre;

class CoreFiles : public testing::Test {
protected:
    void make(const std::string& name, std::size_t bytes) {
        makeDirectories(cores);
        writeFileAtomically(cores / name, std::string(bytes, 'x'));
        std::filesystem::last_write_time(cores / name, std::filesystem::file_time_type::clock::now() +
                                                           std::chrono::seconds(++made_));
    }
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(cores))
            all.push_back(entry.path().filename());
        std::sort(all.begin(), all.end());
        return all;
    }

    xb::test::TemporaryDirectory directory;
    const std::filesystem::path cores = directory.path() / "cores";

private:
    int made_ = 0;
};

TEST_F(CoreFiles, theOldestMakeRoom) {
    make("c.core", 10);
    make("b.core", 10);
    make("a.core", 10);
    make("notes", 1000);
    makeRoomForCore(cores, {4, 100}, 50);
    EXPECT_THAT(names(), ElementsAre("a.core", "b.core", "c.core", "notes"));
    makeRoomForCore(cores, {3, 100}, 50);
    EXPECT_THAT(names(), ElementsAre("a.core", "b.core", "notes"));
    makeRoomForCore(cores, {9, 60}, 50);
    EXPECT_THAT(names(), ElementsAre("a.core", "notes"));
    makeRoomForCore(cores, {1, 60}, 50);
    EXPECT_THAT(names(), ElementsAre("notes"));
}

TEST_F(CoreFiles, whatNeverFitsRemovesNothing) {
    make("a.core", 10);
    EXPECT_THROW(makeRoomForCore(cores, {4, 100}, 101), Error);
    EXPECT_THROW(makeRoomForCore(cores, {0, 100}, 1), Error);
    EXPECT_THAT(names(), ElementsAre("a.core"));
}

TEST_F(CoreFiles, theDirectoryIsMadeAndNamesTellVmAndTime) {
    makeRoomForCore(cores, {1, 100}, 50);
    EXPECT_THAT(names(), ElementsAre());
    EXPECT_EQ(coreFileName("u-u", 0), "u-u-19700101T000000Z.core");
}

} // namespace
} // namespace xb::xenvm
