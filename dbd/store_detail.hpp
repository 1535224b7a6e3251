// SPDX-License-Identifier: Apache-2.0
// What store_load.cpp and store_reload.cpp share; not for others.
#pragma once

#include <cstddef>

namespace xb::dbd {

/// The depth in the tree of the root of a child's file.
inline constexpr std::size_t recordDepth = 2;

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
