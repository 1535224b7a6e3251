// SPDX-License-Identifier: Apache-2.0
// Tells the bus what happens to a VM: the traditional signal of xenvm.signal.notify and the typed signals of
// org.xenbroker.xenvm, in the order of events; and the socket of the configuration, where there is one. What
// happens before the service is up is kept and told then, but for states, which callers find.
#pragma once

#include "idl/xenvm_server.hpp"
#include "toolstack/xenvm/notify_socket.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xb::xenvm {

/// Second argument of the traditional signal.
enum class NotifyCode : std::int32_t {
    ping = 0x0000,
    hangUp = 0x0001,
    error = 0x0002,
    vmSet = 0x1000,
    vmTrigger = 0x2000,
    vmState = 0xf000,
};

/// The interface of the traditional signal; it has nothing else.
class NotifyInterface : public idl::xenvm::XenvmSignalNotifyServer {};

class Announcer : public VmListener {
public:
    /// `typed` emits the signals of org.xenbroker.xenvm, `traditional` the other one; both from the VM's
    /// object.
    Announcer(std::string uuid, std::shared_ptr<idl::xenvm::XenvmServer> typed,
              std::shared_ptr<NotifyInterface> traditional);

    /// The traditional notifications go to `socket` as well.
    void alsoTo(std::shared_ptr<NotifySocket> socket) { socket_ = std::move(socket); }
    /// Both interfaces are on the bus and the name is owned: says dbus-rpc-up and what happened before.
    void serving();
    /// The last words.
    void hangUp();

    void stateChanged(LifeState state, int domid) override;
    void failed(const std::string& text) override;
    void timeOffsetChanged(std::int32_t seconds) override;
    void nodeChanged(const std::string& node, const std::string& value) override;

private:
    void whenServing(std::function<void()> tell);
    void notify(NotifyCode code, const std::string& message);

    std::string uuid_;
    std::shared_ptr<idl::xenvm::XenvmServer> typed_;
    std::shared_ptr<NotifyInterface> traditional_;
    bool serving_ = false;
    std::shared_ptr<NotifySocket> socket_;
    std::vector<std::function<void()>> early_;
};

} // namespace xb::xenvm
