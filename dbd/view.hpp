// SPDX-License-Identifier: Apache-2.0
// What a caller sees of the tree: all of it, or a guest its own part as if that were all.
#pragma once

#include "dbd/tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace xb::dbd {

class View {
public:
    /// The whole tree.
    View() = default;
    /// That of a domain. Throws xb::Error if the uuid is none: see scopedPath().
    View(std::uint32_t domid, std::string_view uuid);

    bool isWhole() const { return root_.empty(); }
    std::uint32_t domid() const { return domid_; } ///< unless it is the whole tree
    /// Where the caller's `path` lies in the tree.
    std::string place(std::string path) const;
    /// What the caller calls the canonical path of a place; all that is not in his part is "/".
    std::string shown(std::string_view place) const;
    /// As Tree::read, without naming what lies outside.
    std::string read(const Tree& tree, std::string_view path) const;

private:
    std::uint32_t domid_ = 0;
    std::string root_; ///< canonical
};

/// Whether the canonical path `path` is `prefix` or lies below it.
bool isAtOrBelow(std::string_view path, std::string_view prefix);

} // namespace xb::dbd
