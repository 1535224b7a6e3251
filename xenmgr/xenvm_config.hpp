// SPDX-License-Identifier: Apache-2.0
// The configuration file that xenvm builds a domain from, written out of the database: `key = value` lines,
// the classic grammar of xenvm.
#pragma once

#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <optional>
#include <string>

namespace xb::xenmgr {

/// The text for the VM as it is configured now. Throws xb::Error for what cannot be expressed, such as a line
/// break in a value or a colon in a disk's path.
std::string xenvmConfig(const Context& context, const std::string& uuid);

/// A disk as xenvm's configuration has it; nothing when the VM is not to have it: disabled, kept from it by a
/// policy, or an empty drive, which only HVM guests have. Throws xb::Error for a path that cannot be written.
std::optional<std::string> diskEntry(const Context& context, const std::string& uuid, const Disk& disk,
                                     bool hvm);

/// A NIC as xenvm's configuration has it.
struct NicText {
    std::string text;
    std::string bridge; ///< or the network, which the backend domain looks up
    int backendDomid = 0;
};
/// Nothing when it is disabled or kept from the VM by a policy. Throws xb::Error for a network on no bridge.
std::optional<NicText> nicEntry(const Context& context, const std::string& uuid, const Nic& nic);

} // namespace xb::xenmgr
