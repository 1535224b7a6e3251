// SPDX-License-Identifier: Apache-2.0
// What every emulated backend device shares: where it is in xenstore, whether it is ready, and what its class
// does when it is plugged, connected and disconnected. The xenbus states are followed by Backends
// (backends.hpp).
#pragma once

#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/device_channel.hpp"
#include "xen/xenstore.hpp"

#include <map>
#include <memory>
#include <string>

namespace xb::xen::emulated {

/// Leaves of a backend's or frontend's directory.
using Leaves = std::map<std::string, std::string, std::less<>>;

class Backend : public std::enable_shared_from_this<Backend> {
public:
    Backend(const Executor& executor, std::string backendPath, DomId frontendId)
        : path(std::move(backendPath)), frontendDomid(frontendId), ready(executor) {}
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    /// Takes what the device stands on (file, bridge); what a hotplug script does. Throws xb::Error; the
    /// result is written to the backend's directory.
    virtual Leaves plug(const Leaves& backend) = 0;
    /// The frontend's leaf that names the channel.
    virtual const char* ringLeaf() const = 0;
    /// Serves the channel from now on; the result is written to the backend's directory.
    virtual Leaves connect(UniqueFd channel) = 0;
    virtual void disconnect() = 0;

    const std::string path;
    const DomId frontendDomid;
    Event ready;       ///< plugged, or failed
    std::string error; ///< why it failed
    bool plugged = false;
    bool awaited = false; ///< its nodes are being written: that they are not there does not mean that it went
    bool stuck = false;   ///< injected fault: it does nothing any more
    bool busy = false;
    bool changed = false;
    std::unique_ptr<XenStoreWatch> frontendWatch;
};

} // namespace xb::xen::emulated
