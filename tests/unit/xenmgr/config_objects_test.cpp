// SPDX-License-Identifier: Apache-2.0
// The settings as a client sees them: over a bus, with a real database and real files behind them.
#include "xenmgr/config_objects.hpp"

#include "manager_world.hpp"
#include "toolstack/libs/files.hpp"
#include "xenmgr/power_settings_object.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string config = "com.citrix.xenclient.xenmgr.config";
const std::string ui = "com.citrix.xenclient.xenmgr.config.ui";
const std::string power = "com.citrix.xenclient.xenmgr.powersettings";

class ConfigObjectsTest : public testing::Test {
protected:
    ConfigObjectsTest() {
        world.bus.objects().add("/", std::make_shared<ConfigObject>(world.context));
        world.bus.objects().add("/", std::make_shared<ConfigUiObject>(world.context));
        world.bus.objects().add("/host", std::make_shared<PowerSettingsObject>(world.context));
    }

    template <class T>
    T get(const std::string& interface, const std::string& name) {
        return world.get<T>("/", interface, name);
    }
    template <class T>
    void set(const std::string& interface, const std::string& name, const T& value) {
        world.set("/", interface, name, value);
    }
    template <class T>
    std::string refusal(const std::string& interface, const std::string& name, const T& value) {
        return test::ManagerWorld::failure([&] { set(interface, name, value); });
    }

    test::ManagerWorld world;
};

TEST_F(ConfigObjectsTest, GetAllOfAnEmptyDatabaseHasEveryProperty) {
    const auto values = world.getAll("/", config);
    EXPECT_EQ(values.size(), ConfigObject::staticInfo().properties.size());
    EXPECT_EQ(values.at("autostart").get<bool>(), true);
    EXPECT_EQ(values.at("vm-creation-allowed").get<bool>(), true);
    EXPECT_EQ(values.at("enable-ssh").get<bool>(), true);
    EXPECT_EQ(values.at("use-networking-domain").get<bool>(), true);
    EXPECT_EQ(values.at("xc-diag-timeout").get<std::int32_t>(), 180);
    EXPECT_EQ(values.at("measure-fail-action").get<std::string>(), "forced-shutdown");
    const auto uiValues = world.getAll("/", ui);
    EXPECT_EQ(uiValues.size(), ConfigUiObject::staticInfo().properties.size());
    EXPECT_EQ(uiValues.at("language").get<std::string>(), "en-us");
    EXPECT_EQ(uiValues.at("switcher-self-switch-enabled").get<bool>(), false);
    EXPECT_EQ(uiValues.at("pointer-trail-timeout").get<std::int32_t>(), 0);
    EXPECT_THAT(uiValues.at("supported-languages").get<std::vector<std::string>>(), ElementsAre("en-us"));
}

TEST_F(ConfigObjectsTest, InvertedFlagsAreNodesThatForbid) {
    set(config, "vm-creation-allowed", false);
    EXPECT_EQ(world.db.read("/vm-create-disallowed"), "true");
    EXPECT_FALSE(get<bool>(config, "vm-creation-allowed"));
    set(config, "vm-creation-allowed", true);
    EXPECT_FALSE(world.db.exists("/vm-create-disallowed"));
    EXPECT_TRUE(get<bool>(config, "vm-creation-allowed"));
    set(ui, "switcher-self-switch-enabled", true);
    EXPECT_EQ(world.db.read("/switcher/self-switch-disabled"), "false");
    EXPECT_TRUE(get<bool>(ui, "switcher-self-switch-enabled"));
}

TEST_F(ConfigObjectsTest, SettersAnnounceAsTheInterfaceSays) {
    set(config, "autostart", false);
    EXPECT_THAT(world.signals.seen, ElementsAre("config_changed"));
    world.signals.seen.clear();
    set(config, "argo-firewall", false);
    set(config, "enable-ssh", false);
    set(ui, "switcher-enabled", false);
    set(ui, "idle-time-threshold", 5);
    EXPECT_THAT(world.signals.seen, IsEmpty());
    EXPECT_EQ(get<std::int32_t>(ui, "idle-time-threshold"), 0);
    set(ui, "language", std::string("EN-us"));
    EXPECT_THAT(world.signals.seen, ElementsAre("language_changed", "config_changed"));
}

