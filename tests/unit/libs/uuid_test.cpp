// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/uuid.hpp"

#include <gtest/gtest.h>

namespace xb {
namespace {

TEST(Uuid, RandomOnesAreValidAndDiffer) {
    const auto one = randomUuid();
    EXPECT_TRUE(isUuid(one));
    EXPECT_EQ(one[14], '4'); // version
    EXPECT_NE(one, randomUuid());
}

TEST(Uuid, OnlyTheCanonicalFormIsOne) {
    EXPECT_TRUE(isUuid("6b7c0000-AAAA-4bcd-9ef0-0123456789ab"));
    EXPECT_FALSE(isUuid("6b7c0000-AAAA-4bcd-9ef0-0123456789a"));
    EXPECT_FALSE(isUuid("6b7c0000_AAAA_4bcd_9ef0_0123456789ab"));
    EXPECT_FALSE(isUuid("6b7c0000-AAAA-4bcd-9ef0-0123456789ag"));
    EXPECT_FALSE(isUuid("../../../../../../../../../etc/passwd"));
}

TEST(Uuid, PathElementsUseUnderscores) {
    EXPECT_EQ(uuidToPathElement("6b7c0000-aaaa-4bcd"), "6b7c0000_aaaa_4bcd");
    EXPECT_EQ(uuidFromPathElement("6b7c0000_aaaa_4bcd"), "6b7c0000-aaaa-4bcd");
}

} // namespace
} // namespace xb
