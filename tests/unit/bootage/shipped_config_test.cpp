// SPDX-License-Identifier: Apache-2.0
// The configuration that is shipped can be read, and says what the platform relies on.
#include "bootage/config.hpp"
#include "bootage/graph.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>

namespace xb::bootage {
namespace {

TEST(ShippedConfig, StartsThePlatformInOrder) {
    const Variables variables{{"LIBEXEC", "/x"},       {"RUN", "/r"},           {"ROOT", "/root"},
                              {"BUS", "unix:"},        {"BUS_CONFIG", "/b"},    {"BUS_SOCKET", "/r/bus"},
                              {"GUEST_DOMAIN", "1"},   {"SERVICE_DOMAIN", "2"}, {"BROWSER_DOMAIN", "3"},
                              {"BROWSER_PORT", "8080"}};
    const Config config = parseConfig(readFile(BOOTAGE_SHIPPED_CONFIG), BOOTAGE_SHIPPED_CONFIG, variables);
    const DependencyGraph graph(config);
    std::vector<std::string> names;
    for (std::size_t each : graph.startOrder()) {
        names.push_back(config.services[each].name);
        EXPECT_NE(config.services[each].readiness, Readiness::started) << "started is not ready";
    }
    EXPECT_THAT(names, testing::ElementsAre("dbus", "emulator", "dbd", "xenmgr", "proxy-services",
                                            "proxy-guests", "proxy-browsers"));
}

} // namespace
} // namespace xb::bootage
