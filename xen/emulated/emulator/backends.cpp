// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/backends.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/emulator/block_backend.hpp"
#include "xen/emulated/emulator/net_backend.hpp"

extern "C" {
#include <xenstore.h>
}

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::xen::emulated {

namespace {

constexpr std::string_view backendRoot = "/local/domain/0/backend/";

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto slash = std::min(text.find('/'), text.size());
        parts.emplace_back(text.substr(0, slash));
        text.remove_prefix(std::min(slash + 1, text.size()));
    }
    return parts;
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::string leaf(const Leaves& leaves, std::string_view name) {
    const auto found = leaves.find(name);
    return found == leaves.end() ? "" : found->second;
}

XenbusState stateOf(const Leaves& leaves) {
    return static_cast<XenbusState>(std::min(number(leaf(leaves, "state")).value_or(0), 8u));
}

std::string stateText(XenbusState state) {
    return std::to_string(static_cast<int>(state));
}

// Both halves of a device.
struct Halves {
    bool present = false;
    Leaves own;
    Leaves front;
};

void readLeaf(xs_handle* handle, const std::string& path, const std::string& name, Leaves& leaves) {
    unsigned length = 0;
    void* value = xs_read(handle, XBT_NULL, (path + "/" + name).c_str(), &length);
    if (value)
        leaves.emplace(name, std::string(static_cast<const char*>(value), length));
    std::free(value);
}

// The state first: whoever writes it has written the rest before, so that all that goes with it is seen.
Leaves readLeaves(xs_handle* handle, const std::string& path, bool& present) {
    Leaves leaves;
    readLeaf(handle, path, "state", leaves);
    unsigned count = 0;
    char** names = xs_directory(handle, XBT_NULL, path.c_str(), &count);
    present = names != nullptr;
    for (unsigned i = 0; names && i < count; ++i)
        if (std::strcmp(names[i], "state") != 0)
            readLeaf(handle, path, names[i], leaves);
    std::free(names);
    return leaves;
}

// The channel that a frontend offers; its ref is a number, so that it can name nothing else.
UniqueFd openChannel(const std::string& directory, DomId domid, const std::string& ref) {
    const auto checked = number(ref);
    if (!checked)
        throw Error("\"" + ref.substr(0, 32) + "\" is not a ring-ref");
    const std::string path =
        directory + "/domains/" + std::to_string(domid) + "/grants/" + std::to_string(*checked);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw systemError(path, ENAMETOOLONG);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw systemError("cannot map ring-ref " + ref, errno);
    return fd;
}

} // namespace

Backends::Backends(const Executor& executor, const EmulatorOptions& options, XenStoreClient& store,
                   Faults& faults)
    : executor_(executor), options_(options), store_(store), faults_(faults), bridges_(options.bridges) {}

Backends::~Backends() = default;

Task<> Backends::start() {
    auto handler = [this](const std::string& path) { onChange(path); };
    watch_ =
        co_await store_.watch(std::string(backendRoot.substr(0, backendRoot.size() - 1)), std::move(handler));
}

void Backends::onChange(const std::string& path) {
    if (!path.starts_with(backendRoot))
        return;
    const auto parts =
        split(std::string_view(path).substr(backendRoot.size())); // kind, frontend, devid, leaf
    if (parts.size() == 4 && parts[3] != "state" && parts[3] != "online")
        return;
    if (parts.size() < 3) { // a whole domain or class went: its devices look for themselves
        const auto copy = devices_;
        for (const auto& [key, device] : copy)
            if (key.starts_with(path + "/"))
                spawn(executor_, key, update(device));
        return;
    }
    const auto frontend = number(parts[1]);
    if (!frontend || !number(parts[2]))
        return;
    if (const auto device = obtain(parts[0], *frontend, parts[2]))
        spawn(executor_, device->path, update(device));
}

Backends::BackendPtr Backends::obtain(const std::string& kind, DomId frontend, const std::string& devid) {
    const std::string path = std::string(backendRoot) + kind + "/" + std::to_string(frontend) + "/" + devid;
    const auto found = devices_.find(path);
    if (found != devices_.end())
        return found->second;
    BackendPtr device;
    if (kind == "vbd")
        device = std::make_shared<BlockBackend>(executor_, path, frontend);
    else if (kind == "vif")
        device = std::make_shared<NetBackend>(executor_, path, frontend, bridges_);
    else
        return nullptr;
    devices_.emplace(path, device);
    return device;
}

// One at a time per device; a change that comes meanwhile is looked at afterwards.
Task<> Backends::update(BackendPtr backend) {
    backend->changed = true;
    if (backend->busy)
        co_return;
    backend->busy = true;
    while (std::exchange(backend->changed, false)) {
        try {
            co_await step(backend);
        } catch (const std::exception& e) {
            log::error("{}: {}", backend->path, e.what());
        }
    }
    backend->busy = false;
}

