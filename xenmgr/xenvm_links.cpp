// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/xenvm_links.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"

#include <csignal>

namespace xb::xenmgr {

namespace {

constexpr std::string_view namePrefix = "org.xen.vm.uuid_";
constexpr std::string_view pathPrefix = "/org/xen/vm/";
constexpr auto interfaceName = "org.xenbroker.xenvm";

std::string nameOf(const std::string& uuid) {
    return std::string(namePrefix) + uuidToPathElement(uuid);
}

std::string uuidOfName(std::string_view name) {
    return name.starts_with(namePrefix) ? uuidFromPathElement(name.substr(namePrefix.size())) : "";
}

} // namespace

XenvmLinks::XenvmLinks(Bus& bus, const Settings& settings) : bus_(bus), settings_(settings) {
    // One rule each for all VMs, not one per VM: a stock bus allows a connection 512.
    SignalMatch owners;
    owners.sender = "org.freedesktop.DBus";
    owners.interface = "org.freedesktop.DBus";
    owners.member = "NameOwnerChanged";
    owners.arg0Namespace = "org.xen.vm";
    ownerWatch_ = bus_.onSignal(owners, [this](Message message) {
        auto [name, before, after] = readBody<std::string, std::string, std::string>(message);
        ownerChanged(name, after);
    });
    SignalMatch states;
    states.pathNamespace = "/org/xen/vm";
    states.interface = interfaceName;
    states.member = "state_changed";
    stateWatch_ = bus_.onSignal(states, [this](Message message) {
        std::string uuid;
        if (!comesFrom(message, uuid) || message.signature() != "si")
            return;
        auto [state, domid] = readBody<std::string, int>(message);
        if (listener_.stateChanged)
            listener_.stateChanged(uuid, state, domid);
    });
    SignalMatch failures = states;
    failures.member = "error";
    errorWatch_ = bus_.onSignal(failures, [this](Message message) {
        std::string uuid;
        if (!comesFrom(message, uuid) || message.signature() != "s")
            return;
        auto [text] = readBody<std::string>(message);
        if (listener_.error)
            listener_.error(uuid, text);
    });
    SignalMatch clocks = states;
    clocks.member = "time_offset_changed";
    clockWatch_ = bus_.onSignal(clocks, [this](Message message) {
        std::string uuid;
        if (!comesFrom(message, uuid) || message.signature() != "i")
            return;
        auto [seconds] = readBody<int>(message);
        if (listener_.timeOffsetChanged)
            listener_.timeOffsetChanged(uuid, seconds);
    });
}

bool XenvmLinks::comesFrom(const Message& signal, std::string& uuid) const {
    const std::string path = signal.path();
    if (!path.starts_with(pathPrefix))
        return false;
    uuid = uuidFromPathElement(std::string_view(path).substr(pathPrefix.size()));
    auto owner = owners_.find(uuid);
    if (owner != owners_.end() && owner->second == signal.sender())
        return true;
    log::warn("ignoring {} for VM {} from {}, which does not own {}", signal.member(), uuid, signal.sender(),
              nameOf(uuid));
    return false;
}

void XenvmLinks::ownerChanged(const std::string& name, const std::string& owner) {
    const std::string uuid = uuidOfName(name);
    if (!isUuid(uuid))
        return;
    if (owner.empty()) {
        if (owners_.erase(uuid) > 0 && listener_.gone)
            listener_.gone(uuid);
        return;
    }
    owners_[uuid] = owner;
    if (auto it = starting_.find(uuid); it != starting_.end())
        it->second->done.set();
}

std::vector<std::string> XenvmLinks::running() const {
    std::vector<std::string> uuids;
    for (const auto& [uuid, owner] : owners_)
        uuids.push_back(uuid);
    return uuids;
}

Task<> XenvmLinks::findRunning() {
    const std::string bus = "org.freedesktop.DBus";
    Message reply =
        co_await bus_.callMethod(bus, std::string("/org/freedesktop/DBus"), bus, std::string("ListNames"));
    std::vector<std::string> names;
    reply >> names;
    for (const auto& name : names) {
        const std::string uuid = uuidOfName(name);
        if (!isUuid(uuid))
            continue;
        if (auto owner = co_await bus_.owner(name))
            owners_[uuid] = *owner;
    }
}

idl::xenvm::XenvmClient XenvmLinks::client(const std::string& uuid) const {
    return idl::xenvm::XenvmClient(bus_, nameOf(uuid), std::string(pathPrefix) + uuidToPathElement(uuid));
}

Task<> XenvmLinks::ensure(std::string uuid, std::string configFile) {
    if (isRunning(uuid))
        co_return;
    auto& entry = starting_[uuid];
    const bool mine = !entry;
    if (mine) {
        entry = std::make_shared<Starting>(bus_.loop().executor());
        Command command;
        command.arguments = {settings_.xenvmProgram.string(),
                             "--uuid",
                             uuid,
                             "--root",
                             settings_.root.string(),
                             "--hypervisor",
                             settings_.hypervisor.kind,
                             "--log-level",
                             settings_.logLevel};
        auto add = [&command](const char* option, const std::string& value) {
            if (!value.empty())
                command.arguments.insert(command.arguments.end(), {option, value});
        };
        add("--bus", settings_.busAddress);
        add("--config", configFile);
        add("--emulator-directory", settings_.hypervisor.emulatorDirectory);
        command.newSession = true;
        // Its readiness is its bus name; our supervisor must not take it for ours.
        command.environment.emplace_back("NOTIFY_SOCKET", "");
        try {
            auto child = std::make_shared<Child>(bus_.loop().executor(), command);
            log::info("VM {}: started its monitor, xenvm[{}]", uuid, child->pid());
            bus_.loop().spawn("waiting for a xenvm", reap(uuid, child, entry));
        } catch (...) {
            starting_.erase(uuid);
            throw;
        }
    }
    auto starting = starting_[uuid];
    const bool ready = co_await starting->done.waitFor(startLimit);
    if (mine)
        starting_.erase(uuid);
    if (isRunning(uuid))
        co_return;
    if (!ready)
        throw Error(errors::timeout, "the monitor of VM " + uuid + " (" + settings_.xenvmProgram.string() +
                                         ") is not on the bus after " + std::to_string(startLimit.count()) +
                                         " s");
    throw Error("the monitor of VM " + uuid + " (" + settings_.xenvmProgram.string() + ") " +
                starting->failure + "; its log says why");
}

Task<> XenvmLinks::settled(std::string uuid) {
    const auto it = starting_.find(uuid);
    if (it == starting_.end())
        co_return;
    const auto starting = it->second;
    static_cast<void>(co_await starting->done.waitFor(startLimit)); // ensure() reports one that does not come
}

Task<> XenvmLinks::reap(std::string uuid, std::shared_ptr<Child> child, std::shared_ptr<Starting> start) {
    const ExitStatus status = co_await child->wait();
    if (!status.success())
        log::warn("VM {}: its monitor xenvm[{}] {}", uuid, child->pid(), status.text());
    // Its own start: its successor may be coming up already, and is not the one that ended.
    start->failure = status.text();
    start->done.set();
}

} // namespace xb::xenmgr
