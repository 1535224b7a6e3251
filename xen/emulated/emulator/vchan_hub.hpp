// SPDX-License-Identifier: Apache-2.0
// Grants and event channels as far as vchans need them: brings who offers a ring in the control domain
// together with who opens it in a domain (emulated_rings.hpp has the sockets). A domain opens only what was
// offered to it; that it is this domain is known by the socket in its directory. Owns the listening sockets
// and a descriptor of every open ring, by which a domain's rings end with the domain.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace xb::xen::emulated {

/// Rings at once, as Linux has for grants (xen_gntalloc.limit).
inline constexpr std::size_t maxRings = 1024;
/// Connections of one domain that wait for a ring, or have not said yet for which one.
inline constexpr std::size_t maxCallersPerDomain = 256;

class VchanHub {
public:
    VchanHub(const Executor& executor, std::string directory);
    VchanHub(const VchanHub&) = delete;
    VchanHub& operator=(const VchanHub&) = delete;
    ~VchanHub();

    /// Listens for the control domain; throws xb::Error.
    void start();
    void close();
    /// The domain's directory is there: listens for it. Throws xb::Error.
    void addDomain(DomId domid);
    /// The domain is gone, and what it had open.
    void removeDomain(DomId domid);

private:
    using Protocol = asio::local::stream_protocol;
    struct Ring;
    struct Caller;
    struct Domain;
    using RingPtr = std::shared_ptr<Ring>;
    using CallerPtr = std::shared_ptr<Caller>;
    using Key = std::pair<DomId, std::string>;

    void listen(Protocol::acceptor& acceptor, const std::string& path);
    Task<> acceptServers();
    Task<> acceptCallers(std::shared_ptr<Domain> domain);
    Task<> serveRing(RingPtr ring);
    Task<> serveCaller(CallerPtr caller);
    bool bringTogether(const RingPtr& ring, const CallerPtr& caller);

    Executor executor_;
    std::string directory_;
    Protocol::acceptor acceptor_;
    std::set<RingPtr> rings_;
    std::map<Key, RingPtr> offers_; ///< nobody has opened them yet
    std::map<Key, std::set<CallerPtr>> waiting_;
    std::map<DomId, std::shared_ptr<Domain>> domains_;
};

} // namespace xb::xen::emulated
