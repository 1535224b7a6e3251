// SPDX-License-Identifier: Apache-2.0
// The VchanConnector on any kind of rings: asks on the listener ring, and opens the ring that it is told.
#pragma once

#include "xen/vchan.hpp"
#include "xen/vchan/ring.hpp"

namespace xb::xen::vchan {

/// Pause before a listener ring is tried again that closed before it had answered.
inline constexpr std::chrono::milliseconds retryPause{20};

std::unique_ptr<VchanConnector> makeConnector(std::shared_ptr<Rings> rings);

} // namespace xb::xen::vchan
