// SPDX-License-Identifier: Apache-2.0
// The xenvm processes, one per VM: starts them when they are needed, knows which are there, calls them, and
// passes on what they report. They are not children in the usual sense: each has a session of its own and
// goes on when xenmgr ends.
//
// A report counts only if it comes from the connection that owns the VM's bus name, which the bus vouches
// for.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/child.hpp"
#include "xenmgr/context.hpp"

#include "idl/xenvm_client.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace xb::xenmgr {

class XenvmLinks {
public:
    /// What a xenvm says of its VM. `state` is a word of vm_state.hpp.
    struct Listener {
        std::function<void(const std::string& uuid, const std::string& state, int domid)> stateChanged;
        std::function<void(const std::string& uuid, const std::string& text)> error;
        /// The guest set its clock, which is `seconds` ahead of the host's now.
        std::function<void(const std::string& uuid, int seconds)> timeOffsetChanged;
        /// The process is gone, for whatever reason.
        std::function<void(const std::string& uuid)> gone;
    };

    /// Most that a xenvm may take from its start until it owns its name.
    static constexpr std::chrono::seconds startLimit{30};

    XenvmLinks(Bus& bus, const Settings& settings);
    void setListener(Listener listener) { listener_ = std::move(listener); }

    /// Finds out which xenvm are running already. At start-up, once.
    Task<> findRunning();
    bool isRunning(const std::string& uuid) const { return owners_.contains(uuid); }
    std::vector<std::string> running() const;

    /// Makes sure that the VM's xenvm runs; `configFile` may be empty when only a domain is to be adopted.
    Task<> ensure(std::string uuid, std::string configFile);
    /// Returns once no start of the VM's xenvm is under way: one that was killed is being replaced, and calls
    /// to it would fail meanwhile. Whether it runs then is isRunning()'s business.
    Task<> settled(std::string uuid);
    /// The client for the VM's xenvm; calls fail with ServiceUnknown when it does not run.
    idl::xenvm::XenvmClient client(const std::string& uuid) const;

private:
    void ownerChanged(const std::string& name, const std::string& owner);
    bool comesFrom(const Message& signal, std::string& uuid) const;
    struct Starting {
        explicit Starting(const Executor& executor) : done(executor) {}
        Event done;
        std::string failure;
    };
    Task<> reap(std::string uuid, std::shared_ptr<Child> child, std::shared_ptr<Starting> start);

    Bus& bus_;
    const Settings& settings_;
    Listener listener_;
    Subscription ownerWatch_;
    Subscription stateWatch_;
    Subscription errorWatch_;
    Subscription clockWatch_;
    std::map<std::string, std::string> owners_; ///< uuid -> unique name
    std::map<std::string, std::shared_ptr<Starting>> starting_;
};

} // namespace xb::xenmgr
