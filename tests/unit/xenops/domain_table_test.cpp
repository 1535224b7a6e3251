// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/domain_table.hpp"

#include <gtest/gtest.h>

namespace xb::xenops {
namespace {

DomainRow dom0() {
    DomainRow row;
    row.info.domid = 0;
    row.info.uuid = "00000000-0000-0000-0000-000000000000";
    row.info.name = "Domain-0";
    row.info.memoryKib = 1949 * 1024;
    row.info.maxMemoryKib = 2048 * 1024;
    row.info.vcpus = 4;
    row.info.cpuTimeNs = 163'950'000'000;
    row.details.emplace();
    row.details->running = true;
    row.details->onlineVcpus = 4;
    row.details->highestVcpu = 3;
    row.details->sharedInfoFrame = 0x9ff;
    row.details->securityId = 7;
    row.details->label = "system_u:system_r:dom0_t";
    return row;
}

DomainRow crashed() {
    DomainRow row;
    row.info.domid = 12;
    row.info.uuid = "11111111-1111-1111-1111-111111111111";
    row.info.name = "a-name-that-is-longer-than-the-column";
    row.info.memoryKib = 96 * 1024;
    row.info.maxMemoryKib = 96 * 1024;
    row.info.vcpus = 1;
    row.info.shutdown = true;
    row.info.dying = true;
    row.info.paused = true;
    row.info.reason = xen::ShutdownReason::crash;
    return row;
}

TEST(XenopsDomainTable, everyday) {
    EXPECT_EQ(everydayTable({dom0(), crashed()}, false),
              "Name                                  ID Mem(MiB) VCPUs  State Time(s)\n"
              "Domain-0                               0     1949     4 r-----   163.9\n"
              "a-name-that-is-longer-than-the-column 12       96     1 --pscd     0.0\n");
    EXPECT_EQ(everydayTable({dom0()}, true),
              "Name                     ID Mem(MiB) VCPUs  State Time(s)                    Label\n"
              "Domain-0                  0     1949     4 r-----   163.9 system_u:system_r:dom0_t\n");
}

TEST(XenopsDomainTable, classic) {
    EXPECT_EQ(classicTable({dom0(), crashed()}, false),
              "id |  state |     cpu_time |                                 uuid\n"
              " 0 |     R  | 163950000000 | 00000000-0000-0000-0000-000000000000\n"
              "12 | DSP    |            0 | 11111111-1111-1111-1111-111111111111\n");
    const std::string verbose = classicTable({dom0(), crashed()}, true);
    EXPECT_NE(verbose.find(" 0 |     R  |             0 |             1949 |             2048 |        9ff | "
                           "163950000000 |            4 |           3 |       7 | 0000"),
              std::string::npos)
        << verbose;
    EXPECT_NE(verbose.find("12 | DSP    |             - |"), std::string::npos) << verbose;
}

TEST(XenopsDomainTable, json) {
    auto row = crashed();
    row.info.name = "quote\"d";
    EXPECT_EQ(domainsJson({row}), R"([
  {
    "domid": 12,
    "name": "quote\"d",
    "uuid": "11111111-1111-1111-1111-111111111111",
    "memory_kib": 98304,
    "max_memory_kib": 98304,
    "vcpus": 1,
    "cpu_time_ns": 0,
    "state": "--pscd",
    "paused": true,
    "shutdown": true,
    "dying": true,
    "shutdown_reason": "crash"
  }
]
)");
}

TEST(XenopsDomainTable, durations) {
    EXPECT_EQ(durationText(0), "0:00:00");
    EXPECT_EQ(durationText(86400 + 3661), "1 day, 1:01:01");
    EXPECT_EQ(durationText(3 * 86400), "3 days, 0:00:00");
}

} // namespace
} // namespace xb::xenops