TEST_F(ConfigObjectsTest, FlagsOfFilesAreTheFiles) {
    const auto flag = world.tree.root() / "config/etc/ssh/sshd_not_to_be_run";
    set(config, "enable-ssh", true); // nothing to remove
    set(config, "enable-ssh", false);
    EXPECT_TRUE(std::filesystem::exists(flag));
    EXPECT_FALSE(get<bool>(config, "enable-ssh"));
    EXPECT_TRUE(get<bool>(config, "enable-argo-ssh"));
    set(config, "enable-ssh", true);
    EXPECT_FALSE(std::filesystem::exists(flag));
    world.tree.file("/config/system/dom0-networking-disabled", "");
    EXPECT_FALSE(get<bool>(config, "enable-dom0-networking"));
}

TEST_F(ConfigObjectsTest, LanguageIsOneOfTheFlavours) {
    world.tree.file("/etc/caps.default", "supported-languages=en-us,De-De\nsecondary-gpu-pt=true\n");
    EXPECT_THAT(get<std::vector<std::string>>(ui, "supported-languages"), ElementsAre("en-us", "de-de"));
    EXPECT_TRUE(get<bool>(config, "secondary-gpu-pt"));
    set(ui, "language", std::string("de-DE"));
    EXPECT_EQ(get<std::string>(ui, "language"), "de-de");
    EXPECT_EQ(readFile(world.tree.root() / "config/language.conf"), "LANGUAGE='de-de'\n");
    world.signals.seen.clear();
    EXPECT_THAT(refusal(ui, "language", std::string("xx'\nEVIL=1")), HasSubstr("236:Unsupported language"));
    EXPECT_EQ(get<std::string>(ui, "language"), "de-de");
    EXPECT_THAT(world.signals.seen, IsEmpty());
}

TEST_F(ConfigObjectsTest, ValuesOutOfRangeAreRefusedAndChangeNothing) {
    EXPECT_THAT(refusal(config, "xc-diag-timeout", -1), HasSubstr("InvalidArgs"));
    EXPECT_THAT(refusal(config, "measure-fail-action", std::string("explode")), HasSubstr("InvalidArgs"));
    EXPECT_THAT(refusal(ui, "pointer-trail-timeout", -1), HasSubstr("InvalidArgs"));
    EXPECT_THAT(refusal(config, "xc-diag-timeout", std::string("ten")), HasSubstr("InvalidArgs"));
    EXPECT_THAT(refusal(config, "bypass-sha1sum-checks", true), HasSubstr("PropertyReadOnly"));
    EXPECT_FALSE(world.db.exists("/xenmgr"));
    EXPECT_THAT(world.signals.seen, IsEmpty());
}

TEST_F(ConfigObjectsTest, NonsenseInTheDatabaseIsTheDefault) {
    world.await(world.db.write("/xenmgr/autostart", "perhaps"));
    world.await(world.db.write("/xenmgr/xc-diag-timeout", "soon"));
    world.await(world.db.write("/xenmgr/pointerTrailTimeout", "nan"));
    world.await(world.db.write("/xenmgr/measure-fail-action", "explode"));
    EXPECT_TRUE(get<bool>(config, "autostart"));
    EXPECT_EQ(get<std::int32_t>(config, "xc-diag-timeout"), 180);
    EXPECT_EQ(get<std::int32_t>(ui, "pointer-trail-timeout"), 0);
    EXPECT_EQ(get<std::string>(config, "measure-fail-action"), "nothing");
}

TEST_F(ConfigObjectsTest, PointerTrailIsStoredInSeconds) {
    set(ui, "pointer-trail-timeout", 1500);
    EXPECT_EQ(world.db.read("/xenmgr/pointerTrailTimeout"), "1.5");
    EXPECT_EQ(get<std::int32_t>(ui, "pointer-trail-timeout"), 1500);
}

TEST_F(ConfigObjectsTest, LidActions) {
    std::string action;
    world.call("/host", power, "get_ac_lid_close_action") >> action;
    EXPECT_EQ(action, "nothing");
    world.call("/host", power, "set_ac_lid_close_action", std::string("sleep"));
    world.call("/host", power, "get_ac_lid_close_action") >> action;
    EXPECT_EQ(action, "sleep");
    EXPECT_EQ(world.db.read("/power-management/ac-lid-close-action"), "sleep");
    world.call("/host", power, "get_battery_lid_close_action") >> action;
    EXPECT_EQ(action, "nothing");
    world.call("/host", power, "set_battery_lid_close_action", std::string(""));
    EXPECT_EQ(world.db.read("/power-management/battery-lid-close-action"), "nothing");
    const auto refused = test::ManagerWorld::failure(
        [&] { world.call("/host", power, "set_ac_lid_close_action", std::string("explode")); });
    EXPECT_THAT(refused, HasSubstr("InvalidArgs"));
    EXPECT_THAT(refused, HasSubstr("idle-shutdown"));
}

} // namespace
} // namespace xb::xenmgr
