// SPDX-License-Identifier: Apache-2.0
// The VchanListener on any kind of rings: one DomainPort for each domain that there is, and the connections
// that nobody has accepted yet.
#pragma once

#include "xen/vchan.hpp"
#include "xen/vchan/ring.hpp"
#include "xen/xenstore_client.hpp"

namespace xb::xen::vchan {

/// `machine` tells hypervisors apart: there is one listener for a port on each. Throws xb::Error when there
/// is one already, or a limit makes no sense; what fails later is thrown by accept().
std::unique_ptr<VchanListener> listen(const Executor& executor, std::shared_ptr<Rings> rings,
                                      std::shared_ptr<XenStoreClient> store, const std::string& machine,
                                      unsigned port, const VchanLimits& limits);

/// Throws xb::Error unless `port` is one.
void checkPort(unsigned port);

} // namespace xb::xen::vchan
