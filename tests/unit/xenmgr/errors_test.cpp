// SPDX-License-Identifier: Apache-2.0
// The texts of xenmgr's errors, which clients take apart at the colon.
#include "xenmgr/errors.hpp"

#include <gtest/gtest.h>

#include <cctype>

namespace xb::xenmgr {
namespace {

constexpr Code allCodes[] = {
    Code::notEnoughMemory, Code::internal,   Code::policyForbidsEdit,        Code::cannotRemoveRunning,
    Code::tooManyVms,      Code::noSuchDisk, Code::incorrectDiskType,        Code::suppressedByPolicy,
    Code::noSuchNic,       Code::io,         Code::networkBackendNotRunning, Code::unsupportedLanguage,
    Code::noSuchFile};

TEST(Errors, EveryCodeHasItsNumberAndAText) {
    for (const Code code : allCodes) {
        const Error error = coded(code);
        const std::string text = error.what();
        EXPECT_EQ(error.name(), errors::failed);
        EXPECT_TRUE(text.starts_with(std::to_string(static_cast<int>(code)) + ":")) << text;
        EXPECT_EQ(text.find("Unknown"), std::string::npos) << text;
        EXPECT_GT(text.size(), 5U);
    }
}

TEST(Errors, ClassicTexts) {
    EXPECT_STREQ(coded(Code::policyForbidsEdit).what(),
                 "202:Editing of properties is disabled by this VM's active policy");
    EXPECT_STREQ(coded(Code::cannotRemoveRunning).what(), "204:Cannot remove running VM");
    EXPECT_STREQ(coded(Code::tooManyVms).what(), "205:Too many VMS");
    EXPECT_STREQ(coded(Code::noSuchDisk).what(), "206:No such disk");
    EXPECT_STREQ(coded(Code::suppressedByPolicy).what(), "220:Action suppressed by active policy settings");
    EXPECT_STREQ(coded(Code::unsupportedLanguage).what(), "236:Unsupported language");
}

TEST(Errors, DetailFollows) {
    EXPECT_STREQ(coded(Code::noSuchNic, "nic 7").what(), "222:No such NIC (nic 7)");
    EXPECT_STREQ(coded(Code::io, "disk full").what(), "223:IO error: disk full");
}

TEST(Errors, NotSupportedNamesTheThing) {
    const Error error = notSupported("thing.method");
    EXPECT_EQ(error.name(), errors::notSupported);
    EXPECT_NE(std::string(error.what()).find("thing.method"), std::string::npos);
}

} // namespace
} // namespace xb::xenmgr
