// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/mac_address.hpp"

#include <gtest/gtest.h>

namespace xb {
namespace {

TEST(MacAddress, FollowsTheClassicRecipe) {
    // MD5 of "0 6b7c0000-aaaa-4bcd-9ef0-0123456789ab" is ebc63d11d8b0fa8892740aaedd729f59 (md5sum): worked
    // out by hand from there.
    EXPECT_EQ(deriveMacAddress("0 6b7c0000-aaaa-4bcd-9ef0-0123456789ab"), "ee:c8:ba:14:17:39");
    EXPECT_NE(deriveMacAddress("1 6b7c0000-aaaa-4bcd-9ef0-0123456789ab"), "ee:c8:ba:14:17:39");
}

TEST(MacAddress, IsRecognised) {
    EXPECT_TRUE(isMacAddress("00:16:3E:aa:bb:cc"));
    EXPECT_FALSE(isMacAddress("00-16-3e-aa-bb-cc"));
    EXPECT_FALSE(isMacAddress("00:16:3e:aa:bb"));
    EXPECT_FALSE(isMacAddress("00:16:3e:aa:bb:cg"));
    EXPECT_FALSE(isMacAddress(""));
}

} // namespace
} // namespace xb
