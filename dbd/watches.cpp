// SPDX-License-Identifier: Apache-2.0
#include "dbd/watches.hpp"

#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <algorithm>

namespace xb::dbd {

namespace {

/// The path of the lowest node that both are at or below.
std::string commonPrefix(std::string_view a, std::string_view b) {
    std::string result;
    PathWalk first(a);
    PathWalk second(b);
    while (!first.done() && !second.done()) {
        const std::string_view name = first.take();
        if (name != second.take())
            break;
        result += '/';
        result += name;
    }
    return result.empty() ? "/" : result;
}

} // namespace

Watches::Watches(Bus& bus, const Limits& limits) : bus_(bus), signalPaths_(limits.signalPaths) {
    SignalMatch match;
    match.sender = "org.freedesktop.DBus";
    match.interface = "org.freedesktop.DBus";
    match.member = "NameOwnerChanged";
    departures_ = bus_.onSignal(match, [this](Message message) {
        auto [name, before, after] = readBody<std::string, std::string, std::string>(message);
        if (after.empty())
            watchers_.erase(name);
    });
}

void Watches::add(const std::string& client, const View& view, const std::string& prefix) {
    if (!watchers_.contains(client)) {
        const auto peers = std::ranges::count_if(watchers_, [&view](const auto& each) {
            const View& other = each.second.view;
            return other.isWhole() == view.isWhole() && other.domid() == view.domid();
        });
        const std::size_t limit = view.isWhole() ? watcherLimit : guestWatcherLimit;
        if (static_cast<std::size_t>(peers) >= limit)
            throw Error(errors::limitsExceeded,
                        std::to_string(limit) + " connections" +
                            (view.isWhole() ? "" : " of guest domain " + std::to_string(view.domid())) +
                            " watch the database already");
    }
    const std::string place = canonicalPath(view.place(prefix));
    Watcher& watcher = watchers_[client];
    watcher.view = view;
    if (watcher.prefixes.size() >= watchLimit && !watcher.prefixes.contains(place))
        throw Error(errors::limitsExceeded,
                    client + " watches " + std::to_string(watchLimit) + " prefixes already");
    watcher.prefixes.insert(place);
}

void Watches::remove(const std::string& client, const View& view, const std::string& prefix) {
    auto watcher = watchers_.find(client);
    if (watcher == watchers_.end() || watcher->second.prefixes.erase(canonicalPath(view.place(prefix))) == 0)
        throw Error(client + " does not watch " + forMessage(canonicalPath(prefix)));
    if (watcher->second.prefixes.empty())
        watchers_.erase(watcher);
}

void Watches::note(std::string_view path) {
    if (watchers_.empty())
        return;
    if (changed_.empty() || changed_.back() != path)
        changed_.emplace_back(path);
}

void Watches::made(const std::string& maker) {
    if (changed_.empty())
        return;
    bool anybody = false;
    for (auto& [client, watcher] : watchers_) {
        if (client == maker)
            continue;
        for (const std::string& path : changed_) {
            // A change of a node is a change of everything below it.
            const bool watched =
                std::ranges::any_of(watcher.prefixes, [&path = path](const std::string& prefix) {
                    return isAtOrBelow(path, prefix) || isAtOrBelow(prefix, path);
                });
            if (watched)
                add(watcher, watcher.view.shown(path));
            anybody = anybody || watched;
        }
    }
    changed_.clear();
    if (!anybody || settling_)
        return;
    settling_ = std::make_shared<Event>(bus_.loop().executor());
    // What the bus has delivered already comes first.
    asio::post(bus_.loop().context(), [this] { tell(); });
}

void Watches::add(Watcher& watcher, const std::string& path) const {
    if (watcher.tooMany) {
        watcher.common = commonPrefix(watcher.common, path);
        return;
    }
    watcher.told.insert(path);
    if (watcher.told.size() <= signalPaths_)
        return;
    watcher.tooMany = true;
    watcher.common = path;
    for (const std::string& each : std::exchange(watcher.told, {}))
        watcher.common = commonPrefix(watcher.common, each);
}

void Watches::tell() {
    for (auto& [client, watcher] : watchers_) {
        std::vector<std::string> paths(watcher.told.begin(), watcher.told.end());
        watcher.told.clear();
        if (std::exchange(watcher.tooMany, false))
            paths = {std::exchange(watcher.common, {})};
        if (paths.empty())
            continue;
        try {
            Message signal = bus_.newSignal("/", "org.xenbroker.db", "changed");
            signal << paths;
            bus_.sendTo(client, std::move(signal));
        } catch (const std::exception& e) {
            log::error("cannot tell {} of changes: {}", client, e.what());
        }
    }
    std::exchange(settling_, nullptr)->set();
}

Task<> Watches::settled() {
    const std::shared_ptr<Event> turn = settling_;
    if (turn)
        co_await turn->wait();
}

} // namespace xb::dbd
