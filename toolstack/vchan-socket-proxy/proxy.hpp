// SPDX-License-Identifier: Apache-2.0
// Relays a local socket to a plain ring of libxenvchan, one connection at a time and one after another, as
// Xen's vchan-socket-proxy does. As client it listens on the socket and opens the ring for each who comes; as
// server it offers the ring and connects to the socket for each who opens it. Who waits for the ring to
// appear, or for its turn, is told nothing meanwhile. Owns the socket's file and the node that says
// "running".
#pragma once

#include "toolstack/vchan-socket-proxy/local_socket.hpp"
#include "toolstack/vchan-socket-proxy/qmp_filter.hpp"
#include "toolstack/vchan-socket-proxy/relay.hpp"
#include "xen/vchan/ring.hpp"
#include "xen/xenstore.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xb::vchan_proxy {

/// Both directions of one connection.
struct Passages {
    Passage fromSocket;
    Passage fromVchan;
};

/// QMP through a filter of its own: the toolstack is at the socket, or (server) at the vchan.
Passages filtered(const QmpRules& rules, bool server);

struct ProxySettings {
    bool server = false;
    xen::DomId domid = 0;
    std::string node;
    std::string socketFile; ///< empty: `descriptor`
    int descriptor = -1;
    std::string statePath; ///< empty: none
    std::size_t ringSize = 4096;
    std::chrono::milliseconds connectLimit{60000};
    /// After a connection that could not be made; a ring must not be offered again in a busy loop.
    std::chrono::milliseconds pause{200};
    /// For each connection.
    std::function<Passages()> passages = [] { return Passages(); };
};

class Proxy {
public:
    Proxy(const Executor& executor, ProxySettings settings, std::shared_ptr<xen::vchan::Rings> rings,
          std::shared_ptr<xen::XenStore> store);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy();

    /// Until stop(), or until the one connection that an inherited descriptor is for has ended. `ready` is
    /// called once somebody can connect. Throws xb::Error. The proxy must outlive it.
    Task<> run(std::function<void()> ready);
    /// Closes everything and takes back what was published; run() need not have ended then.
    Task<> stop();
    /// A domain has died: its connection ends.
    void domainIsGone(xen::DomId domid);

private:
    Task<> serveSockets(std::function<void()> ready);
    Task<> offerRings(std::function<void()> ready);
    Task<> relay(Socket socket, xen::vchan::RingPtr ring);
    Task<> announce(std::function<void()> ready);

    Executor executor_;
    ProxySettings settings_;
    std::shared_ptr<xen::vchan::Rings> rings_;
    std::shared_ptr<xen::XenStore> store_;
    std::optional<Acceptor> acceptor_;
    bool ownsFile_ = false;
    bool announced_ = false;
    bool stopped_ = false;
    xen::vchan::RingPtr ring_; ///< offered or in use
    std::shared_ptr<Relay> relay_;
    Event stopping_;
};

} // namespace xb::vchan_proxy
