// SPDX-License-Identifier: Apache-2.0
// What the files of Store share; not for others.
#pragma once

#include "dbd/disk.hpp"
#include "dbd/node.hpp"
#include "dbd/path.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace xb::dbd {

/// The depth in the tree of the root of a child's file.
inline constexpr std::size_t recordDepth = 2;

/// The record that is DIR/db.
inline constexpr std::string_view dbRecord;

/// The first two names of a path.
struct Heads {
    std::string_view first;
    std::string_view second;
    explicit Heads(std::string_view path) {
        PathWalk walk(path);
        if (!walk.done())
            first = walk.take();
        if (!walk.done())
            second = walk.take();
    }
};

inline std::string childRecord(const Area& area, std::string_view child) {
    std::string record(area.node);
    record += '/';
    record += child;
    return record;
}

/// What the names of the records of an area begin with.
inline std::string areaPrefix(const Area& area) {
    return std::string(area.node) + "/";
}

/// Which records an operation on a path may change.
struct Scope {
    bool wide = false;  ///< all whose name begins with `record`, not just the one of that name
    std::string record; ///< "" and wide: all of them
    explicit Scope(std::string_view path) {
        const Heads heads(path);
        const Area* const area = areaOf(heads.first);
        if (heads.first.empty()) {
            wide = true;
        } else if (area != nullptr && heads.second.empty()) {
            wide = true;
            record = areaPrefix(*area);
        } else if (area != nullptr) {
            record = childRecord(*area, heads.second);
        }
    }
};

inline constexpr std::string_view versionNode = "db-version";

/// Why no dbd of this version starts with `text` as the db-version; empty: it does.
std::string versionTrouble(std::string_view text);
/// Throws CannotStart if the db with this content was written by a later dbd, or nobody can tell.
void checkVersion(const Node& root, const std::string& file);

/// Sets a flag for the time of its life.
class Flag {
public:
    explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
    ~Flag() { flag_ = false; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;

private:
    bool& flag_;
};

} // namespace xb::dbd
