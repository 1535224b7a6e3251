// SPDX-License-Identifier: Apache-2.0
// How introspection data is shown.
#include "toolstack/xec/introspection_printer.hpp"

#include <gtest/gtest.h>

namespace xb::xec {
namespace {

constexpr std::string_view thing = R"(<node>
  <interface name="a.First">
    <method name="add_disk"><arg name="path" type="o" direction="out"/></method>
    <method name="mix">
      <arg name="number" type="i"/><arg type="a{sv}" direction="in"/><arg name="out" type="s" direction="out"/>
    </method>
    <property name="crypto-user" type="s" access="readwrite"/>
  </interface>
  <interface name="a.Second"><property name="domid" type="i" access="read"/></interface>
</node>)";

TEST(IntrospectionPrinter, IsPrintedAsAlways) {
    EXPECT_EQ(printIntrospection(parseIntrospection(thing)),
              "/------- a.First\n"
              "|     -  crypto-user                  readwrite:s\n"
              "|     +  add_disk                     ( OUT path:o )\n"
              "|     +  mix                          ( number:i, :a{sv}, OUT out:s )\n"
              "\n"
              "/------- a.Second\n"
              "|     -  domid                        read:i\n"
              "\n");
}

} // namespace
} // namespace xb::xec
