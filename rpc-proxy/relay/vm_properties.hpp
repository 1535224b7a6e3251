// SPDX-License-Identifier: Apache-2.0
// The properties of VMs that rules depend on, as whoever knows them tells.
#pragma once

#include "rpc-proxy/rules/query.hpp"
#include "toolstack/libs/task.hpp"

#include <functional>
#include <string>
#include <vector>

namespace xb::proxy {

class VmProperties {
public:
    VmProperties() = default;
    VmProperties(const VmProperties&) = delete;
    VmProperties& operator=(const VmProperties&) = delete;
    virtual ~VmProperties() = default;

    /// Which are of interest.
    virtual void need(std::vector<std::string> names) = 0;
    /// Called with the VM's UUID when what known() says changed.
    virtual void onChanged(std::function<void(const std::string& uuid)> handler) = 0;
    /// From now on they are kept up to date for this VM, until release() was called as often. Returns when
    /// they were read, or could not be: then they are unknown until they can.
    virtual Task<> acquire(std::string uuid) = 0;
    virtual void release(const std::string& uuid) = 0;
    virtual rules::Properties known(const std::string& uuid) const = 0;
};

} // namespace xb::proxy
