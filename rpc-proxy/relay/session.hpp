// SPDX-License-Identifier: Apache-2.0
// One client and its connection to the bus.
//
//     client --sasl--> authenticated --> bus: authenticate, Hello, name --> client's Hello --> messages
//
// The bus connection is made only once the client is through with its part, and the client hears nothing of
// what was said there before. From then on every message is read, judged and sent on as it is. What one side
// does not read stops the other, not the rest of the world.
//
// Messages of the client are judged in session_client.cpp, those of the bus in session_bus.cpp.
#pragma once

#include "rpc-proxy/channels/listener.hpp"
#include "rpc-proxy/relay/bus_login.hpp"
#include "rpc-proxy/relay/client_names.hpp"
#include "rpc-proxy/relay/deadlines.hpp"
#include "rpc-proxy/relay/out_queue.hpp"
#include "rpc-proxy/relay/peer.hpp"
#include "rpc-proxy/relay/pending_calls.hpp"
#include "rpc-proxy/rules/rule_set.hpp"
#include "rpc-proxy/sasl/server.hpp"
#include "rpc-proxy/wire/framer.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "rpc-proxy/wire/rewrite.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xb::proxy {

class Relay;

class Session final : public std::enable_shared_from_this<Session> {
public:
    Session(Relay& relay, Arrival arrival, std::shared_ptr<Peer> peer, std::uint64_t number);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    void start();
    /// The rules, or what they depend on, changed.
    void judgeAnew();
    /// Ends it. Afterwards it may outlive the relay.
    void end();
    /// The VM it belongs to; empty: not known.
    const std::string& uuid() const { return uuid_; }
    /// For the log: "domain 7 (uid 0, pid 12)".
    const std::string& name() const { return name_; }

private:
    enum class Phase : std::uint8_t {
        sasl,       ///< the client authenticates
        connecting, ///< the bus connection is made
        hello,      ///< waiting for the client's Hello
        running,
        draining, ///< one side ended: what is there for the other is sent
        over,
    };

    struct Side final : StreamUser {
        Side(Session& owner, const wire::Limits& limits) : session(owner), framer(limits) {}
        void readable() override { session.readable(*this); }
        void writable() override { session.writable(*this); }

        Session& session;
        std::unique_ptr<Stream> stream;
        OutQueue out;
        wire::Framer framer;
        bool slow = false; // does not read what waits for it, and that was said
    };

    void readable(Side& side);
    void writable(Side& side);
    static Task<> tellWho(std::shared_ptr<Session> self);
    void authenticate(std::string_view bytes);
    Task<> open();
    Task<> identify();
    void loggedIn();
    void messages(Side& from, std::span<char> chunk);
    void forward(Side& to, std::span<char> message);
    void flush(Side& side);
    void flushAndGoOn();
    void await(Side& side);
    void late();
    void ended(Side& side, const std::string& why);

    // session_client.cpp
    void fromClient(std::span<char> bytes, wire::MessageView& message);
    bool translated(const wire::MessageView& message);
    void hello(const wire::MessageView& message);
    bool toDriver(std::span<char> bytes, const wire::MessageView& message);
    void subscribe(std::span<char> bytes, const wire::MessageView& message);
    bool mayOwn(std::string_view name) const;

    // session_bus.cpp
    void fromBus(std::span<char> bytes, wire::MessageView& message);
    void toClient(std::span<char> bytes, const wire::MessageView& message);
    void forwardNames(std::span<char> bytes, const wire::MessageView& message);
    bool isHidden(const wire::MessageView& message);

    // both
    void forwardChanged(Side& to, const wire::MessageView& message, const wire::Rewrite& rewrite);
    bool allowed(rules::Direction direction, const wire::MessageView& message);
    rules::Verdict judge(rules::Direction direction, const wire::Header& message,
                         std::optional<std::string_view> firstString) const;
    bool wouldPass(const wire::Header& call) const;
    /// Answers `call` in the name of the bus, if it wants an answer.
    void refuse(Side& to, const wire::MessageView& call, std::string_view error, std::string_view text);
    bool registerCall(PendingCalls& calls, Side& caller, const wire::MessageView& call,
                      std::string_view peer);
    void appendFromDriver(wire::Header header, std::string_view text);

    Relay& relay_;
    std::shared_ptr<Peer> peer_;
    std::string name_;
    std::uint64_t number_;
    Phase phase_ = Phase::sasl;
    bool filtered_;
    Side client_;
    Side bus_;
    std::shared_ptr<Advice> advice_;     // for the client's stream; may be null
    std::unique_ptr<sasl::Server> sasl_; // these three: before the messages
    std::unique_ptr<BusLogin> login_;
    std::string early_; // messages that came with the authentication
    Deadlines::Deadline deadline_;
    std::string uniqueName_;
    std::string guestName_;
    std::string uuid_;
    std::optional<rules::Subject> subject_; // once it was found out
    std::unique_ptr<rules::PeerRules> rules_;
    std::unique_ptr<ClientNames> names_; // where names are not what they seem
    std::span<const char> chunk_;        // what was received into the common buffer
    std::uint32_t serial_ = 0;           // of the messages that the proxy makes up
    PendingCalls clientCalls_;           // by the client
    PendingCalls busCalls_;              // to the client
    // Only a program of dom0's can become a monitor of the bus: from then on it gets what is for others.
    std::optional<std::uint32_t> monitorCall_; // by which it asked
    bool monitors_ = false;
};

} // namespace xb::proxy
