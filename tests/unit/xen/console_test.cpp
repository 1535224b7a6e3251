// SPDX-License-Identifier: Apache-2.0
// The log of an emulated domain's console.
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"
#include "xen/emulated/emulator/console.hpp"

#include <gtest/gtest.h>

namespace xb::xen::emulated {
namespace {

TEST(ConsoleLog, BeginsAnewWhenItIsFullAndTheNewestIsKept) {
    const xb::test::TemporaryDirectory directory;
    const auto log = directory.path() / "web.log";
    Loop loop;
    const auto console = std::make_shared<Console>(loop.executor(), log.string(), LogLimits{8, 1});
    console->start();
    const UniqueFd guest = console->takeGuestEnd();
    const auto print = [&](const std::string& text) {
        writeAll(guest.get(), text, "guest");
        bool late = false;
        Timer deadline(loop.executor());
        deadline.callAfter(std::chrono::seconds(30), [&] { late = true; });
        while (!late && !readFile(log).ends_with(text))
            loop.context().run_one();
        EXPECT_FALSE(late) << text;
    };
    print("first");
    print("second"); // beyond the limit, as a whole
    EXPECT_EQ(readFile(log), "firstsecond");
    print("third");
    EXPECT_EQ(readFile(log), "third");
    EXPECT_EQ(readFile(log.string() + ".1"), "firstsecond");
    print("fourth");
    print("fifth");
    EXPECT_EQ(readFile(log.string() + ".1"), "thirdfourth");
    console->close();
    loop.context().poll();
}

} // namespace
} // namespace xb::xen::emulated
