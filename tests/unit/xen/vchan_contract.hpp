// SPDX-License-Identifier: Apache-2.0
// How the vchan contract tests (vchan_contract.cpp) find their hypervisor and get a xen-vchan-peer into a
// domain. Defined by the program, as contractEnvironment().
#pragma once

#include "tests/unit/xen/hypervisor_contract.hpp"
#include "xen/vchan.hpp"

namespace xb::xen::test {

/// Port on which peers take their orders.
inline constexpr unsigned peerPort = 5550;

struct VchanEnvironment {
    VchanOptions options;
    /// Makes a domain's configuration one in which a peer runs.
    std::function<void(DomainConfig&)> withPeer;
    /// The domain runs: starts the peer when the domain does not do so itself. Its end comes with that of the
    /// result.
    std::function<std::shared_ptr<void>(const Executor&, DomId)> startPeer;
};

const VchanEnvironment& vchanEnvironment();

} // namespace xb::xen::test
