// SPDX-License-Identifier: Apache-2.0
// Who wants to hear of which changes, and telling them: once per turn of the loop, however many calls changed
// something in it. Nobody is answered between a change and its signal, see settled(): whoever sees the new
// value can rely on it that those who watch it have been told.
#pragma once

#include "dbd/limits.hpp"
#include "dbd/view.hpp"
#include "toolstack/libs/bus.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

/// Most prefixes that one connection may watch, most connections of dom0 that may watch, and most of one
/// guest.
inline constexpr std::size_t watchLimit = 64;
inline constexpr std::size_t watcherLimit = 64;
inline constexpr std::size_t guestWatcherLimit = 4;

class Watches {
public:
    Watches(Bus& bus, const Limits& limits);

    /// Paths are those that the client, with this view, uses. Both throw xb::Error.
    void add(const std::string& client, const View& view, const std::string& prefix);
    void remove(const std::string& client, const View& view, const std::string& prefix);

    /// Hears of a canonical path that changed, of the change under way.
    void note(std::string_view path);
    /// The change under way is made: everybody but `maker` who watches it will hear of it.
    void made(const std::string& maker);
    /// Whether somebody is still to be told. Then nobody may be answered before settled() returns.
    bool unsettled() const { return settling_ != nullptr; }
    Task<> settled();

private:
    struct Watcher {
        View view;
        std::set<std::string> prefixes; ///< canonical, in the whole tree
        std::set<std::string> told;     ///< what the next signal has
        std::string common;             ///< or what the paths have in common, once there are too many
        bool tooMany = false;
    };

    void add(Watcher& watcher, const std::string& path) const;
    void tell();

    Bus& bus_;
    std::size_t signalPaths_;
    Subscription departures_;
    std::map<std::string, Watcher> watchers_; ///< by unique name
    std::vector<std::string> changed_;        ///< by the change under way
    std::shared_ptr<Event> settling_;         ///< of this turn
};

} // namespace xb::dbd
