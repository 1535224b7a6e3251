// SPDX-License-Identifier: Apache-2.0
// The table of VMs: layout, order, and names that are out to harm.
#include "toolstack/xec/vms.hpp"

#include <gtest/gtest.h>

namespace xb::xec {
namespace {

Vm vm(std::int64_t domid, const std::string& name, const std::string& state) {
    Vm result;
    result.path = "/vm/" + std::to_string(domid < 0 ? 99 : domid);
    result.properties.emplace("domid", Value{"i", domid});
    result.properties.emplace("name", Value{"s", name});
    result.properties.emplace("uuid", Value{"s", std::string("00000000-0000-0000-0000-000000000001")});
    result.properties.emplace("state", Value{"s", state});
    return result;
}

TEST(Table, IsSortedWithStoppedOnesLast) {
    const std::string uuid = "00000000-0000-0000-0000-000000000001";
    EXPECT_EQ(printTable({vm(-1, "stopped-b", "stopped"), vm(12, "twelve", "running"),
                          vm(3, "three", "paused"), vm(-1, "stopped-a", "stopped")}),
              " ID | Name               | UUID                                 | State     \n" +
                  std::string(76, '-') + "\n" + "  3 | three              | " + uuid + " | paused    \n" +
                  " 12 | twelve             | " + uuid + " | running   \n" + "    | stopped-b          | " +
                  uuid + " | stopped   \n" + "    | stopped-a          | " + uuid + " | stopped   \n");
}

TEST(Table, ShowsWhatThereIs) {
    Vm broken;
    broken.path = "/vm/x";
    EXPECT_EQ(printTable({broken}).substr(154),
              "    |                    |                                      |           \n");
    EXPECT_EQ(printTable({}).size(), 154U);
}

TEST(Table, KeepsLongNamesAndCountsCharacters) {
    const std::string text =
        printTable({vm(1, "a-name-longer-than-the-column", "running"), vm(2, "\xc3\xa4", "running")});
    EXPECT_NE(text.find("  1 | a-name-longer-than-the-column | "), std::string::npos) << text;
    EXPECT_NE(text.find("  2 | \xc3\xa4" + std::string(17, ' ') + " | "), std::string::npos) << text;
}

TEST(Table, LetsNoControlCharactersThrough) {
    const std::string text = printTable({vm(1, "\033[2Jevil\n", "running")});
    EXPECT_EQ(text.find('\033'), std::string::npos);
    EXPECT_NE(text.find("?[2Jevil? "), std::string::npos) << text;
}

TEST(Table, HasAJsonForm) {
    EXPECT_EQ(
        printTableJson({vm(-1, "b", "stopped"), vm(4, "a", "running")}, JsonStyle::compact),
        R"([{"domid":4,"name":"a","uuid":"00000000-0000-0000-0000-000000000001","state":"running","path":"/vm/4"},)"
        R"({"domid":null,"name":"b","uuid":"00000000-0000-0000-0000-000000000001","state":"stopped","path":"/vm/99"}])"
        "\n");
}

} // namespace
} // namespace xb::xec
