// SPDX-License-Identifier: Apache-2.0
// The settings of com.citrix.xenclient.xenmgr.config and .config.ui as tables: where each is kept, what it is
// when absent, and, for the few that are more than a database node, the function that makes or takes the
// value.
#pragma once

#include "toolstack/libs/interface.hpp"
#include "xenmgr/context.hpp"

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xb::xenmgr {

using ConfigValue = std::variant<bool, std::int32_t, std::string, std::vector<std::string>>;

struct ConfigSetting {
    enum class Type { boolean, integer, text, texts };
    using Read = ConfigValue (*)(const Context&, const ConfigSetting&);
    using Write = Task<> (*)(Context&, const ConfigSetting&, ConfigValue);

    std::string_view name;
    Type type = Type::boolean;
    std::string_view path{};     ///< in the database, or a file below root for those with functions of files
    std::string_view fallback{}; ///< text of the node's value when it is absent
    bool inverted = false;       ///< the node says the opposite of the property
    bool removedByDefault = false; ///< storing the fallback removes the node
    bool announced = true;         ///< setting it sends config_changed
    int minimum = std::numeric_limits<int>::min();
    Read read = nullptr;   ///< instead of reading the node
    Write write = nullptr; ///< instead of writing the node
};

/// The tables, by name.
std::span<const ConfigSetting> configSettings();
std::span<const ConfigSetting> configUiSettings();

/// The rows of a table in the order of an interface's properties. Throws std::logic_error for a property
/// without a row and a row without a property.
std::vector<const ConfigSetting*> settingRows(const InterfaceInfo& info,
                                              std::span<const ConfigSetting> table);

/// The D-Bus signature of a type.
const char* signatureOfType(ConfigSetting::Type type);

/// The current value. Db::fresh() must have been awaited.
ConfigValue readSetting(const Context& context, const ConfigSetting& setting);
/// Stores a value and announces it as the row says; done when dbd has acknowledged it.
Task<> writeSetting(Context& context, const ConfigSetting& setting, ConfigValue value);
/// The text that a node gets for a value. Throws xb::Error (InvalidArgs) for a number below the minimum.
std::string nodeText(const ConfigSetting& setting, const ConfigValue& value);

/// Puts a value into a reply.
void putSetting(PropertySink& sink, const ConfigValue& value);
/// Takes a value of this type out of a Set.
ConfigValue takeSetting(PropertyValue& value, ConfigSetting::Type type);

} // namespace xb::xenmgr
