// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/proxy.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/vchan/stream.hpp"

#include <boost/asio/redirect_error.hpp>

#include <unistd.h>

namespace xb::vchan_proxy {

using xen::vchan::RingState;

Passages filtered(const QmpRules& rules, bool server) {
    const auto filter = std::make_shared<QmpFilter>(rules);
    const auto fromToolstack = [filter](std::string_view bytes, std::string& passed) {
        filter->fromToolstack(bytes, passed);
    };
    const auto fromDeviceModel = [filter](std::string_view bytes, std::string& passed) {
        filter->fromDeviceModel(bytes, passed);
    };
    return server ? Passages{fromDeviceModel, fromToolstack} : Passages{fromToolstack, fromDeviceModel};
}

Proxy::Proxy(const Executor& executor, ProxySettings settings, std::shared_ptr<xen::vchan::Rings> rings,
             std::shared_ptr<xen::XenStore> store)
    : executor_(executor), settings_(std::move(settings)), rings_(std::move(rings)), store_(std::move(store)),
      stopping_(executor) {}

Proxy::~Proxy() {
    if (ownsFile_)
        ::unlink(settings_.socketFile.c_str());
}

Task<> Proxy::run(std::function<void()> ready) {
    if (settings_.server)
        co_await offerRings(std::move(ready));
    else
        co_await serveSockets(std::move(ready));
}

Task<> Proxy::announce(std::function<void()> ready) {
    if (announced_)
        co_return;
    announced_ = true;
    if (!settings_.statePath.empty())
        co_await store_->write(settings_.statePath, "running");
    ready();
}

Task<> Proxy::serveSockets(std::function<void()> ready) {
    if (settings_.socketFile.empty()) {
        acceptor_.emplace(adoptListening(executor_, settings_.descriptor));
    } else {
        acceptor_.emplace(listenAt(executor_, settings_.socketFile));
        ownsFile_ = true;
    }
    co_await announce(std::move(ready));
    while (!stopped_) {
        boost::system::error_code error;
        Socket socket = co_await acceptor_->async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (stopped_)
            break;
        if (error) { // the client has gone again, or there are no descriptors left
            log::warn("{}: cannot take a connection: {}", settings_.socketFile, error.message());
            co_await stopping_.waitFor(settings_.pause);
            continue;
        }
        xen::vchan::RingPtr ring;
        std::string why = fmt::format("it did not appear within {} s", settings_.connectLimit.count() / 1000);
        try {
            ring = co_await rings_->open(settings_.domid, settings_.node, settings_.connectLimit);
        } catch (const Error& e) {
            why = e.what();
        }
        if (ring)
            co_await relay(std::move(socket), std::move(ring));
        else
            log::warn("vchan {} of domain {}: cannot be opened: {}", settings_.node, settings_.domid, why);
    }
}

Task<> Proxy::offerRings(std::function<void()> ready) {
    while (!stopped_) {
        ring_ = co_await rings_->offer(settings_.domid, settings_.node, settings_.ringSize);
        const auto ring = ring_;
        if (!stopped_)
            co_await announce(ready);
        while (ring->state() == RingState::waiting && !stopped_)
            co_await ring->readable();
        if (stopped_)
            break;
        std::optional<Socket> socket;
        try {
            if (settings_.socketFile.empty())
                socket.emplace(adoptConnected(executor_, settings_.descriptor));
            else
                socket.emplace(co_await connectTo(executor_, settings_.socketFile));
        } catch (const Error& e) {
            log::warn("vchan {} of domain {}: its client is turned away: {}", settings_.node, settings_.domid,
                      e.what());
        }
        if (socket)
            co_await relay(std::move(*socket), ring);
        ring->close(); // before the next one is published in its place
        ring_.reset();
        if (settings_.socketFile.empty())
            break;
        if (!socket)
            co_await stopping_.waitFor(settings_.pause);
    }
    if (ring_)
        ring_->close();
}

Task<> Proxy::relay(Socket socket, xen::vchan::RingPtr ring) {
    ring_ = ring;
    auto passages = settings_.passages();
    auto stream = std::make_unique<xen::vchan::RingStream>(ring, nullptr);
    relay_ = std::make_shared<Relay>(executor_, std::move(socket), std::move(stream),
                                     std::move(passages.fromSocket), std::move(passages.fromVchan));
    log::debug("vchan {} of domain {}: connected", settings_.node, settings_.domid);
    const auto current = relay_;
    const std::string why = co_await Relay::run(current);
    relay_.reset();
    ring_.reset();
    if (!stopped_)
        log::info("vchan {} of domain {}: the connection is over: {}", settings_.node, settings_.domid, why);
}

void Proxy::domainIsGone(xen::DomId domid) {
    if (domid == settings_.domid && ring_)
        ring_->peerIsGone();
}

Task<> Proxy::stop() {
    stopped_ = true;
    stopping_.set();
    boost::system::error_code ignored;
    if (acceptor_)
        acceptor_->close(ignored);
    if (relay_)
        relay_->close("the proxy ends");
    if (ring_)
        ring_->close();
    if (std::exchange(ownsFile_, false))
        ::unlink(settings_.socketFile.c_str());
    if (announced_ && !settings_.statePath.empty())
        co_await store_->remove(settings_.statePath);
}

} // namespace xb::vchan_proxy
