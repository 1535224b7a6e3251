// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/session.hpp"

#include "rpc-proxy/relay/relay.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <unistd.h>

#include <fmt/format.h>

namespace xb::proxy {

Session::Session(Relay& relay, Arrival arrival, std::shared_ptr<Peer> peer, std::uint64_t number)
    : relay_(relay), peer_(std::move(peer)), name_(fmt::format("domain {} ({})", peer_->domid, arrival.peer)),
      number_(number), filtered_(relay.options_.firewall && peer_->domid != 0),
      client_(*this, {relay.options_.limits.messageBytes}), bus_(*this, {relay.options_.limits.messageBytes}),
      sasl_(std::make_unique<sasl::Server>(relay.options_.sasl)),
      clientCalls_(relay.options_.limits.pendingCalls), busCalls_(relay.options_.limits.pendingCalls) {
    client_.stream = std::move(arrival.stream);
    if ((advice_ = std::move(arrival.advice)))
        advice_->passes = [this](const wire::Header& call) { return wouldPass(call); };
    ++peer_->clients;
}

Session::~Session() = default;

void Session::start() {
    relay_.deadlines_.begin(deadline_, [this] { late(); });
    if (filtered_ && relay_.options_.tellUuid)
        return spawn(relay_.executor_, "finding out who a client is", tellWho(shared_from_this()));
    client_.stream->awaitReadable(client_);
}

// Before the client says anything, since the answer to that tells it.
Task<> Session::tellWho(std::shared_ptr<Session> self) {
    self->subject_ = co_await self->relay_.identify_(self->peer_->domid);
    if (self->phase_ != Phase::sasl)
        co_return;
    self->sasl_ =
        std::make_unique<sasl::Server>(self->relay_.options_.sasl, self->subject_->uuid.value_or(""));
    self->client_.stream->awaitReadable(self->client_);
}

void Session::readable(Side& side) {
    if (phase_ == Phase::over)
        return;
    const Transfer got = side.stream->receive(relay_.buffer_);
    if (got.ended())
        return ended(side, got.reason());
    if (got.state == Transfer::State::blocked)
        return side.stream->awaitReadable(side);
    std::span<char> chunk(relay_.buffer_.data(), got.bytes);
    if (phase_ == Phase::draining)
        return; // of the side that is still there: nobody hears it
    if (phase_ == Phase::sasl)
        return authenticate({chunk.data(), chunk.size()});
    if (&side == &bus_ && phase_ == Phase::connecting && login_->state() == BusLogin::State::authenticating) {
        const std::string_view rest = login_->feed({chunk.data(), chunk.size()});
        chunk = chunk.last(rest.size());
    }
    messages(side, chunk);
    if (phase_ == Phase::connecting && login_->state() == BusLogin::State::failed) {
        peer_->warn("{}: {}", name_, login_->failure());
        return end();
    }
    if (phase_ == Phase::connecting && login_->state() == BusLogin::State::done)
        loggedIn();
    flushAndGoOn();
}

void Session::authenticate(std::string_view bytes) {
    std::string reply;
    const std::string_view rest = sasl_->feed(bytes, reply);
    early_.assign(rest);
    client_.out.append(reply);
    flush(client_);
    if (phase_ != Phase::sasl)
        return;
    if (sasl_->state() == sasl::Server::State::failed) {
        peer_->warn("{}: authentication: {}", name_, sasl_->failure());
        return end();
    }
    if (!sasl_->done())
        return client_.stream->awaitReadable(client_);
    sasl_.reset();
    phase_ = Phase::connecting;
    auto opening = [](std::shared_ptr<Session> self) -> Task<> {
        try {
            co_await self->open();
        } catch (const Error& e) {
            self->peer_->warn("{}: {}", self->name_, e.what());
            self->end();
        }
    };
    spawn(relay_.executor_, "connecting a client", opening(shared_from_this()));
}

Task<> Session::identify() {
    if (!filtered_) {
        subject_.emplace().domid = peer_->domid;
        co_return;
    }
    if (!subject_)
        subject_ = co_await relay_.identify_(peer_->domid);
    if (!subject_->uuid || !relay_.properties_)
        co_return;
    co_await relay_.properties_->acquire(*subject_->uuid);
    if (phase_ == Phase::connecting)
        uuid_ = *subject_->uuid;
    else
        relay_.properties_->release(*subject_->uuid);
}

Task<> Session::open() {
    co_await identify();
    if (phase_ != Phase::connecting)
        co_return;
    judgeAnew();
    const RelayOptions& options = relay_.options_;
    std::string name = clientName(options.clientName, subject_->uuid.value_or(""));
    if (!name.empty() || options.answerNames)
        names_ = std::make_unique<ClientNames>(std::move(name), options.answerNames);
    auto stream = co_await options.connect();
    if (phase_ != Phase::connecting)
        co_return;
    bus_.stream = std::move(stream);
    if (filtered_ && relay_.options_.guestNames)
        guestName_ =
            fmt::format("com.citrix.xenclient.guest.domid_{}.c{}_{}", peer_->domid, ::getpid(), number_);
    login_ = std::make_unique<BusLogin>(guestName_);
    bus_.out.append(login_->opening(relay_.options_.uid));
    flush(bus_);
    if (phase_ == Phase::connecting)
        bus_.stream->awaitReadable(bus_);
}

void Session::loggedIn() {
    uniqueName_ = login_->uniqueName();
    login_.reset();
    phase_ = Phase::hello;
    std::string early = std::exchange(early_, {});
    messages(client_, early);
    client_.out.keep();
    bus_.out.keep();
}

void Session::judgeAnew() {
    if (!filtered_ || phase_ == Phase::sasl || !subject_)
        return;
    const rules::Properties properties =
        uuid_.empty() ? rules::Properties() : relay_.properties_->known(uuid_);
    rules_ = std::make_unique<rules::PeerRules>(relay_.rules_, *subject_, properties);
}

void Session::messages(Side& from, std::span<char> chunk) {
    chunk_ = chunk;
    from.framer.feed(chunk);
    const wire::Limits limits{relay_.options_.limits.messageBytes};
    std::optional<wire::Flaw> flaw;
    while (const auto bytes = from.framer.next()) {
        wire::MessageView message;
        flaw = wire::read(wire::asText(*bytes), limits, message);
        if (flaw)
            break;
        try {
            if (&from == &client_)
                fromClient(*bytes, message);
            else
                fromBus(*bytes, message);
        } catch (const Error& e) { // it would be too long with another name in it
            peer_->warn("{}: {}", name_, e.what());
            refuse(from, message, e.name(), e.what());
        }
        if (phase_ == Phase::over)
            return;
    }
    if (!flaw)
        flaw = from.framer.flaw();
    if (flaw) {
        peer_->warn("{}: {} sent what is no message: {} (limit of a message: {} bytes)", name_,
                    &from == &client_ ? "it" : "the bus", flaw->text(), limits.messageBytes);
        end();
    }
}

void Session::forward(Side& to, std::span<char> message) {
    ++relay_.statistics_.forwarded;
    // Not what the framer had to keep: that is gone with the next message.
    if (std::less_equal<>()(chunk_.data(), message.data()) &&
        std::less<>()(message.data(), chunk_.data() + chunk_.size()))
        to.out.lend(message);
    else
        to.out.append({message.data(), message.size()});
}

void Session::forwardChanged(Side& to, const wire::MessageView& message, const wire::Rewrite& rewrite) {
    ++relay_.statistics_.forwarded;
    to.out.append(wire::rewriteMessage(message, rewrite));
}

void Session::writable(Side& side) {
    if (phase_ == Phase::over)
        return;
    flushAndGoOn();
    if (phase_ == Phase::draining && side.out.empty())
        end();
}

void Session::flush(Side& side) {
    if (side.out.empty() || !side.stream || phase_ == Phase::over)
        return;
    const Transfer sent = side.out.flush(*side.stream);
    if (sent.ended())
        return ended(side, sent.reason());
    if (!side.out.empty())
        side.stream->awaitWritable(side);
}

void Session::flushAndGoOn() {
    flush(client_);
    flush(bus_);
    await(client_);
    await(bus_);
}

// A side is read as long as the other one takes what is for it. What is said to itself, answers and refusals,
// may be as much again before it is not heard any more.
void Session::await(Side& side) {
    if ((phase_ != Phase::hello || &side != &client_) && phase_ != Phase::running &&
        (phase_ != Phase::connecting || &side != &bus_))
        return;
    Side& other = &side == &client_ ? bus_ : client_;
    const std::size_t limit = relay_.options_.limits.queueBytes;
    if (other.out.size() < limit && side.out.size() < 2 * limit) {
        other.slow = false;
        return side.stream->awaitReadable(side);
    }
    Side& slow = other.out.size() < limit ? side : other;
    if (!std::exchange(slow.slow, true))
        peer_->warn("{}: {} does not read: {} bytes wait for it (limit {})", name_,
                    &slow == &client_ ? "it" : "its bus", slow.out.size(), limit);
}

void Session::late() {
    const char* const step = phase_ == Phase::sasl         ? "authenticated"
                             : phase_ == Phase::connecting ? "got a connection to the bus"
                             : phase_ == Phase::hello      ? "said Hello"
                                                           : "taken what was left for it";
    peer_->warn("{}: has not {} within {} ms: closed", name_, step, relay_.deadlines_.time().count());
    end();
}

void Session::ended(Side& side, const std::string& why) {
    if (phase_ == Phase::over)
        return;
    Side& other = &side == &client_ ? bus_ : client_;
    if (&side == &bus_)
        peer_->warn("{}: the connection to {} ended: {}", name_, relay_.options_.outgoing.text(), why);
    else
        log::debug("{}: ended: {}", name_, why);
    const bool last = phase_ == Phase::draining || !other.stream;
    phase_ = Phase::draining;
    if (!last)
        flush(other);
    if (last || phase_ == Phase::over || other.out.empty())
        return end();
    relay_.deadlines_.begin(deadline_, [this] { late(); });
}

void Session::end() {
    if (phase_ == Phase::over)
        return;
    phase_ = Phase::over;
    deadline_.cancel();
    if (advice_)
        advice_->passes = nullptr;
    --peer_->clients;
    if (!uuid_.empty())
        relay_.properties_->release(std::exchange(uuid_, {}));
    relay_.remove(shared_from_this());
}

} // namespace xb::proxy
