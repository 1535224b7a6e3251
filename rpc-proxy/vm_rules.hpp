// SPDX-License-Identifier: Apache-2.0
// The rules that VMs have in the database, /vm/<uuid>/rpc-firewall-rules/<n>, followed for the VMs of
// clients. dbd tells of changes before it answers who made them. While dbd is away the last known rules hold,
// and so they do while one of the new ones is broken. A VM whose rules were never known is let nothing
// through: one of them might deny it.
//
// Stands before the properties of VMs: a client is not heard before both are known.
#pragma once

#include "idl/db_client.hpp"
#include "idl/org_xenbroker_db_client.hpp"
#include "rpc-proxy/relay/log_limit.hpp"
#include "rpc-proxy/relay/vm_properties.hpp"
#include "rpc-proxy/rules/rule.hpp"
#include "toolstack/libs/bus.hpp"

#include <map>
#include <memory>
#include <string_view>

namespace xb::proxy {

/// Of one VM; more are refused, and the rules stay as they were.
inline constexpr std::size_t maxVmRules = 1024;
/// VMs without clients whose rules are kept, so that clients that come and go cost the database nothing.
inline constexpr std::size_t keptVms = 64;

class VmRules final : public VmProperties {
public:
    using Handler = std::function<void(const std::string& uuid, std::vector<rules::Rule> rules)>;

    /// `changed` is called with all rules of a VM when they differ from before: at first it has none.
    /// Speaks with the bus synchronously. `properties` must outlive it.
    VmRules(Bus& bus, VmProperties& properties, Handler changed);

    void need(std::vector<std::string> names) override { properties_.need(std::move(names)); }
    void onChanged(std::function<void(const std::string& uuid)> handler) override {
        properties_.onChanged(std::move(handler));
    }
    Task<> acquire(std::string uuid) override;
    void release(const std::string& uuid) override;
    rules::Properties known(const std::string& uuid) const override { return properties_.known(uuid); }

private:
    struct Vm {
        explicit Vm(const Executor& executor) : settled(executor) {}
        std::size_t users = 0;
        std::vector<rules::Rule> rules;
        bool known = false;
        bool reading = false;
        bool again = false; // they changed while they were read
        Event settled;      // read at least once, or tried
    };
    using VmPtr = std::shared_ptr<Vm>;

    void changed(const std::vector<std::string>& paths);
    void readAll();
    void read(const std::string& uuid, const VmPtr& vm);
    Task<> watch();
    Task<> readLoop(std::string uuid, VmPtr vm);
    Task<> readOnce(std::string uuid, VmPtr vm);
    void publish(const std::string& uuid, Vm& vm, std::vector<rules::Rule> rules);
    void closeUnlessKnown(const std::string& uuid, Vm& vm);
    void forgetSome();

    Bus& bus_;
    VmProperties& properties_;
    Handler handler_;
    idl::db::DbClient client_;
    idl::org_xenbroker_db::DbClient extension_;
    LogLimit logLimit_; // clients come as often as they like
    std::map<std::string, VmPtr, std::less<>> vms_;
    Subscription owner_;
    Subscription changes_;
};

/// Whether a change of `path`, which stands for all below it, is one of what is at or below `root`.
bool touches(std::string_view path, std::string_view root);

} // namespace xb::proxy
