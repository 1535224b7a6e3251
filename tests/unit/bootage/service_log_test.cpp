// SPDX-License-Identifier: Apache-2.0
// The last lines of logs, and texts made printable.
#include "bootage/service_log.hpp"

#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LastLines : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "bootage-log-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string file() const { return (directory_ / "log").string(); }

    std::filesystem::path directory_;
};

TEST_F(LastLines, OnlyWhatThisLifeSaid) {
    writeFileAtomically(file(), "old\nnew\nlast");
    EXPECT_THAT(lastLines(file(), 4), ElementsAre("new", "last"));
    EXPECT_THAT(lastLines(file(), 12), IsEmpty());
    EXPECT_THAT(lastLines(file(), 100), IsEmpty());
}

TEST_F(LastLines, AtMostSoMany) {
    std::string text;
    for (int i = 0; i < 30; ++i)
        text += std::to_string(i) + "\n";
    writeFileAtomically(file(), text);
    const auto lines = lastLines(file(), 0);
    EXPECT_EQ(lines.size(), maxTailLines);
    EXPECT_EQ(lines.back(), "29");
}

TEST_F(LastLines, AHugeLineIsCutAndAHalfOneLeftOut) {
    writeFileAtomically(file(), std::string(2 * maxTailBytes, 'x'));
    EXPECT_THAT(lastLines(file(), 0), IsEmpty());
    writeFileAtomically(file(), std::string(2 * maxTailBytes, 'x') + "\nend\n");
    EXPECT_THAT(lastLines(file(), 0), ElementsAre("end"));
}

TEST_F(LastLines, NothingFromWhatIsNoFile) {
    EXPECT_THAT(lastLines((directory_ / "none").string(), 0), IsEmpty());
    EXPECT_THAT(lastLines(directory_.string(), 0), IsEmpty());
    EXPECT_THAT(lastLines("/dev/null", 0), IsEmpty());
}

TEST(Printable, HasNoControlCharacters) {
    EXPECT_EQ(printable("a\x1b[2J\r\n\tb\x7f"), "a?[2J???b?");
    EXPECT_EQ(printable("abc", 2), "ab");
}

} // namespace
} // namespace xb::bootage
