// SPDX-License-Identifier: Apache-2.0
// The table of VM properties against the interfaces that it serves.
#include "xenmgr/vm_properties.hpp"

#include "idl/xenmgr_vm_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace xb::xenmgr {
namespace {

const InterfaceInfo& vmInfo() {
    return idl::xenmgr_vm::XenmgrVmServer::staticInfo();
}
const InterfaceInfo& unrestrictedInfo() {
    return idl::xenmgr_vm::XenmgrVmUnrestrictedServer::staticInfo();
}

const char* signatureOfType(VmProperty::Type type) {
    switch (type) {
    case VmProperty::Type::boolean:
        return "b";
    case VmProperty::Type::integer:
        return "i";
    case VmProperty::Type::text:
        return "s";
    case VmProperty::Type::paths:
        return "ao";
    }
    return "?";
}

void expectRows(const InterfaceInfo& info) {
    ASSERT_FALSE(info.properties.empty());
    for (const auto& property : info.properties) {
        const VmProperty* row = findVmProperty(property.name);
        ASSERT_NE(row, nullptr) << property.name;
        EXPECT_EQ(row->name, property.name);
        EXPECT_EQ(signatureOfType(row->type), property.signature) << property.name;
        // What can be set is stored somewhere: in a node, or by a function.
        if (property.writable) {
            EXPECT_TRUE(!row->path.empty() || row->write) << property.name;
        }
        EXPECT_TRUE(!row->path.empty() || row->read || row->readLater) << property.name;
    }
}

TEST(VmProperties, EveryPropertyOfTheInterfacesHasARowOfItsType) {
    expectRows(vmInfo());
    expectRows(unrestrictedInfo());
}

TEST(VmProperties, TheTableIsSortedAndHasNoRowTwice) {
    const auto table = vmProperties();
    for (std::size_t i = 1; i < table.size(); ++i)
        EXPECT_LT(table[i - 1].name, table[i].name);
}

TEST(VmProperties, EveryRowIsAPropertyOfAnInterface) {
    for (const auto& row : vmProperties())
        EXPECT_TRUE(vmInfo().findProperty(row.name) || unrestrictedInfo().findProperty(row.name)) << row.name;
}

TEST(VmProperties, DefaultsAreOfTheirType) {
    for (const auto& row : vmProperties()) {
        if (row.path.empty())
            continue;
        if (row.type == VmProperty::Type::boolean) {
            EXPECT_TRUE(row.fallback == "true" || row.fallback == "false") << row.name;
        }
        if (row.type == VmProperty::Type::integer) {
            EXPECT_FALSE(row.fallback.empty()) << row.name;
            EXPECT_EQ(row.fallback.find_first_not_of("-0123456789"), std::string_view::npos) << row.name;
        }
        EXPECT_FALSE(row.path.starts_with('/') || row.path.ends_with('/')) << row.name;
    }
}

TEST(VmProperties, UnknownNamesHaveNoRow) {
    for (const char* name : {"", "nam", "name2", "Name", "zzz"})
        EXPECT_EQ(findVmProperty(name), nullptr) << name;
}

TEST(VmProperties, KnownDefaults) {
    EXPECT_EQ(findVmProperty("usb-enabled")->fallback, "true");
    EXPECT_EQ(findVmProperty("hpet")->fallback, "true");
    EXPECT_EQ(findVmProperty("start-on-boot")->path, "start_on_boot");
    EXPECT_EQ(findVmProperty("virt-type")->path, "config/virt-type");
}

} // namespace
} // namespace xb::xenmgr
