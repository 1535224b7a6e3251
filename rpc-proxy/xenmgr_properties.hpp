// SPDX-License-Identifier: Apache-2.0
// Properties of VMs as xenmgr has them, kept up to date by its signals. While xenmgr is away the last known
// values hold; when it is back they are read again.
#pragma once

#include "rpc-proxy/relay/log_limit.hpp"
#include "rpc-proxy/relay/vm_properties.hpp"
#include "toolstack/libs/bus.hpp"

#include <map>

namespace xb::proxy {

class XenmgrProperties final : public VmProperties {
public:
    /// Speaks with the bus synchronously.
    explicit XenmgrProperties(Bus& bus);

    void need(std::vector<std::string> names) override;
    void onChanged(std::function<void(const std::string& uuid)> handler) override;
    Task<> acquire(std::string uuid) override;
    void release(const std::string& uuid) override;
    rules::Properties known(const std::string& uuid) const override;

private:
    struct Vm {
        explicit Vm(const Executor& executor) : read(executor) {}
        std::size_t users = 0;
        rules::Properties known;
        bool reading = false;
        bool again = false; // it changed while it was read
        Event read;         // at least once, or tried
    };
    using VmPtr = std::shared_ptr<Vm>;

    void changed(const std::string& uuid);
    void readAll();
    Task<> read(std::string uuid, VmPtr vm);
    Task<> readOnce(std::string uuid, VmPtr vm);

    Bus& bus_;
    LogLimit logLimit_; // clients come as often as they like
    std::vector<std::string> names_;
    std::function<void(const std::string&)> handler_;
    std::map<std::string, VmPtr, std::less<>> vms_;
    std::vector<Subscription> subscriptions_;
};

} // namespace xb::proxy
