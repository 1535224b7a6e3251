// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest/frontend.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>

namespace xb::xen::emulated {

namespace {

// Refs of guests start beyond those that Xen reserves for the console and xenstore
// (GNTTAB_NR_RESERVED_ENTRIES).
std::uint32_t nextRef = 8;

} // namespace

int makeListener(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 1) != 0)
        throw std::system_error(errno, std::generic_category(), path);
    return fd.release();
}

Frontend::Frontend(FrontendContext& context, std::string path) : context_(context), path_(std::move(path)) {
    backend_ = context_.store.read(path_ + "/backend").value_or("");
    if (!backend_.empty())
        context_.store.watch(backend_ + "/state", token());
}

Frontend::~Frontend() {
    if (!socketPath_.empty())
        ::unlink(socketPath_.c_str());
}

void Frontend::setState(XenbusState state) {
    state_ = state;
    context_.store.write(path_ + "/state", std::to_string(static_cast<int>(state)));
}

// The toolstack may remove the nodes of a device at any moment, also while it connects.
void Frontend::update() {
    try {
        follow();
    } catch (const StoreError& e) {
        context_.print(path_ + ": gone: " + e.what());
        channel_.reset();
        listener_.reset();
        state_ = XenbusState::closed;
    }
}

void Frontend::follow() {
    const auto text = context_.store.read(backend_ + "/state");
    const auto backendState = static_cast<XenbusState>(numberIn(text.value_or("")));
    switch (backendState) {
    case XenbusState::initWait:
        if (state_ == XenbusState::initialising)
            offer();
        break;
    case XenbusState::connected:
        if (state_ == XenbusState::initialised)
            connect();
        break;
    case XenbusState::closing:
        if (context_.keepDevices && connected())
            refuse();
        else
            close();
        break;
    case XenbusState::closed:
    case XenbusState::unknown:
        close();
        break;
    default:
        break;
    }
}

void Frontend::forget() {
    try {
        if (!backend_.empty())
            context_.store.unwatch(backend_ + "/state", token());
    } catch (const StoreError&) { // it never was
    }
}

bool Frontend::gone() const {
    return state_ == XenbusState::closed && !context_.store.read(path_ + "/state");
}

bool Frontend::replaced() const {
    return state_ == XenbusState::closed && context_.store.read(path_ + "/state") ==
                                                std::to_string(static_cast<int>(XenbusState::initialising));
}

// As Linux says it (xenbus_dev_error).
void Frontend::refuse() {
    context_.store.write("error/" + path_ + "/error", "16 Device in use; refusing to close");
    context_.print(path_ + ": in use, not detached");
}

void Frontend::offer() {
    const std::string ref = std::to_string(nextRef++);
    socketPath_ = context_.directory + "/domains/" + std::to_string(context_.domid) + "/grants/" + ref;
    listener_.reset(makeListener(socketPath_));
    describe(ref);
    context_.store.write(path_ + "/event-channel", ref);
    setState(XenbusState::initialised);
}

void Frontend::connect() {
    // The backend connected its end before it said so: accept cannot have to wait.
    channel_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!channel_) {
        context_.print(path_ + ": the backend says connected but is not: " + std::strerror(errno));
        return;
    }
    listener_.reset();
    setState(XenbusState::connected);
    report();
}

void Frontend::close() {
    if (state_ == XenbusState::closed || state_ == XenbusState::initialising)
        return;
    context_.print(path_ + ": detached");
    channel_.reset();
    listener_.reset();
    try {
        setState(XenbusState::closing);
        setState(XenbusState::closed);
    } catch (const StoreError&) {
        state_ = XenbusState::closed; // the toolstack has removed the device's nodes already
    }
}

} // namespace xb::xen::emulated
