// SPDX-License-Identifier: Apache-2.0
// The tables of settings against the interfaces that they serve, and the functions behind the odd ones.
#include "xenmgr/config_settings.hpp"

#include "idl/xenmgr_server.hpp"
#include "xenmgr/config_functions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

namespace xb::xenmgr {
namespace {

using testing::ElementsAre;

const InterfaceInfo& configInfo() {
    return idl::xenmgr::XenmgrConfigServer::staticInfo();
}
const InterfaceInfo& uiInfo() {
    return idl::xenmgr::XenmgrConfigUiServer::staticInfo();
}

const ConfigSetting& row(std::string_view name) {
    for (const auto table : {configSettings(), configUiSettings()})
        for (const auto& each : table)
            if (each.name == name)
                return each;
    throw std::out_of_range(std::string(name));
}

void expectTable(const InterfaceInfo& info, std::span<const ConfigSetting> table) {
    const auto rows = settingRows(info, table); // throws for a property without a row and the reverse
    ASSERT_EQ(rows.size(), info.properties.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& property = info.properties[i];
        EXPECT_EQ(rows[i]->name, property.name);
        EXPECT_EQ(signatureOfType(rows[i]->type), property.signature) << property.name;
        EXPECT_TRUE(rows[i]->read || !rows[i]->path.empty()) << property.name;
        if (property.writable) {
            EXPECT_TRUE(rows[i]->write || (!rows[i]->path.empty() && !rows[i]->read)) << property.name;
        }
        if (!rows[i]->read && rows[i]->type == ConfigSetting::Type::boolean) {
            EXPECT_TRUE(rows[i]->fallback == "true" || rows[i]->fallback == "false") << property.name;
        }
    }
    EXPECT_TRUE(std::ranges::is_sorted(table, {}, &ConfigSetting::name));
}

TEST(ConfigTables, HaveARowOfTheRightTypeForEveryProperty) {
    expectTable(configInfo(), configSettings());
    expectTable(uiInfo(), configUiSettings());
}

TEST(ConfigTables, AMissingAndASuperfluousRowAreProgrammingErrors) {
    const auto table = configSettings();
    EXPECT_THROW(settingRows(configInfo(), table.first(table.size() - 1)), std::logic_error);
    std::vector<ConfigSetting> more(table.begin(), table.end());
    more.push_back(ConfigSetting{.name = "zzz"});
    EXPECT_THROW(settingRows(configInfo(), more), std::logic_error);
}

TEST(ConfigTables, InvertedRowsStoreTheOpposite) {
    EXPECT_EQ(nodeText(row("vm-creation-allowed"), true), "false");
    EXPECT_EQ(nodeText(row("vm-creation-allowed"), false), "true");
    EXPECT_EQ(nodeText(row("switcher-self-switch-enabled"), true), "false");
    EXPECT_EQ(nodeText(row("autostart"), true), "true");
}

TEST(ConfigTables, NumbersHaveAMinimum) {
    EXPECT_EQ(nodeText(row("xc-diag-timeout"), 0), "0");
    EXPECT_THROW(nodeText(row("xc-diag-timeout"), -1), Error);
}

TEST(ConfigTables, WhatIsNotAnnounced) {
    std::vector<std::string_view> silent;
    for (const auto table : {configSettings(), configUiSettings()})
        for (const auto& each : table)
            if (!each.announced)
                silent.push_back(each.name);
    EXPECT_THAT(silent,
                ElementsAre("argo-firewall", "autolock-cd-drives", "dom0-mem-target-mib", "enable-argo-ssh",
                            "enable-dom0-networking", "enable-ssh", "idle-time-threshold", "switcher-enabled",
                            "switcher-keyboard-follows-mouse", "switcher-resistance",
                            "switcher-self-switch-enabled", "switcher-status-report-enabled"));
}

TEST(PointerTrail, SecondsAndMilliseconds) {
    EXPECT_EQ(millisecondsOf("0.5"), 500);
    EXPECT_EQ(millisecondsOf("2"), 2000);
    EXPECT_EQ(millisecondsOf("1e1"), 10000);
    EXPECT_EQ(millisecondsOf("0.0004"), 0);
    for (const char* bad : {"", "x", "1s", "-1", "nan", "inf", "1e300", "3000000"})
        EXPECT_FALSE(millisecondsOf(bad)) << bad;
    EXPECT_EQ(secondsText(500), "0.5");
    EXPECT_EQ(secondsText(0), "0");
    for (const std::int32_t value : {0, 1, 333, 1000, 86399999, std::numeric_limits<std::int32_t>::max()})
        EXPECT_EQ(millisecondsOf(secondsText(value)), value);
}

TEST(Languages, AreListedInLowerCase) {
    EXPECT_THAT(parseLanguages("en-US, de-DE ;fr-fr"), ElementsAre("en-us", "de-de", "fr-fr"));
    EXPECT_THAT(parseLanguages(""), ElementsAre("en-us"));
    EXPECT_THAT(parseLanguages(" , "), ElementsAre("en-us"));
}

} // namespace
} // namespace xb::xenmgr
