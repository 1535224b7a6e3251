// SPDX-License-Identifier: Apache-2.0
// xenmgr's view of the configuration database: a mirror in memory that answers reads at once, and writes that
// are done when dbd has acknowledged them. dbd tells us of every change that somebody else makes before it
// answers him, so that whoever asks us after his write gets the new value: fresh() holds a reader back while
// such a change is being fetched.
//
// The private stores of guests (/dom-store) are not mirrored. While dbd is away the last known values are
// served and writes fail; when it is back everything is fetched again.
#pragma once

#include "dbd/tree.hpp"
#include "idl/db_client.hpp"
#include "idl/org_xenbroker_db_client.hpp"
#include "toolstack/libs/bus.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenmgr {

/// The bus name of dbd.
inline constexpr auto databaseService = "com.citrix.xenclient.db";

class Db {
public:
    explicit Db(Bus& bus);

    /// Subscribes, waits for dbd to be there, and fetches everything.
    Task<> start();
    /// Returns when the mirror has caught up with all changes that we were told of before.
    Task<> fresh();

    /// Throws xb::Error while dbd is away: for what must not be done on values that may be out of date.
    void requireAvailable() const;

    // Reads, of the mirror. Paths as dbd's; the value of what is not there is empty.
    /// The node at `path`, or nullptr. Good until the next suspension of the caller.
    const dbd::Node* find(std::string_view path) const;
    bool exists(std::string_view path) const { return find(path) != nullptr; }
    std::string read(std::string_view path) const { return read(path, {}); }
    std::string read(std::string_view path, std::string_view fallback) const;
    /// true/yes/1 and false/no/0; anything else is the fallback, logged once per read.
    bool readBool(std::string_view path, bool fallback) const;
    int readInt(std::string_view path, int fallback) const;
    std::vector<std::string> list(std::string_view path) const { return tree_.list(path); }
    std::string dump(std::string_view path) const { return tree_.dump(path); }

    // Writes; done when dbd has answered. Throw xb::Error, also while dbd is away.
    Task<> write(std::string path, std::string value);
    Task<> inject(std::string path, std::string json);
    Task<> remove(std::string path);
    /// Reads past the mirror, for /dom-store.
    Task<std::string> readRemote(std::string path);

    /// Called with each path that somebody else changed, once the mirror has it.
    void onForeignChange(std::function<void(const std::string&)> listener) {
        listener_ = std::move(listener);
    }

    /// Makes reads below one node quick while it lives: for many of them in a row, within which nothing may
    /// suspend or write.
    class Focus {
    public:
        Focus(const Db& db, std::string_view path) : db_(db) {
            db_.focusNode_ = db.tree_.find(path);
            db_.focusPath_.assign(path).append(1, '/');
        }
        Focus(const Focus&) = delete;
        Focus& operator=(const Focus&) = delete;
        ~Focus() { db_.focusNode_ = nullptr; }

    private:
        const Db& db_;
    };

private:
    void ownerChanged(const std::string& owner);
    void changed(const std::vector<std::string>& paths);
    Task<> follow();
    Task<> followOne(std::string path);
    Task<> fetchAll();
    Task<> fetchOne(std::string path);

    Bus& bus_;
    idl::db::DbClient client_;
    idl::org_xenbroker_db::DbClient extension_;
    dbd::Tree tree_;
    mutable const dbd::Node* focusNode_ = nullptr; // of Focus
    mutable std::string focusPath_;
    Subscription ownerWatch_;
    Subscription changes_;
    Event available_;
    Event caughtUp_;
    std::set<std::string> announced_; ///< changed paths that are still to be fetched
    std::uint64_t told_ = 0;          ///< announcements so far
    std::uint64_t followed_ = 0;      ///< as many of them are in the mirror
    bool following_ = false;
    bool started_ = false;
    std::string owner_;
    std::function<void(const std::string&)> listener_;
};

} // namespace xb::xenmgr
