// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/service.hpp"

#include "idl/org_xenbroker_rpc_proxy_server.hpp"
#include "idl/rpc_proxy_server.hpp"
#include "rpc-proxy/rules/limits.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

namespace xb::proxy {

namespace {

class RpcProxyObject : public idl::rpc_proxy::RpcProxyServer {
public:
    RpcProxyObject(RulesInForce& rules, Identity& identity, VmProperties* properties)
        : rules_(rules), identity_(identity), properties_(properties) {}

    Task<> addRule(Caller caller, std::string rule) override {
        rules_.add(rule);
        log::info("{} added the rule \"{}\"", caller.uniqueName, rule);
        co_return;
    }
    Task<> deleteRule(Caller caller, std::string rule) override {
        rules_.remove(rule);
        log::info("{} removed the rule \"{}\"", caller.uniqueName, rule);
        co_return;
    }
    Task<std::vector<std::string>> listRules(Caller) override { co_return rules_.list(); }

    Task<bool> validateCall(Caller, std::int32_t domain, std::string destination, std::string interface,
                            std::string member) override {
        rules::Message message;
        message.type = rules::MessageType::methodCall;
        message.destination = destination;
        message.interface = interface;
        message.member = member;
        co_return co_await judge(domain, message);
    }
    Task<bool> validateRecvSignal(Caller, std::int32_t domain, std::string interface,
                                  std::string member) override {
        rules::Message message;
        message.direction = rules::Direction::outgoing;
        message.type = rules::MessageType::signal;
        message.interface = interface;
        message.member = member;
        co_return co_await judge(domain, message);
    }
    Task<bool> validateSendSignal(Caller, std::int32_t domain, std::string interface,
                                  std::string member) override {
        rules::Message message;
        message.type = rules::MessageType::signal;
        message.interface = interface;
        message.member = member;
        co_return co_await judge(domain, message);
    }

private:
    /// `message` borrows from the caller's frame.
    Task<bool> judge(std::int32_t domain, rules::Message message) {
        if (domain == 0)
            co_return true; // there are no rules for it
        if (domain < 0 || static_cast<std::uint32_t>(domain) > rules::maxDomid)
            co_return false;
        const rules::Subject subject = co_await identity_.of(static_cast<std::uint32_t>(domain));
        if (!subject.uuid)
            co_return false;
        rules::Properties known;
        if (properties_ != nullptr) {
            co_await properties_->acquire(*subject.uuid);
            known = properties_->known(*subject.uuid);
        }
        const bool allowed = rules::PeerRules(rules_.get(), subject, known).evaluate(message).allowed;
        if (properties_ != nullptr)
            properties_->release(*subject.uuid);
        co_return allowed;
    }

    RulesInForce& rules_;
    Identity& identity_;
    VmProperties* properties_;
};

class StatisticsObject : public idl::org_xenbroker_rpc_proxy::RpcProxyServer {
public:
    explicit StatisticsObject(const Relay& relay) : relay_(relay) {}

    Task<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                    std::vector<Struct<std::string, std::uint64_t>>>>
    statistics(Caller) override {
        const Statistics& all = relay_.statistics();
        std::vector<Struct<std::string, std::uint64_t>> denials;
        for (const auto& [rule, count] : all.deniedBy)
            denials.emplace_back(rule, count);
        co_return std::make_tuple(static_cast<std::uint32_t>(relay_.clients()), all.clients,
                                  all.clientsRefused, all.forwarded, all.denied, std::move(denials));
    }

private:
    const Relay& relay_;
};

Task<> refuseGuests(GuestCallers& callers, std::string caller) {
    const auto guest = co_await callers.of(std::move(caller));
    if (guest)
        throw Error(errors::accessDenied, "the rules are for dom0, not for guests");
}

} // namespace

Service::Service(Bus& bus, RulesInForce& rules, Identity& identity, VmProperties* properties,
                 const Relay& relay)
    : callers_(bus, defaultProxyUser,
               [&identity](std::uint32_t domid) -> Task<std::string> { return identity.uuidOf(domid); }) {
    bus.objects().add("/", std::make_shared<RpcProxyObject>(rules, identity, properties));
    bus.objects().add("/", std::make_shared<StatisticsObject>(relay));
    bus.objects().setGuard([this](const Message& call) { return refuseGuests(callers_, call.sender()); });
}

} // namespace xb::proxy
