// SPDX-License-Identifier: Apache-2.0
// Which names D-Bus allows, and what they become in C++.
#include "rpcgen/names.hpp"

#include <gtest/gtest.h>

namespace xb::rpcgen {
namespace {

TEST(Names, InterfaceNamesHaveTwoElementsAndNoStrangers) {
    EXPECT_TRUE(isInterfaceName("a.b"));
    EXPECT_TRUE(isInterfaceName("com.citrix.xenclient.xenmgr_2._x"));
    for (const char* bad : {"", "a", ".", "a.", ".a", "a..b", "a.2b", "a.b-c", "a.b c", "a.\xc3\xa4"})
        EXPECT_FALSE(isInterfaceName(bad)) << bad;
    EXPECT_TRUE(isInterfaceName("a." + std::string(253, 'b')));
    EXPECT_FALSE(isInterfaceName("a." + std::string(254, 'b')));
}

TEST(Names, MembersHaveNoDashes) {
    EXPECT_TRUE(isMemberName("create_vm2"));
    for (const char* bad : {"", "2vm", "a-b", "a.b", "a b", "a;b", "a\n"})
        EXPECT_FALSE(isMemberName(bad)) << bad;
    EXPECT_TRUE(isLooseName("acpi-state.x_y"));
    for (const char* bad : {"", "-a", ".a", "a\"b", "a/b"})
        EXPECT_FALSE(isLooseName(bad)) << bad;
}

TEST(Names, FileNamesStayInTheirFolder) {
    EXPECT_TRUE(isFileName("org.xenbroker-1.db_x"));
    for (const char* bad : {"", ".", "..", ".x", "a/b", "../a", "-n", "a b", "a\\b"})
        EXPECT_FALSE(isFileName(bad)) << bad;
    EXPECT_FALSE(isFileName(std::string(200, 'a')));
}

TEST(Names, LowerCamel) {
    EXPECT_EQ(lowerCamel("create_vm_with_template"), "createVmWithTemplate");
    EXPECT_EQ(lowerCamel("acpi-state"), "acpiState");
    EXPECT_EQ(lowerCamel("a.b__c-"), "aBC");
    EXPECT_EQ(lowerCamel("GetMachineId"), "getMachineId");
    EXPECT_EQ(lowerCamel("GetConnectionSELinuxContext"), "getConnectionSELinuxContext");
    EXPECT_EQ(lowerCamel("DBus"), "dBus");
    EXPECT_EQ(lowerCamel("UUIDList"), "uuidList");
    EXPECT_EQ(lowerCamel("UUID"), "uuid");
    EXPECT_EQ(lowerCamel("VM_STATE"), "vmState");
    EXPECT_EQ(lowerCamel("S3_MODE"), "s3Mode");
    EXPECT_EQ(lowerCamel("get_VM"), "getVM");
    EXPECT_EQ(lowerCamel("_Foo"), "foo");
    EXPECT_EQ(lowerCamel("___"), "unnamed");
    EXPECT_EQ(lowerCamel("2d"), "_2d");
}

TEST(Names, ClassNamesLoseTheCommonPrefixes) {
    EXPECT_EQ(className("com.citrix.xenclient.xenmgr.vm"), "XenmgrVm");
    EXPECT_EQ(className("com.citrix.xenclient.rpc_proxy"), "RpcProxy");
    EXPECT_EQ(className("org.freedesktop.DBus"), "DBus");
    EXPECT_EQ(className("org.freedesktop.DBus.Introspectable"), "DBusIntrospectable");
    EXPECT_EQ(className("org.xenbroker.db"), "Db");
    EXPECT_EQ(className("xenvm.signal.notify"), "XenvmSignalNotify");
    EXPECT_EQ(className("com.citrix.xenclient._3d"), "_3d");
}

TEST(Names, Namespaces) {
    EXPECT_EQ(namespaceName("xenmgr_vm"), "xenmgr_vm");
    EXPECT_EQ(namespaceName("org.xenbroker.db"), "org_xenbroker_db");
    EXPECT_EQ(namespaceName("a-.-b__c."), "a_b_c");
    EXPECT_EQ(namespaceName("std"), "std_");
    EXPECT_EQ(namespaceName("xb"), "xb_");
    EXPECT_EQ(namespaceName("default"), "default_");
    EXPECT_EQ(namespaceName("2"), "_2");
}

TEST(Names, ReservedWords) {
    for (const char* word : {"delete", "switch", "auto", "xor", "and_eq", "co_await", "errno", "requires"})
        EXPECT_TRUE(isReservedWord(word)) << word;
    for (const char* word : {"auth", "Delete", "final", "override", "import"})
        EXPECT_FALSE(isReservedWord(word)) << word;
}

TEST(Names, ScopesKeepNamesApart) {
    NameScope scope{"path"};
    EXPECT_EQ(scope.add("sleep"), "sleep");
    EXPECT_EQ(scope.add("sleep"), "sleep2");
    EXPECT_EQ(scope.add("sleep"), "sleep3");
    EXPECT_EQ(scope.add("sleep2"), "sleep22");
    EXPECT_EQ(scope.add("path"), "path_");
    EXPECT_EQ(scope.add("path"), "path2");
    EXPECT_EQ(scope.add("delete"), "delete_");
}

} // namespace
} // namespace xb::rpcgen
