// SPDX-License-Identifier: Apache-2.0
// The tables themselves; what is not a plain database node is in config_functions.cpp.
#include "xenmgr/config_settings.hpp"

#include "xenmgr/config_functions.hpp"
#include "xenmgr/db.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace xb::xenmgr {

namespace {

using namespace config_functions;
using Type = ConfigSetting::Type;

// clang-format off
constexpr std::array config{
    ConfigSetting{.name = "argo-firewall", .path = "/xenmgr/argo-firewall", .fallback = "true", .announced = false},
    ConfigSetting{.name = "argo-hosts-file", .path = "/xenmgr/argo-hosts-file", .fallback = "true"},
    ConfigSetting{.name = "autolock-cd-drives", .path = "/xenmgr/autolock-cd-drives", .fallback = "true", .announced = false},
    ConfigSetting{.name = "autostart", .path = "/xenmgr/autostart", .fallback = "true"},
    ConfigSetting{.name = "bypass-sha1sum-checks", .path = "/xenmgr/bypass-sha1sum-checks", .fallback = "false"},
    ConfigSetting{.name = "configurable-save-changes-across-reboots", .read = capability},
    ConfigSetting{.name = "connect-remote-desktop-allowed", .path = "/xenmgr/uiConnectRemoteDesktopAllowed", .fallback = "true"},
    ConfigSetting{.name = "dom0-mem-target-mib", .type = Type::integer, .path = "/dom0-mem-target-mib", .fallback = "256", .announced = false, .minimum = 0},
    ConfigSetting{.name = "enable-argo-ssh", .path = "/config/etc/ssh/argo_not_to_be_run", .announced = false, .read = fileIsAbsent, .write = setFileAbsent},
    ConfigSetting{.name = "enable-dom0-networking", .path = "/config/system/dom0-networking-disabled", .announced = false, .read = fileIsAbsent, .write = setFileAbsent},
    ConfigSetting{.name = "enable-ssh", .path = "/config/etc/ssh/sshd_not_to_be_run", .announced = false, .read = fileIsAbsent, .write = setFileAbsent},
    ConfigSetting{.name = "guest-only-networking", .path = "/xenmgr/guest-only-networking", .fallback = "false"},
    ConfigSetting{.name = "iso-path", .type = Type::text, .path = "/xenmgr/isos", .fallback = "/storage/isos"},
    ConfigSetting{.name = "measure-fail-action", .type = Type::text, .path = "/xenmgr/measure-fail-action", .fallback = "forced-shutdown", .read = powerAction, .write = setPowerAction},
    ConfigSetting{.name = "ota-upgrades-allowed", .path = "/ota-upgrades-disallowed", .fallback = "false", .inverted = true, .removedByDefault = true},
    ConfigSetting{.name = "platform-crypto-key-dirs", .type = Type::text, .path = "/xenmgr/platform-crypto-key-dirs", .fallback = "/config/platform-crypto-keys"},
    ConfigSetting{.name = "pvm-autostart-delay", .type = Type::integer, .path = "/xenmgr/pvm-autostart-delay", .fallback = "0", .minimum = 0},
    ConfigSetting{.name = "secondary-gpu-pt", .read = capability},
    ConfigSetting{.name = "svm-autostart-delay", .type = Type::integer, .path = "/xenmgr/svm-autostart-delay", .fallback = "0", .minimum = 0},
    ConfigSetting{.name = "use-networking-domain", .read = always},
    ConfigSetting{.name = "vm-creation-allowed", .path = "/vm-create-disallowed", .fallback = "false", .inverted = true, .removedByDefault = true},
    ConfigSetting{.name = "vm-deletion-allowed", .path = "/vm-delete-disallowed", .fallback = "false", .inverted = true, .removedByDefault = true},
    ConfigSetting{.name = "xc-diag-timeout", .type = Type::integer, .path = "/xenmgr/xc-diag-timeout", .fallback = "180", .minimum = 0},
};

constexpr std::array configUi{
    ConfigSetting{.name = "idle-time-threshold", .type = Type::integer, .announced = false, .read = never, .write = ignore},
    ConfigSetting{.name = "language", .type = Type::text, .path = "/config/language.conf", .fallback = "en-us", .read = language, .write = setLanguage},
    ConfigSetting{.name = "modify-advanced-vm-settings", .path = "/xenmgr/uiModifyAdvancedVmSettings", .fallback = "true"},
    ConfigSetting{.name = "modify-services", .path = "/xenmgr/uiModifyServices", .fallback = "true"},
    ConfigSetting{.name = "modify-settings", .path = "/xenmgr/uiModifySettings", .fallback = "true"},
    ConfigSetting{.name = "modify-usb-settings", .path = "/xenmgr/uiModifyUsbSettings", .fallback = "true"},
    ConfigSetting{.name = "pointer-trail-timeout", .type = Type::integer, .path = "/xenmgr/pointerTrailTimeout", .fallback = "0", .minimum = 0, .read = milliseconds, .write = setMilliseconds},
    ConfigSetting{.name = "show-mboot-warning", .path = "/xenmgr/showMbootWarning", .fallback = "true"},
    ConfigSetting{.name = "show-msg-on-no-disk", .path = "/xenmgr/showMsgOnNoDisk", .fallback = "true"},
    ConfigSetting{.name = "show-msg-on-vm-start", .path = "/xenmgr/showMsgOnVmStart", .fallback = "true"},
    ConfigSetting{.name = "show-msg-on-vm-start-tools-warning", .path = "/xenmgr/showMsgOnVmStartToolsWarning", .fallback = "true"},
    ConfigSetting{.name = "show-tools-warning", .path = "/xenmgr/showToolsWarning", .fallback = "true"},
    ConfigSetting{.name = "supported-languages", .type = Type::texts, .read = supportedLanguages},
    ConfigSetting{.name = "switcher-enabled", .path = "/switcher/enabled", .fallback = "true", .announced = false},
    ConfigSetting{.name = "switcher-keyboard-follows-mouse", .path = "/switcher/keyboard_follows_mouse", .fallback = "false", .announced = false},
    ConfigSetting{.name = "switcher-resistance", .type = Type::integer, .path = "/switcher/resistance", .fallback = "10", .announced = false, .minimum = 0},
    ConfigSetting{.name = "switcher-self-switch-enabled", .path = "/switcher/self-switch-disabled", .fallback = "true", .inverted = true, .announced = false},
    ConfigSetting{.name = "switcher-status-report-enabled", .path = "/switcher/status-report-enabled", .fallback = "true", .announced = false},
    ConfigSetting{.name = "view-type", .type = Type::text, .path = "/xenmgr/viewType"},
    ConfigSetting{.name = "wallpaper", .type = Type::text, .path = "/xenmgr/wallpaper", .fallback = "images/wallpapers/s9.png"},
};
// clang-format on

int numberOf(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

std::span<const ConfigSetting> configSettings() {
    return config;
}
std::span<const ConfigSetting> configUiSettings() {
    return configUi;
}

std::vector<const ConfigSetting*> settingRows(const InterfaceInfo& info,
                                              std::span<const ConfigSetting> table) {
    std::vector<const ConfigSetting*> rows;
    for (const auto& property : info.properties) {
        const auto row = std::ranges::find(table, property.name, &ConfigSetting::name);
        if (row == table.end())
            throw std::logic_error("the table of " + std::string(info.name) + " lacks " +
                                   std::string(property.name));
        rows.push_back(&*row);
    }
    if (rows.size() != table.size())
        throw std::logic_error("the table of " + std::string(info.name) + " has rows that are no properties");
    return rows;
}

const char* signatureOfType(ConfigSetting::Type type) {
    switch (type) {
    case Type::boolean:
        return "b";
    case Type::integer:
        return "i";
    case Type::text:
        return "s";
    case Type::texts:
        break;
    }
    return "as";
}

ConfigValue readSetting(const Context& context, const ConfigSetting& setting) {
    if (setting.read)
        return setting.read(context, setting);
    switch (setting.type) {
    case Type::boolean:
        return context.db.readBool(setting.path, setting.fallback == "true") != setting.inverted;
    case Type::integer:
        return context.db.readInt(setting.path, numberOf(setting.fallback));
    default:
        return context.db.read(setting.path, setting.fallback);
    }
}

std::string nodeText(const ConfigSetting& setting, const ConfigValue& value) {
    if (const auto* flag = std::get_if<bool>(&value))
        return *flag != setting.inverted ? "true" : "false";
    if (const auto* number = std::get_if<std::int32_t>(&value)) {
        if (*number < setting.minimum)
            throw Error(errors::invalidArgs, std::string(setting.name) + " cannot be " +
                                                 std::to_string(*number) + "; the least is " +
                                                 std::to_string(setting.minimum));
        return std::to_string(*number);
    }
    return std::get<std::string>(value);
}

Task<> writeSetting(Context& context, const ConfigSetting& setting, ConfigValue value) {
    co_await context.db.fresh();
    if (setting.write) {
        co_await setting.write(context, setting, std::move(value));
    } else {
        const std::string path(setting.path);
        const std::string text = nodeText(setting, value);
        const bool there = context.db.exists(path);
        if (setting.removedByDefault && text == setting.fallback) {
            if (there)
                co_await context.db.remove(path);
        } else if (!there || context.db.read(path) != text) {
            co_await context.db.write(path, text);
        }
    }
    if (setting.announced)
        context.signals.configChanged();
}

void putSetting(PropertySink& sink, const ConfigValue& value) {
    std::visit([&sink](const auto& content) { sink.put(content); }, value);
}

ConfigValue takeSetting(PropertyValue& value, ConfigSetting::Type type) {
    switch (type) {
    case Type::boolean:
        return value.get<bool>();
    case Type::integer:
        return value.get<std::int32_t>();
    case Type::text:
        return value.get<std::string>();
    case Type::texts:
        break;
    }
    return value.get<std::vector<std::string>>();
}

} // namespace xb::xenmgr
