// SPDX-License-Identifier: Apache-2.0
// Exit statuses and help texts.
#include "toolstack/xec/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace xb::xec {
namespace {

TEST(Program, ErrorNamesHaveExitStatuses) {
    EXPECT_EQ(exitStatusFor(errors::failed), 2);
    EXPECT_EQ(exitStatusFor(errors::accessDenied), 2);
    EXPECT_EQ(exitStatusFor(errors::unknownObject), 2);
    EXPECT_EQ(exitStatusFor(errors::serviceUnknown), 3);
    EXPECT_EQ(exitStatusFor(errors::nameHasNoOwner), 3);
    EXPECT_EQ(exitStatusFor(errors::disconnected), 3);
    EXPECT_EQ(exitStatusFor(errors::noReply), 3);
    EXPECT_EQ(exitStatusFor("org.freedesktop.DBus.Error.Spawn.ChildExited"), 3);
    EXPECT_EQ(exitStatusFor(errors::timeout), 4);
    EXPECT_EQ(exitStatusFor("org.freedesktop.DBus.Error.TimedOut"), 4);
}

void expectToFit(std::string_view help) {
    std::istringstream lines{std::string(help)};
    std::string line;
    int count = 0;
    for (; std::getline(lines, line); ++count)
        EXPECT_LE(line.size(), 80U) << line;
    EXPECT_LE(count, 23); // one line is the shell's next prompt
}

TEST(Program, HelpFitsAScreen) {
    expectToFit(xecHelp);
    expectToFit(xecVmHelp);
}

} // namespace
} // namespace xb::xec
