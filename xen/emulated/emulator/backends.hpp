// SPDX-License-Identifier: Apache-2.0
// Domain 0's backend drivers: sees new devices below /local/domain/0/backend in xenstore and takes each
// through the xenbus states together with its frontend. Owns the devices and the bridges.
#pragma once

#include "xen/emulated/emulator/backend.hpp"
#include "xen/emulated/emulator/bridge.hpp"
#include "xen/emulated/emulator/domain_tree.hpp"
#include "xen/emulated/emulator/faults.hpp"
#include "xen/emulated/emulator/options.hpp"

#include <map>

namespace xb::xen::emulated {

class Backends {
public:
    Backends(const Executor& executor, const EmulatorOptions& options, XenStoreClient& store, Faults& faults);
    Backends(const Backends&) = delete;
    Backends& operator=(const Backends&) = delete;
    ~Backends();

    Task<> start();
    /// Waits until the device's backend is in state 2; throws xb::Error when plugging fails or takes too
    /// long.
    Task<> waitUntilReady(DomId frontend, DeviceId id, std::chrono::milliseconds limit);
    /// The device's nodes are removed: it goes at once, so that the next of its number is another.
    void dropDevice(DomId frontend, const DeviceId& id);
    /// The domain is gone: its devices go at once.
    void dropDomain(DomId frontend);

private:
    using BackendPtr = std::shared_ptr<Backend>;

    void onChange(const std::string& path);
    BackendPtr obtain(const std::string& kind, DomId frontend, const std::string& devid);
    Task<> update(BackendPtr backend);
    Task<> step(BackendPtr backend);
    Task<> plug(BackendPtr backend, Leaves own);
    Task<> connect(BackendPtr backend, Leaves front);
    Task<> write(BackendPtr backend, Leaves leaves);
    void drop(const BackendPtr& backend);

    Executor executor_;
    const EmulatorOptions& options_;
    XenStoreClient& store_;
    Faults& faults_;
    Bridges bridges_;
    std::map<std::string, BackendPtr> devices_;
    std::unique_ptr<XenStoreWatch> watch_;
};

} // namespace xb::xen::emulated
