// SPDX-License-Identifier: Apache-2.0
// What is kept of introspection data, and for how long.
#include "rpc-proxy/json/signature_cache.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::json {
namespace {

MethodSignatures withMethod(const std::string& name) {
    return MethodSignatures("<node><interface name=\"a.I\"><method name=\"" + name +
                            "\"/></interface></node>");
}

TEST(JsonSignatureCache, KeepsEachObjectUntilItsOwnerChanges) {
    SignatureCache cache;
    EXPECT_FALSE(cache.find("a.b", "/"));
    cache.add("a.b", "/", withMethod("M"));
    cache.add("a.b", "/x", withMethod("X"));
    cache.add("a.bc", "/", withMethod("C"));
    cache.add("a.", "/", withMethod("D"));
    ASSERT_TRUE(cache.find("a.b", "/"));
    EXPECT_TRUE(cache.find("a.b", "/")->find("a.I", "M"));
    EXPECT_TRUE(cache.find("a.b", "/x")->find("a.I", "X"));
    const auto used = cache.find("a.b", "/x");
    cache.drop("a.b");
    EXPECT_FALSE(cache.find("a.b", "/"));
    EXPECT_FALSE(cache.find("a.b", "/x"));
    EXPECT_TRUE(cache.find("a.bc", "/"));
    EXPECT_TRUE(cache.find("a.", "/"));
    EXPECT_TRUE(used->find("a.I", "X")); // of whoever was using it
    cache.drop("a.b");
    cache.drop("a.bc");
    cache.drop("a.");
    EXPECT_EQ(cache.objects(), 0U);
    EXPECT_EQ(cache.bytes(), 0U);
}

TEST(JsonSignatureCache, TheNewestCounts) {
    SignatureCache cache;
    cache.add("a.b", "/", withMethod("M"));
    cache.add("a.b", "/", withMethod("N"));
    EXPECT_EQ(cache.objects(), 1U);
    EXPECT_FALSE(cache.find("a.b", "/")->find("a.I", "M"));
    EXPECT_TRUE(cache.find("a.b", "/")->find("a.I", "N"));
}

TEST(JsonSignatureCache, TheOneNotUsedForLongestMakesRoom) {
    SignatureCache cache(2);
    cache.add("a.b", "/1", {});
    cache.add("a.b", "/2", {});
    EXPECT_TRUE(cache.find("a.b", "/1"));
    cache.add("a.b", "/3", {});
    EXPECT_TRUE(cache.find("a.b", "/1"));
    EXPECT_FALSE(cache.find("a.b", "/2"));
    EXPECT_TRUE(cache.find("a.b", "/3"));
}

TEST(JsonSignatureCache, BoundedInMemory) {
    SignatureCache cache(1000, 4096);
    for (int i = 0; i < 1000; ++i)
        cache.add("a.b", "/" + std::to_string(i), withMethod("Method"));
    EXPECT_LE(cache.bytes(), 4096U);
    EXPECT_GT(cache.objects(), 1U);
    // One that is too large alone is used once.
    EXPECT_TRUE(
        cache.add("a.b", "/large", withMethod(std::string(200, 'x')))->find("a.I", std::string(200, 'x')));
    SignatureCache tiny(1000, 1);
    EXPECT_TRUE(tiny.add("a.b", "/", withMethod("M"))->find("a.I", "M"));
    EXPECT_EQ(tiny.objects(), 0U);
    EXPECT_EQ(tiny.bytes(), 0U);
}

} // namespace
} // namespace xb::proxy::json
