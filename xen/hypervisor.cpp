// SPDX-License-Identifier: Apache-2.0
// What both implementations of the hypervisor layer share: the words for shutdown reasons.
#include "xen/facts.hpp"

namespace xb::xen {

const char* toString(ShutdownReason reason) {
    switch (reason) {
    case ShutdownReason::poweroff:
        return "poweroff";
    case ShutdownReason::reboot:
        return "reboot";
    case ShutdownReason::suspend:
        return "suspend";
    case ShutdownReason::crash:
        return "crash";
    case ShutdownReason::watchdog:
        return "watchdog";
    case ShutdownReason::softReset:
        return "soft-reset";
    }
    return "unknown";
}

} // namespace xb::xen
