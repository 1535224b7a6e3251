// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/connector.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/vchan/listener.hpp"
#include "xen/vchan/messages.hpp"
#include "xen/vchan/stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace xb::xen::vchan {

namespace {

using Clock = std::chrono::steady_clock;

// One attempt to connect.
struct Call {
    std::shared_ptr<Rings> rings;
    DomId server = 0;
    DomId client = 0; ///< we
    unsigned port = 0;
    std::chrono::milliseconds limit{};
    Clock::time_point deadline{};

    std::string name() const { return fmt::format("vchan port {} of domain {}", port, server); }
    std::chrono::milliseconds left() const {
        return std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    }
    [[noreturn]] void late() const {
        throw Error(errors::timeout, fmt::format("{}: no answer within {} ms: does somebody listen on it?",
                                                 name(), limit.count()));
    }
    std::chrono::milliseconds leftOrThrow() const {
        const auto time = left();
        if (time.count() <= 0)
            late();
        return time;
    }
};

Nonce randomNonce() {
    std::random_device device;
    std::uniform_int_distribution<int> byte(-128, 127);
    Nonce nonce;
    std::generate(nonce.begin(), nonce.end(), [&] { return static_cast<char>(byte(device)); });
    return nonce;
}

// Whatever ends the attempt gives the listener ring back.
struct ClosedAtEnd {
    RingPtr ring;
    explicit ClosedAtEnd(RingPtr owned) : ring(std::move(owned)) {}
    ClosedAtEnd(const ClosedAtEnd&) = delete;
    ClosedAtEnd& operator=(const ClosedAtEnd&) = delete;
    ~ClosedAtEnd() { ring->close(); }
};

// The answer to our request; nothing when the ring closes first. Answers to somebody who had the ring before
// us are passed over.
Task<std::optional<Answer>> ask(std::shared_ptr<const Call> call, RingPtr ring) {
    Request request;
    request.nonce = randomNonce();
    const std::string bytes = toBytes(request);
    if (ring->state() == RingState::closed || ring->write(bytes) != bytes.size())
        co_return std::nullopt;
    std::string received;
    std::array<char, headerSize + maxAnswerText> buffer;
    for (;;) {
        const bool closed = ring->state() == RingState::closed;
        const std::size_t size = ring->read(buffer);
        if (size == 0 && closed)
            co_return std::nullopt;
        if (size == 0) {
            const auto time = call->leftOrThrow();
            co_await ring->readableWithin(time);
            continue;
        }
        received.append(buffer.data(), size);
        for (;;) {
            Answer answer;
            std::size_t used = 0;
            const auto parsed = parseAnswer(received, answer, used);
            if (parsed == Parsed::garbage)
                throw Error(call->name() + ": garbage on the listener ring");
            if (parsed == Parsed::incomplete)
                break;
            received.erase(0, used);
            if (answer.nonce == request.nonce)
                co_return answer;
        }
    }
}

Task<Answer> askUntilAnswered(std::shared_ptr<const Call> call) {
    const std::string path = listenPath(call->server, call->client, call->port);
    for (;;) {
        const auto time = call->leftOrThrow();
        auto ring = co_await call->rings->open(call->server, path, time);
        if (!ring)
            call->late();
        const ClosedAtEnd listener(std::move(ring));
        const auto answer = co_await ask(call, listener.ring);
        if (answer)
            co_return *answer;
        listener.ring->close();
        co_await delay(retryPause);
    }
}

Task<std::unique_ptr<VchanStream>> connectTo(std::shared_ptr<Call> call) {
    call->client = co_await call->rings->ownDomid();
    const auto answer = co_await askUntilAnswered(call);
    if (answer.status == Status::refused)
        throw Error(errors::limitsExceeded, call->name() + " refuses: " + answer.text);
    if (answer.status == Status::failed)
        throw Error(call->name() + ": " + answer.text);
    const auto expected = portPath(call->server, call->client, call->port);
    if (!answer.text.starts_with(expected))
        throw Error(call->name() + ": told to use " + answer.text + ", which is not below " + expected);
    const auto time = call->leftOrThrow();
    auto ring = co_await call->rings->open(call->server, answer.text, time);
    if (!ring)
        call->late();
    co_return std::make_unique<RingStream>(std::move(ring), nullptr);
}

class Connector final : public VchanConnector {
public:
    explicit Connector(std::shared_ptr<Rings> rings) : rings_(std::move(rings)) {}

    Task<std::unique_ptr<VchanStream>> connect(DomId server, unsigned port,
                                               std::chrono::milliseconds limit) override {
        checkPort(port);
        auto call = std::make_shared<Call>();
        call->rings = rings_;
        call->server = server;
        call->port = port;
        call->limit = limit;
        call->deadline = Clock::now() + limit;
        return connectTo(std::move(call));
    }

private:
    std::shared_ptr<Rings> rings_;
};

} // namespace

std::unique_ptr<VchanConnector> makeConnector(std::shared_ptr<Rings> rings) {
    return std::make_unique<Connector>(std::move(rings));
}

} // namespace xb::xen::vchan
