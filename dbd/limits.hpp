// SPDX-License-Identifier: Apache-2.0
// Every bound that dbd puts on what callers and files may bring. Each one is an option of the daemon; a
// breach is answered with an error that names the limit and the value.
#pragma once

#include <cstddef>

namespace xb::dbd {

/// Bounds on paths, values, JSON texts and files. All sizes are in bytes.
struct Limits {
    std::size_t pathBytes = 16384; ///< a path as it comes from a caller
    std::size_t depth = 64;        ///< segments of a path; nesting of a JSON value counts on top
    std::size_t nameBytes = 255;   ///< one segment, one key; at most maxNameBytes
    std::size_t valueBytes = std::size_t{16} << 20;  ///< the text of one leaf
    std::size_t injectBytes = std::size_t{64} << 20; ///< the JSON text given to inject
    std::size_t fileBytes = std::size_t{64} << 20;   ///< a file that is loaded
    std::size_t binaryBytes = std::size_t{64} << 20; ///< a binary node's file that is handed to a caller
    std::size_t nodes = 4'000'000;                   ///< nodes in the whole tree
    std::size_t treeBytes = std::size_t{1} << 30;    ///< names and values in the whole tree

    std::size_t journalBytes = std::size_t{256} << 20; ///< changes that are not in their files yet

    std::size_t steps = 4096;       ///< of one apply
    std::size_t signalPaths = 1024; ///< in one signal of changes; more become what they have in common

    // What a guest may have in its part of the tree, and give to inject.
    std::size_t guestNodes = 4096;
    std::size_t guestBytes = std::size_t{1} << 20; ///< names and values; also the JSON text given to inject
    std::size_t guestDepth = 16;                   ///< segments of a path, relative to the guest's part

    static constexpr std::size_t maxNameBytes = 65535; ///< what a node can hold
};

} // namespace xb::dbd
