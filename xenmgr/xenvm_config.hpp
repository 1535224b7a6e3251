// SPDX-License-Identifier: Apache-2.0
// The configuration file that xenvm builds a domain from, written out of the database: `key = value` lines,
// the classic grammar of xenvm.
#pragma once

#include "xenmgr/context.hpp"

#include <string>

namespace xb::xenmgr {

/// The text for the VM as it is configured now. Throws xb::Error for what cannot be expressed, such as a line
/// break in a value or a colon in a disk's path.
std::string xenvmConfig(const Context& context, const std::string& uuid);

} // namespace xb::xenmgr
