// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenops {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Flag> flags{{"domid", "N", ""}, {"sync", "", ""}, {"weight", "N", "", "w"}};

std::string complaint(const std::function<void()>& body) {
    try {
        body();
    } catch (const UsageError& e) {
        return e.what();
    }
    return "";
}

TEST(XenopsArguments, flagsHaveOneDashOrTwo) {
    for (const Words& words : {Words{"-domid", "5", "-sync"}, Words{"--domid", "5", "--sync"},
                               Words{"--sync", "--domid=5"}, Words{"-domid=5", "-sync"}}) {
        const Arguments arguments = parseArguments(words, flags);
        EXPECT_EQ(arguments.number("domid", 0, 10), 5U);
        EXPECT_TRUE(arguments.has("sync"));
    }
    EXPECT_EQ(parseArguments({"-w", "7"}, flags).number("weight", 0, 10), 7U);
}

TEST(XenopsArguments, operandsMayStandAnywhere) {
    Arguments arguments = parseArguments({"one", "-domid", "5", "two", "--", "-sync"}, flags);
    EXPECT_THAT(arguments.operands, ElementsAre("one", "two", "-sync"));
    EXPECT_EQ(arguments.take("FIRST"), "one");
    EXPECT_EQ(complaint([&] { arguments.end(); }), "error: \"two\" is one argument too many");
}

TEST(XenopsArguments, unknownFlagsAreKeptApart) {
    const Arguments arguments = parseArguments({"-what", "x"}, flags);
    EXPECT_THAT(arguments.unknown, ElementsAre("-what"));
    EXPECT_THAT(arguments.operands, ElementsAre("x"));
}

TEST(XenopsArguments, wrongOnesAreNamed) {
    EXPECT_THAT(complaint([] { parseArguments({"-domid"}, flags); }),
                HasSubstr("error: \"domid\" argument is not valid: "));
    EXPECT_THAT(complaint([] { parseArguments({"-sync=1"}, flags); }), HasSubstr("takes no value"));
    const Arguments arguments = parseArguments({"-domid", "-1"}, flags);
    EXPECT_THAT(complaint([&] { arguments.number("domid", 0, 10); }),
                HasSubstr("\"-1\" is no number from 0 to 10"));
    EXPECT_THAT(complaint([&] { arguments.required("weight"); }), HasSubstr("give one with -weight"));
}

} // namespace
} // namespace xb::xenops
