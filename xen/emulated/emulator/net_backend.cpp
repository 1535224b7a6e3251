// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/net_backend.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace xb::xen::emulated {

namespace {

// Frames taken from one guest before others have their turn.
constexpr int framesPerTurn = 64;

} // namespace

NetBackend::NetBackend(const Executor& executor, std::string backendPath, DomId frontend,
                       const Bridges& bridges)
    : Backend(executor, std::move(backendPath), frontend), bridges_(bridges), channel_(executor) {}

NetBackend::~NetBackend() {
    NetBackend::disconnect();
}

Leaves NetBackend::plug(const Leaves& backend) {
    const auto name = backend.find("bridge");
    bridge_ = bridges_.find(name == backend.end() ? "" : name->second);
    const std::string devid = path.substr(path.rfind('/') + 1);
    return {{"vifname", "vif" + std::to_string(frontendDomid) + "." + devid},
            {"feature-rx-copy", "1"},
            {"feature-rx-flip", "0"},
            {"feature-multicast-control", "0"}};
}

Leaves NetBackend::connect(UniqueFd channel) {
    channel_.assign(channel.release());
    bridge_->attach(*this);
    readFrames();
    return {};
}

void NetBackend::disconnect() {
    if (bridge_)
        bridge_->detach(*this);
    boost::system::error_code ignored;
    channel_.close(ignored);
}

void NetBackend::readFrames() {
    auto onReadable = [weak = weak_from_this(), this](const boost::system::error_code& failure) {
        const auto self = weak.lock();
        if (failure || !self || !channel_.is_open())
            return;
        char frame[maxFrame];
        for (int i = 0; i < framesPerTurn; ++i) {
            const ssize_t size =
                ::recv(channel_.native_handle(), frame, sizeof frame, MSG_DONTWAIT | MSG_TRUNC);
            if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
                return; // the guest has ended
            if (size < 0)
                break;
            if (static_cast<std::size_t>(size) <= sizeof frame) // longer ones are lost, as on a wire
                bridge_->forward(*this, std::string_view(frame, static_cast<std::size_t>(size)));
        }
        readFrames();
    };
    channel_.async_wait(asio::posix::stream_descriptor::wait_read, std::move(onReadable));
}

void NetBackend::deliver(std::string_view frame) {
    if (channel_.is_open())
        ::send(channel_.native_handle(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

} // namespace xb::xen::emulated
