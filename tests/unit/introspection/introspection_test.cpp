// SPDX-License-Identifier: Apache-2.0
// Introspection data: what is read from it, and that hostile data only makes errors.
#include "toolstack/introspection/introspection.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

namespace xb::introspection {
namespace {

constexpr std::string_view thing =
    R"(<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node name="/thing">
  <interface name="a.First">
    <method name="add_disk"><arg name="path" type="o" direction="out"/></method>
    <method name="mix">
      <annotation name="org.xenbroker.Timeout" value="900"/>
      <arg name="number" type="i"/><arg type="a{sv}" direction="in"/><arg name="out" type="s" direction="out"/>
    </method>
    <property name="crypto-user" type="s" access="readwrite"/>
    <signal name="changed"><arg type="s"/></signal>
  </interface>
  <interface name="a.Second"><property name="domid" type="i" access="read"/></interface>
  <node name="child"/>
</node>)";

TEST(Introspection, KeepsOrderAndTypes) {
    const Interfaces interfaces = parseIntrospection(thing);
    ASSERT_EQ(interfaces.size(), 2U);
    EXPECT_EQ(interfaces[0].name, "a.First");
    const Method* mix = interfaces[0].findMethod("mix");
    ASSERT_TRUE(mix);
    ASSERT_EQ(mix->inputs().size(), 2U);
    EXPECT_EQ(mix->inputs()[1].text(), "a{sv}");
    EXPECT_EQ(mix->timeout, std::chrono::seconds(900));
    EXPECT_FALSE(interfaces[0].findMethod("add-disk"));
    EXPECT_FALSE(interfaces[0].findMethod("add_disk")->timeout);
    ASSERT_TRUE(interfaces[1].findProperty("domid"));
    EXPECT_EQ(interfaces[1].findProperty("domid")->access, "read");
}

void refuse(const std::string& xml) {
    EXPECT_THROW(parseIntrospection(xml), Error) << xml.substr(0, 200);
}

std::string inInterface(const std::string& members) {
    return "<node><interface name=\"a.b\">" + members + "</interface></node>";
}

TEST(Introspection, RefusesWhatItCannotUse) {
    refuse("");
    refuse("no xml");
    refuse("<node><interface name=\"a.b\">");
    refuse("<other/>");
    refuse("<node><interface/></node>");
    refuse(inInterface("<method/>"));
    refuse(inInterface("<method name=\"a b\"/>"));
    refuse(inInterface("<method name=\"a&#27;[31m\"/>"));
    refuse(inInterface("<method name=\"" + std::string(256, 'x') + "\"/>"));
    refuse(inInterface("<method name=\"m\"><arg type=\"a\"/></method>"));
    refuse(inInterface("<method name=\"m\"><arg type=\"ss\"/></method>"));
    refuse(inInterface("<method name=\"m\"><arg/></method>"));
    refuse(inInterface("<property name=\"p\" type=\"s\"/>"));
    refuse(inInterface("<property name=\"p\" type=\"\" access=\"read\"/>"));
}

TEST(Introspection, EvaluatesNoEntities) {
    const std::string bomb = "<!DOCTYPE node [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
                             "<node><interface name=\"x.&b;\"/></node>";
    EXPECT_EQ(parseIntrospection(bomb).at(0).name, "x.&b;");
}

TEST(Introspection, BoundsSizeDepthAndMembers) {
    refuse(std::string(introspectionSizeLimit + 1, ' '));
    std::string deep;
    for (int i = 0; i < 100000; ++i)
        deep += "<node>";
    refuse(deep);
    for (int i = 0; i < 100000; ++i)
        deep += "</node>";
    EXPECT_TRUE(parseIntrospection(deep).empty());
    std::string many;
    for (std::size_t i = 0; i <= introspectionMemberLimit; ++i)
        many += "<method name=\"m\"/>";
    refuse(inInterface(many));
}

TEST(Introspection, TakesNoNonsenseForATimeOut) {
    for (const std::string value : {"-5", "0", "soon", "5s", ""}) {
        const auto interfaces = parseIntrospection(
            inInterface("<method name=\"m\"><annotation name=\"org.xenbroker.Timeout\" value=\"" + value +
                        "\"/></method>"));
        EXPECT_FALSE(interfaces.at(0).methods.at(0).timeout) << value;
    }
}

} // namespace
} // namespace xb::introspection
