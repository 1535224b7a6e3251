// SPDX-License-Identifier: Apache-2.0
// Ids and MAC addresses of a configuration's NICs: what the file leaves open is filled in so that a VM gets
// the same answer every time.
#pragma once

#include "toolstack/xenvm/config.hpp"

#include <string>

namespace xb::xenvm {

/// The address that NIC `id` of VM `uuid` has when none is configured: octets taken from the MD5 of id, model
/// (unless empty) and UUID, joined by blanks; locally administered.
std::string derivedMac(int id, const std::string& model, const std::string& uuid);
/// 00:16:3e (Xen's) and three random octets.
std::string randomMac();

/// Gives NICs without an id the lowest free one and makes every MAC a valid one: "random" a random one; none,
/// "vm" and anything invalid the derived one. An error text when ids collide or run out, and then nothing is
/// changed.
std::string assignNics(Config& config, const std::string& uuid);

} // namespace xb::xenvm
