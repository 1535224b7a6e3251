// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/config_functions.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/host_facts.hpp"
#include "xenmgr/host_files.hpp"
#include "xenmgr/power_settings_object.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>

#include <unistd.h>

namespace xb::xenmgr {

namespace {

constexpr std::string_view defaultLanguage = "en-us";
constexpr auto languageKey = "LANGUAGE";

std::string lowerCase(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::filesystem::path fileOf(const Context& context, const ConfigSetting& setting) {
    return below(context.settings.root, setting.path);
}

std::vector<std::string> languagesOf(const Context& context) {
    const StringMap capabilities = readCapabilities(context.settings.root);
    const auto it = capabilities.find("supported-languages");
    return parseLanguages(it == capabilities.end() ? "" : it->second);
}

} // namespace

std::vector<std::string> parseLanguages(std::string_view text) {
    constexpr std::string_view separators = ", \t;";
    std::vector<std::string> languages;
    while (true) {
        const std::size_t begin = text.find_first_not_of(separators);
        if (begin == std::string_view::npos)
            break;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        languages.push_back(lowerCase(std::string(text.substr(0, end))));
        text.remove_prefix(end);
    }
    if (languages.empty())
        languages.emplace_back(defaultLanguage);
    return languages;
}

std::optional<std::int32_t> millisecondsOf(std::string_view seconds) {
    double value = 0;
    const char* end = seconds.data() + seconds.size();
    const auto [rest, error] = std::from_chars(seconds.data(), end, value);
    if (error != std::errc() || rest != end || !std::isfinite(value))
        return std::nullopt;
    const double milliseconds = std::round(value * 1000);
    if (milliseconds < 0 || milliseconds > std::numeric_limits<std::int32_t>::max())
        return std::nullopt;
    return static_cast<std::int32_t>(milliseconds);
}

std::string secondsText(std::int32_t milliseconds) {
    std::array<char, 32> buffer{};
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), milliseconds / 1000.0,
                                      std::chars_format::fixed);
    return std::string(buffer.data(), result.ptr);
}

namespace config_functions {

ConfigValue fileIsAbsent(const Context& context, const ConfigSetting& setting) {
    std::error_code error;
    const bool there = std::filesystem::exists(fileOf(context, setting), error);
    if (error)
        throw Error("cannot look for " + fileOf(context, setting).string() + ": " + error.message());
    return !there;
}

Task<> setFileAbsent(Context& context, const ConfigSetting& setting, ConfigValue value) {
    const auto file = fileOf(context, setting);
    if (std::get<bool>(value)) {
        if (::unlink(file.c_str()) != 0 && errno != ENOENT)
            throw systemError("cannot remove " + file.string(), errno);
    } else {
        makeDirectories(file.parent_path());
        writeFileAtomically(file, "");
    }
    co_return;
}

ConfigValue capability(const Context& context, const ConfigSetting& setting) {
    return hasCapability(readCapabilities(context.settings.root), std::string(setting.name), false);
}

ConfigValue always(const Context&, const ConfigSetting&) {
    return true;
}

ConfigValue never(const Context&, const ConfigSetting&) {
    return 0;
}

Task<> ignore(Context&, const ConfigSetting&, ConfigValue) {
    co_return;
}

ConfigValue powerAction(const Context& context, const ConfigSetting& setting) {
    return storedPowerAction(context.db, std::string(setting.path), setting.fallback);
}

Task<> setPowerAction(Context& context, const ConfigSetting& setting, ConfigValue value) {
    const std::string path(setting.path);
    const std::string word = checkedPowerAction(std::get<std::string>(value));
    if (!context.db.exists(path) || context.db.read(path) != word)
        co_await context.db.write(path, word);
}

ConfigValue milliseconds(const Context& context, const ConfigSetting& setting) {
    const std::string text = context.db.read(setting.path, setting.fallback);
    const auto value = millisecondsOf(text);
    if (!value && !text.empty())
        log::warn("database: {} is \"{}\", not a number of seconds; taken as 0", setting.path, text);
    return value.value_or(0);
}

Task<> setMilliseconds(Context& context, const ConfigSetting& setting, ConfigValue value) {
    static_cast<void>(nodeText(setting, value)); // checks the bounds
    const std::string path(setting.path);
    const std::string text = secondsText(std::get<std::int32_t>(value));
    if (!context.db.exists(path) || context.db.read(path) != text)
        co_await context.db.write(path, text);
}

ConfigValue language(const Context& context, const ConfigSetting& setting) {
    const StringMap values = readKeyValues(fileOf(context, setting));
    const auto it = values.find(languageKey);
    return it == values.end() || it->second.empty() ? std::string(setting.fallback) : it->second;
}

Task<> setLanguage(Context& context, const ConfigSetting& setting, ConfigValue value) {
    const std::string wanted = lowerCase(std::get<std::string>(value));
    const auto languages = languagesOf(context);
    if (std::ranges::find(languages, wanted) == languages.end())
        throw coded(Code::unsupportedLanguage,
                    "\"" + wanted + "\"; supported-languages names those there are");
    const auto file = fileOf(context, setting);
    makeDirectories(file.parent_path());
    writeFileAtomically(file, languageKey + std::string("='") + wanted + "'\n");
    context.signals.languageChanged();
    co_return;
}

ConfigValue supportedLanguages(const Context& context, const ConfigSetting&) {
    return languagesOf(context);
}

} // namespace config_functions

} // namespace xb::xenmgr
