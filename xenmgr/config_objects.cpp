// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/config_objects.hpp"

#include "xenmgr/config_settings.hpp"
#include "xenmgr/db.hpp"

namespace xb::xenmgr {

namespace {

const ConfigSetting& configRow(std::size_t index) {
    static const auto rows = settingRows(ConfigObject::staticInfo(), configSettings());
    return *rows.at(index);
}

const ConfigSetting& configUiRow(std::size_t index) {
    static const auto rows = settingRows(ConfigUiObject::staticInfo(), configUiSettings());
    return *rows.at(index);
}

Task<> read(const Context& context, const ConfigSetting& setting, PropertySink& sink) {
    co_await context.db.fresh();
    putSetting(sink, readSetting(context, setting));
}

Task<> write(Context& context, const ConfigSetting& setting, PropertyValue value) {
    ConfigValue content = takeSetting(value, setting.type);
    co_await writeSetting(context, setting, std::move(content));
}

} // namespace

Task<> ConfigObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await read(context_, configRow(index), sink);
}

Task<> ConfigObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    co_await write(context_, configRow(index), std::move(value));
}

Task<> ConfigUiObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await read(context_, configUiRow(index), sink);
}

Task<> ConfigUiObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    co_await write(context_, configUiRow(index), std::move(value));
}

} // namespace xb::xenmgr
