// SPDX-License-Identifier: Apache-2.0
// Which changes in the database are of interest; the rest is tested in tests/integration/rpc-proxy.
#include "rpc-proxy/vm_rules.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

TEST(VmRules, AreTouchedByChangesAboveAndBelow) {
    constexpr auto root = "/vm/u/rpc-firewall-rules";
    for (const char* const path :
         {"/", "/vm", "/vm/u", "/vm/u/", root, "/vm/u/rpc-firewall-rules/", "/vm/u/rpc-firewall-rules/0"})
        EXPECT_TRUE(touches(path, root)) << path;
    for (const char* const path :
         {"/v", "/vmx", "/vm/v", "/vm/u/name", "/vm/u/rpc-firewall-rule", "/vm/u/rpc-firewall-rules2"})
        EXPECT_FALSE(touches(path, root)) << path;
}

} // namespace
} // namespace xb::proxy
