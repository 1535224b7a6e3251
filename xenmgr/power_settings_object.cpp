// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/power_settings_object.hpp"

#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"

#include <algorithm>
#include <array>

namespace xb::xenmgr {

namespace {

constexpr auto acPath = "/power-management/ac-lid-close-action";
constexpr auto batteryPath = "/power-management/battery-lid-close-action";
constexpr std::string_view noAction = "nothing";

constexpr std::array<std::string_view, 7> actions{"sleep",         "hibernate", "shutdown", "forced-shutdown",
                                                  "idle-shutdown", "reboot",    noAction};

bool isAction(std::string_view word) {
    return std::ranges::find(actions, word) != actions.end();
}

} // namespace

std::string checkedPowerAction(std::string_view word) {
    if (word.empty())
        return std::string(noAction);
    if (isAction(word))
        return std::string(word);
    std::string known;
    for (const auto action : actions)
        known += (known.empty() ? "" : ", ") + std::string(action);
    throw Error(errors::invalidArgs,
                "\"" + std::string(word) + "\" is not a power action; there are " + known);
}

std::string storedPowerAction(const Db& db, const std::string& path, std::string_view fallback) {
    std::string word = db.read(path, fallback);
    if (word.empty())
        return std::string(noAction);
    if (!isAction(word)) {
        log::warn("database: {} is \"{}\", not a power action; taken as {}", path, word, noAction);
        return std::string(noAction);
    }
    return word;
}

Task<std::string> PowerSettingsObject::getAcLidCloseAction(Caller) {
    co_await context_.db.fresh();
    co_return storedPowerAction(context_.db, acPath, noAction);
}

Task<std::string> PowerSettingsObject::getBatteryLidCloseAction(Caller) {
    co_await context_.db.fresh();
    co_return storedPowerAction(context_.db, batteryPath, noAction);
}

Task<> PowerSettingsObject::setAcLidCloseAction(Caller, std::string action) {
    co_await store(acPath, std::move(action));
}

Task<> PowerSettingsObject::setBatteryLidCloseAction(Caller, std::string action) {
    co_await store(batteryPath, std::move(action));
}

Task<> PowerSettingsObject::store(std::string path, std::string action) {
    std::string word = checkedPowerAction(action);
    co_await context_.db.fresh();
    if (!context_.db.exists(path) || context_.db.read(path) != word)
        co_await context_.db.write(std::move(path), std::move(word));
}

} // namespace xb::xenmgr
