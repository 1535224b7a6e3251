// SPDX-License-Identifier: Apache-2.0
// The state of an emulated guest as text.
#include "xen/emulated/guest_state.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace xb::xen::emulated {
namespace {

GuestState example() {
    GuestState state;
    state.type = "pv";
    state.boot = "0123abcd";
    state.uptimeMs = 12345;
    state.suspends = 2;
    state.acpiState = 3;
    state.commandLine = "console=hvc0 xbtest=crash=5";
    state.stopIn = {4000, 3};
    state.variables = {{"empty", ""}, {"greeting", "hello  world"}};
    return state;
}

TEST(GuestState, IsReadAsItWasWritten) {
    EXPECT_EQ(parseGuestState(toText(example())), example());
    GuestState least;
    least.type = "hvm";
    least.boot = "x";
    EXPECT_EQ(parseGuestState(toText(least)), least);
}

TEST(GuestState, ATruncatedOneIsRefused) {
    const auto text = toText(example());
    for (std::size_t size = 0; size < text.size(); ++size) {
        if (size > 0 && text[size - 1] == '\n' && size >= text.find("boot") + 14)
            continue; // whole lines: the checksum around it tells
        EXPECT_THROW(parseGuestState(text.substr(0, size)), std::runtime_error) << size;
    }
}

TEST(GuestState, NonsenseIsRefused) {
    const std::string good = "type pv\nboot x\n";
    for (const std::string line :
         {"nonsense 1", "uptime-ms -1", "uptime-ms 1x", "uptime-ms 99999999999999999999", "acpi 6",
          "stop-in-ms 1 9", "variable a/b c", "variable  c", "type xen", "boot a b", "command-line \x01"})
        EXPECT_THROW(parseGuestState(good + line + "\n"), std::runtime_error) << line;
    std::string many = good;
    for (std::size_t i = 0; i <= maxGuestVariables; ++i)
        many += "variable v" + std::to_string(i) + " x\n";
    EXPECT_THROW(parseGuestState(many), std::runtime_error);
    EXPECT_THROW(parseGuestState(good + "variable v " + std::string(maxVariableValue + 1, 'x') + "\n"),
                 std::runtime_error);
    EXPECT_THROW(parseGuestState(std::string(maxGuestState + 1, '\n')), std::runtime_error);
}

} // namespace
} // namespace xb::xen::emulated
