// SPDX-License-Identifier: Apache-2.0
#include "dbd/service.hpp"

#include "toolstack/libs/log.hpp"

namespace xb::dbd {

namespace {

// "a//b/" and "/a/b" are one path; the root is "/".
std::string canonical(const std::string& path) {
    std::string result;
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (end > start)
            result += "/" + path.substr(start, end - start);
        start = end + 1;
    }
    return result.empty() ? "/" : result;
}

bool isAtOrBelow(const std::string& path, const std::string& prefix) {
    if (prefix == "/")
        return true;
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

} // namespace

// --- watches ---

Watches::Watches(Bus& bus) : bus_(bus) {
    SignalMatch match;
    match.sender = "org.freedesktop.DBus";
    match.interface = "org.freedesktop.DBus";
    match.member = "NameOwnerChanged";
    departures_ = bus_.onSignal(match, [this](Message message) {
        auto [name, before, after] = readBody<std::string, std::string, std::string>(message);
        if (after.empty())
            prefixes_.erase(name);
    });
}

void Watches::add(const std::string& client, const std::string& prefix) {
    if (!prefixes_.contains(client) && prefixes_.size() >= watcherLimit)
        throw Error(errors::limitsExceeded,
                    std::to_string(watcherLimit) + " connections watch the database already");
    auto& mine = prefixes_[client];
    if (mine.size() >= watchLimit && !mine.contains(canonical(prefix)))
        throw Error(errors::limitsExceeded,
                    client + " watches " + std::to_string(watchLimit) + " prefixes already");
    mine.insert(canonical(prefix));
}

void Watches::remove(const std::string& client, const std::string& prefix) {
    auto it = prefixes_.find(client);
    if (it == prefixes_.end() || it->second.erase(canonical(prefix)) == 0)
        throw Error(client + " does not watch " + canonical(prefix));
    if (it->second.empty())
        prefixes_.erase(it);
}

void Watches::tell(const std::string& maker, const std::vector<std::string>& paths) {
    for (const auto& [client, prefixes] : prefixes_) {
        if (client == maker)
            continue;
        std::vector<std::string> wanted;
        for (const auto& path : paths) {
            // A change of a node is a change of everything below it.
            const bool watched = std::ranges::any_of(prefixes, [&path](const auto& prefix) {
                return isAtOrBelow(path, prefix) || isAtOrBelow(prefix, path);
            });
            if (watched)
                wanted.push_back(path);
        }
        if (wanted.empty())
            continue;
        Message signal = bus_.newSignal("/", "org.xenbroker.db", "changed");
        signal << wanted;
        bus_.sendTo(client, std::move(signal));
    }
}

// --- com.citrix.xenclient.db ---

DbObject::DbObject(Bus& bus, FileSystem& fs, Store& store, Saver& saver)
    : fs_(fs), store_(store), saver_(saver), watches_(bus) {
    store_.setListener([this](std::string_view path) {
        const std::string text = canonical(std::string(path));
        if (changed_.empty() || changed_.back() != text)
            changed_.push_back(text);
    });
}

Task<std::string> DbObject::read(Caller, std::string path) {
    co_return store_.tree().read(path);
}
Task<std::string> DbObject::dump(Caller, std::string path) {
    co_return store_.tree().dump(path);
}
Task<bool> DbObject::exists(Caller, std::string path) {
    co_return store_.tree().exists(path);
}
Task<std::vector<std::string>> DbObject::list(Caller, std::string path) {
    co_return store_.tree().list(path);
}

Task<std::vector<std::uint8_t>> DbObject::readBinary(Caller, std::string path) {
    const std::string file = store_.tree().binaryPath(path);
    auto work = [this, file] {
        std::string text;
        FileStat stat;
        if (auto error = fs_.read(file, store_.tree().limits().binaryBytes, text, stat))
            throw Error("cannot read " + file + ": " + error.message());
        return text;
    };
    const std::string bytes = co_await reader_.run(std::move(work));
    co_return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

Task<> DbObject::write(Caller caller, std::string path, std::string value) {
    store_.write(path, value);
    finish(caller.uniqueName);
    co_await saver_.acknowledge();
}

Task<> DbObject::inject(Caller caller, std::string path, std::string value) {
    store_.inject(path, value);
    finish(caller.uniqueName);
    co_await saver_.acknowledge();
}

Task<> DbObject::rm(Caller caller, std::string path) {
    store_.rm(path);
    finish(caller.uniqueName);
    co_await saver_.acknowledge();
}

void DbObject::finish(const std::string& caller) {
    announce(caller);
    saver_.changed();
}

void DbObject::announce(const std::string& maker) {
    const auto paths = std::exchange(changed_, {});
    if (!paths.empty())
        watches_.tell(maker, paths);
}

// --- org.xenbroker.db ---

Task<> DbExtensionObject::watch(Caller caller, std::string prefix) {
    watches_.add(caller.uniqueName, prefix);
    co_return;
}

Task<> DbExtensionObject::unwatch(Caller caller, std::string prefix) {
    watches_.remove(caller.uniqueName, prefix);
    co_return;
}

Task<> DbExtensionObject::sync(Caller) {
    co_await saver_.sync();
}

} // namespace xb::dbd
