// SPDX-License-Identifier: Apache-2.0
// The settings that are not plain database nodes: files below root, capabilities of the flavour, and values
// that need another unit or a check.
#pragma once

#include "xenmgr/config_settings.hpp"

#include <optional>

namespace xb::xenmgr {

/// The languages of the flavour in lower case: supported-languages of its capabilities, separated by commas
/// or blanks; the default language alone when the flavour does not say.
std::vector<std::string> parseLanguages(std::string_view text);
/// Seconds as stored (a decimal number such as 0.5) in ms; nothing for what is not a number from 0 to
/// INT32_MAX ms.
std::optional<std::int32_t> millisecondsOf(std::string_view seconds);
/// The shortest text of so many seconds that millisecondsOf() reads back.
std::string secondsText(std::int32_t milliseconds);

namespace config_functions {

/// A flag that is on while the file at the row's path is absent.
ConfigValue fileIsAbsent(const Context& context, const ConfigSetting& setting);
Task<> setFileAbsent(Context& context, const ConfigSetting& setting, ConfigValue value);
/// A capability of the flavour that has the row's name; off unless it says otherwise.
ConfigValue capability(const Context& context, const ConfigSetting& setting);
ConfigValue always(const Context& context, const ConfigSetting& setting);
ConfigValue never(const Context& context, const ConfigSetting& setting);
Task<> ignore(Context& context, const ConfigSetting& setting, ConfigValue value);
ConfigValue powerAction(const Context& context, const ConfigSetting& setting);
Task<> setPowerAction(Context& context, const ConfigSetting& setting, ConfigValue value);
ConfigValue milliseconds(const Context& context, const ConfigSetting& setting);
Task<> setMilliseconds(Context& context, const ConfigSetting& setting, ConfigValue value);
ConfigValue language(const Context& context, const ConfigSetting& setting);
Task<> setLanguage(Context& context, const ConfigSetting& setting, ConfigValue value);
ConfigValue supportedLanguages(const Context& context, const ConfigSetting& setting);

} // namespace config_functions

} // namespace xb::xenmgr
