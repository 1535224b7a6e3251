// SPDX-License-Identifier: Apache-2.0
// The database that dbd is measured on: 200 VMs of 300 keys each, 20 in a group.
#pragma once

#include <filesystem>
#include <string>

namespace xb::bench {

inline constexpr unsigned databaseVms = 200;
inline constexpr unsigned databaseKeys = 300;

/// The path of a key below the node that holds the VMs, and the value that it has there.
std::string keyBelow(const std::string& node, unsigned vm, unsigned key);
std::string valueOf(unsigned vm, unsigned key);

/// All VMs as the JSON text of one node.
std::string databaseJson();
/// DIR as dbd keeps it, with a file per VM.
void writeDatabase(const std::filesystem::path& directory);

/// An object of `count` members n0, n1 and so on, a line each.
std::string siblingsJson(unsigned count);
/// DIR with one VM, whose file holds siblingsJson(): the node is `crowdedNode`.
void writeCrowdedVm(const std::filesystem::path& directory, unsigned lines);
inline constexpr auto crowdedNode = "/vm/crowded";

} // namespace xb::bench
