// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/policy.hpp"

namespace xb::xenvm {

namespace {

Reaction byPolicy(Policy policy, std::string error) {
    Reaction reaction;
    reaction.error = std::move(error);
    reaction.tearDown = reaction.shutdown = policy != Policy::preserve;
    reaction.restart = policy == Policy::restart;
    return reaction;
}

// A domain that rebooted is always taken down; the policy only says whether it comes back by itself.
Reaction rebootReaction(Policy policy) {
    Reaction reaction;
    reaction.tearDown = true;
    reaction.rebooted = true;
    reaction.shutdown = policy == Policy::destroy;
    reaction.restart = policy == Policy::restart;
    return reaction;
}

} // namespace

Reaction reactTo(const xen::DomainEvent& event, const Config& config, xen::DomId domid) {
    const std::string domain = "domain " + std::to_string(domid);
    if (event.kind == xen::DomainEvent::Kind::death)
        return byPolicy(Policy::destroy, {}); // nothing is left: only the bookkeeping follows

    switch (event.reason) {
    case xen::ShutdownReason::poweroff:
        return byPolicy(config.onHalt, {});
    case xen::ShutdownReason::reboot:
        return rebootReaction(config.onRestart);
    case xen::ShutdownReason::crash:
        return byPolicy(config.onCrash, "crashed");
    case xen::ShutdownReason::watchdog:
        return byPolicy(config.onCrash, "the watchdog of " + domain + " expired");
    case xen::ShutdownReason::suspend:
        // Destroying it would lose what it believes to be saved.
        return byPolicy(Policy::preserve,
                        domain + " suspended itself, which nobody asked for; it is kept as it is "
                                 "until it is destroyed");
    case xen::ShutdownReason::softReset:
        return byPolicy(config.onHalt, domain + " asked for a soft reset, which is not supported");
    }
    return byPolicy(config.onHalt, domain + " stopped for an unknown reason");
}

} // namespace xb::xenvm
