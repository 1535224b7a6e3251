// SPDX-License-Identifier: Apache-2.0
// Which replies answer a call.
#include "rpc-proxy/relay/pending_calls.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

TEST(PendingCalls, AreAnsweredOnce) {
    PendingCalls calls(10);
    calls.add(5, ":1.2");
    EXPECT_TRUE(calls.has(5));
    EXPECT_FALSE(calls.takeAnsweredBy(6, ":1.2"));
    EXPECT_TRUE(calls.takeAnsweredBy(5, ":1.2"));
    EXPECT_FALSE(calls.takeAnsweredBy(5, ":1.2"));
    EXPECT_EQ(calls.size(), 0U);
}

TEST(PendingCalls, AreAnsweredByWhoWasCalled) {
    PendingCalls calls(10);
    calls.add(1, ":1.2");
    EXPECT_FALSE(calls.takeAnsweredBy(1, ":1.3"));
    EXPECT_TRUE(calls.takeAnsweredBy(1, ":1.2"));
    calls.add(2, driverName);
    EXPECT_FALSE(calls.takeAnsweredBy(2, ":1.3"));
    EXPECT_TRUE(calls.takeAnsweredBy(2, driverName));
    calls.add(3, "com.example.Name"); // whose owner only the bus knows
    EXPECT_TRUE(calls.takeAnsweredBy(3, ":1.3"));
    calls.add(4, ":1.9");
    EXPECT_TRUE(calls.takeAnsweredBy(4, driverName)) << "the bus says that there is nobody";
}

TEST(PendingCalls, OfSeveralCallersMayHaveTheSameSerial) {
    PendingCalls calls(10);
    calls.add(1, ":1.2");
    calls.add(1, ":1.3");
    EXPECT_TRUE(calls.has(1, ":1.2"));
    EXPECT_FALSE(calls.has(1, ":1.4"));
    EXPECT_FALSE(calls.takeOf(1, ":1.4"));
    EXPECT_FALSE(calls.takeOf(2, ":1.3"));
    EXPECT_TRUE(calls.takeOf(1, ":1.3"));
    EXPECT_FALSE(calls.takeOf(1, ":1.3"));
    EXPECT_TRUE(calls.takeOf(1, ":1.2"));
}

TEST(PendingCalls, HaveALimit) {
    PendingCalls calls(2);
    calls.add(1, ":1.2");
    EXPECT_FALSE(calls.full());
    calls.add(2, ":1.2");
    EXPECT_TRUE(calls.full());
    EXPECT_TRUE(calls.takeAnsweredBy(1, ":1.2"));
    EXPECT_FALSE(calls.full());
}

} // namespace
} // namespace xb::proxy
