// SPDX-License-Identifier: Apache-2.0
// The types of methods: from introspection data, and those that the specification gives.
#include "rpc-proxy/json/signatures.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::json {
namespace {

TEST(JsonSignatures, OfAnObject) {
    const MethodSignatures signatures(R"(<node>
  <interface name="b.I"><method name="M"><arg type="s"/><arg type="a{sv}" direction="in"/>
    <arg type="u" direction="out"/></method></interface>
  <interface name="a.I"><method name="M"/><method name="N"><arg type="x"/></method>
    <method name="N"><arg type="y"/></method><signal name="S"><arg type="s"/></signal></interface>
</node>)");
    EXPECT_EQ(signatures.find("b.I", "M"), "sa{sv}");
    EXPECT_EQ(signatures.find("a.I", "M"), "");
    EXPECT_EQ(signatures.find("a.I", "N"), "x"); // the first
    EXPECT_FALSE(signatures.find("a.I", "S"));
    EXPECT_FALSE(signatures.find("a.I", "m"));
    EXPECT_FALSE(signatures.find("c.I", "M"));
    EXPECT_FALSE(signatures.find("", ""));
    EXPECT_FALSE(MethodSignatures().find("a.I", "M"));
    EXPECT_GT(signatures.bytes(), MethodSignatures().bytes());
}

TEST(JsonSignatures, WhatNobodyCanCallIsLeftOut) {
    std::string arguments;
    for (int i = 0; i < 256; ++i)
        arguments += "<arg type=\"s\"/>";
    const MethodSignatures signatures("<node><interface name=\"a.I\"><method name=\"M\">" + arguments +
                                      "</method></interface></node>");
    EXPECT_FALSE(signatures.find("a.I", "M"));
    EXPECT_THROW(MethodSignatures("no xml"), Error);
}

TEST(JsonSignatures, OfTheSpecification) {
    EXPECT_EQ(standardSignature("org.freedesktop.DBus.Properties", "Set"), "ssv");
    EXPECT_EQ(standardSignature("org.freedesktop.DBus", "Hello"), "");
    EXPECT_EQ(standardSignature("org.freedesktop.DBus", "RequestName"), "su");
    EXPECT_FALSE(standardSignature("org.freedesktop.DBus", "Get"));
    EXPECT_FALSE(standardSignature("a.b", "Get"));
}

} // namespace
} // namespace xb::proxy::json
