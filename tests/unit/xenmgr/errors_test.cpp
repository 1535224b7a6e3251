// SPDX-License-Identifier: Apache-2.0
// The texts of xenmgr's errors, which clients take apart at the colon.
#include "xenmgr/errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

namespace xb::xenmgr {
namespace {

constexpr Code allCodes[] = {
    Code::notEnoughMemory,   Code::badState,   Code::didNotShutDown,           Code::alreadyCreated,
    Code::missingCapability, Code::failed,     Code::policyForbidsEdit,        Code::cannotRemoveRunning,
    Code::tooManyVms,        Code::noSuchDisk, Code::incorrectDiskType,        Code::suppressedByPolicy,
    Code::noSuchNic,         Code::io,         Code::networkBackendNotRunning, Code::unsupportedLanguage,
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

// Monitors say what went wrong by the name of the error, not by words that somebody may change.
TEST(Errors, FailuresOfMonitorsHaveTheirCodes) {
    const auto told = [](const char* name) {
        const Error error = operationError("start of VM \"web\"", Error(name, "the reason"));
        return error.name() + "|" + error.what();
    };
    const std::string failed = std::string(errors::failed) + "|";
    const std::string rest = " (start of VM \"web\": the reason)";
    EXPECT_EQ(told("org.xenbroker.Error.NotEnoughMemory"), failed + "101:Not enough memory!" + rest);
    EXPECT_THAT(told("org.xenbroker.Error.BadState"), testing::StartsWith(failed + "102:"));
    EXPECT_THAT(told("org.xenbroker.Error.DidNotShutDown"), testing::StartsWith(failed + "104:"));
    EXPECT_THAT(told("org.xenbroker.Error.AlreadyCreated"), testing::StartsWith(failed + "105:"));
    EXPECT_THAT(told("org.xenbroker.Error.MissingCapability"), testing::StartsWith(failed + "106:"));
    EXPECT_THAT(told("org.xenbroker.Error.NoPvDriver"), testing::StartsWith(failed + "213:"));
    EXPECT_EQ(told(errors::failed), failed + "199:The operation failed" + rest);
    EXPECT_THAT(told(errors::serviceUnknown), testing::StartsWith(failed + "199:"));
    for (const char* name : {errors::notSupported, errors::invalidArgs, errors::timeout})
        EXPECT_EQ(told(name), std::string(name) + "|start of VM \"web\": the reason");
}

TEST(Errors, ACodeIsKept) {
    EXPECT_STREQ(operationError("start", coded(Code::noSuchFile, "/x")).what(),
                 "242:Supplied file doesn't exist (/x)");
    EXPECT_STREQ(operationError("start", Error("24:x")).what(), "199:The operation failed (start: 24:x)");
}

TEST(Errors, NotSupportedNamesTheThing) {
    const Error error = notSupported("thing.method");
    EXPECT_EQ(error.name(), errors::notSupported);
    EXPECT_NE(std::string(error.what()).find("thing.method"), std::string::npos);
}

} // namespace
} // namespace xb::xenmgr
