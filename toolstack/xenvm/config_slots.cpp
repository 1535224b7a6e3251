// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/config_slots.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/xenvm/nics.hpp"

#include <utility>

namespace xb::xenvm {

ConfigSlots::ConfigSlots(std::string uuid, std::filesystem::path file, bool strict)
    : uuid_(std::move(uuid)), file_(std::move(file)), strict_(strict) {}

ConfigSlots::Slot ConfigSlots::parse(const std::filesystem::path& file, bool strict) const {
    std::string text;
    try {
        text = readFile(file, maxConfigBytes);
    } catch (const Error& e) {
        throw BadConfiguration(e.name(), std::string("no configuration: ") + e.what());
    }
    auto parsed = parseConfig(text);
    if (std::string error = assignNics(parsed.config, uuid_); !error.empty())
        parsed.errors.push_back({0, std::move(error), true});
    if (strict && !parsed.errors.empty())
        throw BadConfiguration(errors::invalidArgs, describe(parsed.errors, file));

    Slot slot{std::move(parsed.config), {}};
    std::erase_if(parsed.errors, [&](const ConfigError& error) {
        log::warn("configuration line left out: {}", describe({error}, file));
        return !error.device;
    });
    slot.lostDevices = describe(parsed.errors, file);
    return slot;
}

void ConfigSlots::load() {
    if (!file_.empty())
        next_ = parse(file_, strict_);
}

void ConfigSlots::read(const std::string& path) {
    const std::filesystem::path file = path.empty() ? file_ : std::filesystem::path(path);
    if (file.empty())
        throw Error(errors::invalidArgs, "this xenvm was started without a configuration file: name one");
    next_ = parse(file, true);
    file_ = file;
}

void ConfigSlots::promote() {
    if (next_)
        current_ = *std::exchange(next_, std::nullopt);
}

void ConfigSlots::requireDevices() const {
    if (!current_.lostDevices.empty())
        throw Error(errors::invalidArgs, "the configuration asks for devices that cannot be made out: " +
                                             current_.lostDevices + "; correct it and read it again");
}

std::string ConfigSlots::get(const std::string& key) const {
    auto value = getKey(latest(), key);
    if (!value)
        throw Error(errors::invalidArgs, "there is no configuration key \"" + key + "\"");
    return *std::move(value);
}

void ConfigSlots::edit(const std::function<std::string(Config&)>& change) {
    Slot changed = next_ ? *next_ : current_;
    std::string error = change(changed.config);
    if (error.empty())
        error = assignNics(changed.config, uuid_);
    if (!error.empty())
        throw Error(errors::invalidArgs, error);
    next_ = std::move(changed);
}

void ConfigSlots::set(const std::string& key, const std::string& value) {
    edit([&](Config& config) { return replaceKey(config, key, value); });
}

void ConfigSlots::add(const std::string& key, const std::string& entry) {
    edit([&](Config& config) { return setKey(config, key, entry); });
}

} // namespace xb::xenvm
