// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/relay.hpp"

#include "rpc-proxy/relay/session.hpp"

namespace xb::proxy {

namespace {
// Large enough that a burst of small calls is one read, and a message of 64 KiB too.
constexpr std::size_t bufferBytes = std::size_t{256} << 10;
} // namespace

Relay::Relay(Executor executor, RelayOptions options, Identify identify, VmProperties* properties)
    : executor_(std::move(executor)), options_(std::move(options)), identify_(std::move(identify)),
      properties_(properties), deadlines_(executor_, options_.limits.handshake), buffer_(bufferBytes) {
    if (!properties_)
        return;
    properties_->need(rules_->neededProperties());
    properties_->onChanged([this](const std::string& uuid) {
        for (const auto& session : sessions_) {
            if (session->uuid() == uuid)
                session->judgeAnew();
        }
    });
}

Relay::~Relay() {
    endAll();
}

void Relay::endAll() {
    const auto sessions = std::exchange(sessions_, {});
    for (const auto& session : sessions)
        session->end();
}

void Relay::setRules(std::shared_ptr<const rules::RuleSet> rules) {
    rules_ = std::move(rules);
    if (properties_)
        properties_->need(rules_->neededProperties());
    for (const auto& session : sessions_)
        session->judgeAnew();
}

void Relay::accept(Arrival arrival, std::uint32_t domid) {
    auto peer = peers_[domid].lock();
    if (!peer) {
        peer = std::make_shared<Peer>();
        peer->domid = domid;
        peers_[domid] = peer;
        std::erase_if(peers_, [](const auto& each) { return each.second.expired(); });
    }
    const RelayLimits& limits = options_.limits;
    if (clients_ >= limits.clients || peer->clients >= limits.clientsPerDomain) {
        ++statistics_.clientsRefused;
        const bool all = clients_ >= limits.clients;
        peer->warn("domain {} ({}): refused, {} clients are connected{} (limit {})", domid, arrival.peer,
                   all ? clients_ : peer->clients, all ? "" : " from there",
                   all ? limits.clients : limits.clientsPerDomain);
        return;
    }
    auto session =
        std::make_shared<Session>(*this, std::move(arrival), std::move(peer), ++statistics_.clients);
    sessions_.insert(session);
    ++clients_;
    session->start();
}

// Later: the session is in the middle of something.
void Relay::remove(std::shared_ptr<Session> session) {
    --clients_;
    asio::post(executor_, [this, session = std::move(session), alive = std::weak_ptr(alive_)] {
        if (!alive.expired())
            sessions_.erase(session);
    });
}

} // namespace xb::proxy
