// SPDX-License-Identifier: Apache-2.0
// dbd on the bus: com.citrix.xenclient.db and its extension org.xenbroker.db, both on the object /.
//
// Calls are answered in the order in which they came, but for those that create or delete a VM: their answer
// waits for the disk. Who watches a prefix hears of a change before its maker gets his answer; the maker
// himself does not hear of it.
#pragma once

#include "dbd/saver.hpp"
#include "dbd/store.hpp"
#include "idl/db_server.hpp"
#include "idl/org_xenbroker_db_server.hpp"
#include "toolstack/libs/bus.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace xb::dbd {

/// The bus name of dbd.
inline constexpr auto serviceName = "com.citrix.xenclient.db";

/// Most prefixes that one connection may watch, and most connections that may watch.
inline constexpr std::size_t watchLimit = 64;
inline constexpr std::size_t watcherLimit = 64;

/// Who wants to hear of which changes.
class Watches {
public:
    explicit Watches(Bus& bus);
    void add(const std::string& client, const std::string& prefix);
    void remove(const std::string& client, const std::string& prefix);
    /// Tells all but `maker` which of these canonical paths changed.
    void tell(const std::string& maker, const std::vector<std::string>& paths);

private:
    Bus& bus_;
    Subscription departures_;
    std::map<std::string, std::set<std::string>> prefixes_; ///< unique name -> canonical prefixes
};

class DbObject : public idl::db::DbServer {
public:
    DbObject(Bus& bus, FileSystem& fs, Store& store, Saver& saver);

    Task<std::string> read(Caller, std::string path) override;
    Task<std::vector<std::uint8_t>> readBinary(Caller, std::string path) override;
    Task<std::string> dump(Caller, std::string path) override;
    Task<std::vector<std::string>> list(Caller, std::string path) override;
    Task<bool> exists(Caller, std::string path) override;
    Task<> write(Caller caller, std::string path, std::string value) override;
    Task<> inject(Caller caller, std::string path, std::string value) override;
    Task<> rm(Caller caller, std::string path) override;

    Watches& watches() { return watches_; }
    /// Changes that came from files, not from a caller.
    void announceForeign() { announce(""); }

private:
    void finish(const std::string& caller);
    void announce(const std::string& maker);

    FileSystem& fs_;
    Store& store_;
    Saver& saver_;
    Workers reader_;
    Watches watches_;
    std::vector<std::string> changed_; ///< by the operation under way
};

class DbExtensionObject : public idl::org_xenbroker_db::DbServer {
public:
    DbExtensionObject(Watches& watches, Saver& saver) : watches_(watches), saver_(saver) {}
    Task<> watch(Caller caller, std::string prefix) override;
    Task<> unwatch(Caller caller, std::string prefix) override;
    Task<> sync(Caller) override;

private:
    Watches& watches_;
    Saver& saver_;
};

} // namespace xb::dbd