Task<> Backends::step(BackendPtr backend) {
    auto read = [path = backend->path](xs_handle* handle) {
        Halves halves;
        halves.own = readLeaves(handle, path, halves.present);
        bool ignored = false;
        if (const auto frontend = leaf(halves.own, "frontend"); !frontend.empty())
            halves.front = readLeaves(handle, frontend, ignored);
        return halves;
    };
    auto halves = co_await store_.run(std::move(read));
    const auto known = devices_.find(backend->path);
    if (known == devices_.end() || known->second != backend || backend->stuck)
        co_return;
    const XenbusState own = stateOf(halves.own);
    if (!halves.present || own == XenbusState::unknown) {
        if (!backend->awaited || backend->plugged)
            drop(backend);
        co_return;
    }
    const XenbusState front = stateOf(halves.front);
    const bool frontGone = front == XenbusState::unknown || front == XenbusState::closed;
    if (own == XenbusState::initialising && !backend->plugged) {
        co_await plug(backend, std::move(halves.own));
    } else if (own == XenbusState::initWait &&
               (front == XenbusState::initialised || front == XenbusState::connected)) {
        co_await connect(backend, std::move(halves.front));
    } else if (own == XenbusState::connected && front == XenbusState::closing) {
        backend->disconnect();
        Leaves next;
        next["state"] = stateText(XenbusState::closing);
        co_await write(backend, std::move(next));
    } else if ((own == XenbusState::closing || own == XenbusState::connected) && frontGone) {
        backend->disconnect();
        Leaves next;
        next["state"] = stateText(XenbusState::closed);
        co_await write(backend, std::move(next));
    }
}

Task<> Backends::plug(BackendPtr backend, Leaves own) {
    if (faults_.take(Faults::backendNeverConnects)) {
        backend->stuck = true;
        co_return;
    }
    backend->plugged = true;
    if (faults_.take(Faults::slowHotplug))
        co_await delay(faults_.time(Faults::slowHotplug));
    Leaves result;
    try {
        if (faults_.take(Faults::hotplugFails))
            throw Error(std::string("injected fault ") + Faults::hotplugFails);
        result = backend->plug(own);
        result["hotplug-status"] = "connected";
        result["state"] = stateText(XenbusState::initWait);
    } catch (const Error& e) {
        backend->error = e.what();
        result = {{"hotplug-status", "error"}, {"hotplug-error", backend->error}};
    }
    if (backend->error.empty()) {
        auto handler = [this, weak = std::weak_ptr(backend)](const std::string& path) {
            if (const auto device = weak.lock())
                spawn(executor_, path, update(device));
        };
        backend->frontendWatch = co_await store_.watch(leaf(own, "frontend") + "/state", std::move(handler));
    }
    co_await write(backend, std::move(result));
    backend->ready.set();
}

Task<> Backends::connect(BackendPtr backend, Leaves front) {
    Leaves result;
    try {
        result = backend->connect(
            openChannel(options_.directory, backend->frontendDomid, leaf(front, backend->ringLeaf())));
        result["state"] = stateText(XenbusState::connected);
    } catch (const Error& e) {
        log::error("{}: {}", backend->path, e.what());
        backend->disconnect();
        result = {{"error", e.what()}, {"state", stateText(XenbusState::closing)}};
    }
    co_await write(backend, std::move(result));
}

// The state last, so that whoever sees it finds the rest. Nothing is written for a device whose nodes are
// gone: the toolstack may remove them at any time, and what is written after it would stay for ever. Linux
// looks in the same way (xenbus_switch_state).
Task<> Backends::write(BackendPtr backend, Leaves leaves) {
    auto work = [path = backend->path, leaves = std::move(leaves)](xs_handle* handle) {
        inTransaction(handle, path, [&](std::uint32_t transaction) {
            const std::string state = path + "/state";
            unsigned length = 0;
            const std::unique_ptr<void, decltype(&std::free)> there(
                xs_read(handle, transaction, state.c_str(), &length), &std::free);
            if (!there && errno == ENOENT)
                return;
            auto put = [&](const std::string& node, const std::string& value) {
                if (!xs_write(handle, transaction, node.c_str(), value.data(),
                              static_cast<unsigned>(value.size())))
                    throw systemError("xenstore: cannot write " + node, errno);
            };
            for (const auto& [name, value] : leaves)
                if (name != "state")
                    put(path + "/" + name, value);
            if (const auto value = leaf(leaves, "state"); !value.empty())
                put(state, value);
        });
    };
    co_await store_.run(std::move(work));
}

Task<> Backends::waitUntilReady(DomId frontend, DeviceId id, std::chrono::milliseconds limit) {
    const std::string text =
        id.kind + " " + std::to_string(id.devid) + " of domain " + std::to_string(frontend);
    const auto device = obtain(id.kind, frontend, std::to_string(id.devid));
    device->awaited = true;
    if (!co_await device->ready.waitFor(limit))
        throw Error(errors::timeout,
                    text + ": its backend did not get ready in " + std::to_string(limit.count()) + " ms");
    if (!device->error.empty())
        throw Error(text + ": hotplug failed: " + device->error);
}

void Backends::drop(const BackendPtr& backend) {
    backend->disconnect();
    backend->frontendWatch.reset();
    devices_.erase(backend->path);
}

void Backends::dropDevice(DomId frontend, const DeviceId& id) {
    const auto found = devices_.find(backendPath(id.kind, frontend, id.devid));
    if (found == devices_.end())
        return;
    const BackendPtr device = found->second;
    drop(device);
}

void Backends::dropDomain(DomId frontend) {
    const auto copy = devices_;
    for (const auto& [path, device] : copy)
        if (device->frontendDomid == frontend)
            drop(device);
}

} // namespace xb::xen::emulated
