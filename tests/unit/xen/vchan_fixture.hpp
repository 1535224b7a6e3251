// SPDX-License-Identifier: Apache-2.0
// What the tests of vchans on a hypervisor stand on. The tests are the control domain; in each domain runs a
// xen-vchan-peer that does what it is told.
#pragma once

#include "tests/unit/xen/vchan_contract.hpp"
#include "tests/unit/xen/vchan_pattern.hpp"

#include <fmt/format.h>

#include <map>

namespace xb::xen::test {

inline constexpr unsigned testPort = 5551;
inline constexpr int connectMs = 20000;

/// One peer, from here.
class RemotePeer {
public:
    RemotePeer(Executor executor, DomId id, std::unique_ptr<VchanStream> stream,
               std::shared_ptr<void> process)
        : domid(id), executor_(executor), state_(std::make_shared<State>(executor)),
          process_(std::move(process)) {
        state_->stream = std::move(stream);
        spawn(executor_, "peer", receive(state_));
    }

    /// Done when it is.
    Task<std::string> tell(std::string command) { return tellOn(state_, std::move(command)); }
    /// Ends with the connection to the peer.
    Task<> end() { return waitForEnd(state_); }

    const DomId domid;

private:
    struct State {
        explicit State(const Executor& executor) : changed(executor), writing(executor) {}
        std::shared_ptr<VchanStream> stream;
        std::map<std::string, std::string> answers;
        Event changed;
        AsyncMutex writing;
        int next = 1;
        bool ended = false;
    };
    using StatePtr = std::shared_ptr<State>;

    static Task<> receive(StatePtr state) {
        std::array<char, 1024> buffer;
        std::string received;
        const auto stream = state->stream;
        while (const std::size_t size = co_await stream->readSome(buffer)) {
            received.append(buffer.data(), size);
            for (std::size_t end = 0; (end = received.find('\n')) != std::string::npos;) {
                const auto space = received.find(' ');
                state->answers[received.substr(0, space)] = received.substr(space + 1, end - space - 1);
                received.erase(0, end + 1);
                state->changed.set();
            }
        }
        state->ended = true;
        state->changed.set();
    }

    static Task<std::string> tellOn(StatePtr state, std::string command) {
        const std::string id = std::to_string(state->next++);
        const std::string line = id + " " + command + "\n";
        {
            const auto lock = co_await state->writing.lock();
            std::span<const char> left(line);
            while (!left.empty()) {
                const auto size = co_await state->stream->writeSome(left);
                left = left.subspan(size);
            }
        }
        while (!state->answers.contains(id)) {
            if (state->ended)
                throw std::runtime_error("the peer ended during " + command);
            state->changed.clear();
            co_await state->changed.wait();
        }
        co_return state->answers[id];
    }

    static Task<> waitForEnd(StatePtr state) {
        while (!state->ended) {
            state->changed.clear();
            co_await state->changed.wait();
        }
    }

    Executor executor_;
    StatePtr state_;
    std::shared_ptr<void> process_;
};

/// A coroutine that runs by itself.
template <class T>
struct Running {
    std::optional<T> result;
    std::exception_ptr failure;
    bool done() const { return result || failure; }
};

class VchanContract : public HypervisorTest {
protected:
    VchanContract() : orders_(listen(peerPort, {})) {}

    std::unique_ptr<VchanListener> listen(unsigned port, const VchanLimits& limits) {
        return openVchanListener(loop_.executor(), vchanEnvironment().options, port, limits);
    }
    std::unique_ptr<VchanStream> accept(VchanListener& listener) { return await(listener.accept()); }

    std::unique_ptr<RemotePeer> startPeer() {
        auto wanted = config();
        vchanEnvironment().withPeer(wanted);
        const DomId domid = start(std::move(wanted));
        return peerOf(domid);
    }
    /// The peer of a domain that runs.
    std::unique_ptr<RemotePeer> peerOf(DomId domid) {
        auto process = vchanEnvironment().startPeer(loop_.executor(), domid);
        auto stream = accept(*orders_);
        EXPECT_EQ(stream->peer(), domid);
        return std::make_unique<RemotePeer>(loop_.executor(), domid, std::move(stream), std::move(process));
    }

    template <class T>
    std::shared_ptr<Running<T>> run(Task<T> task) {
        auto running = std::make_shared<Running<T>>();
        asio::co_spawn(loop_.context(), std::move(task), [running](std::exception_ptr error, T value) {
            running->failure = error;
            if (!error)
                running->result.emplace(std::move(value));
        });
        return running;
    }
    template <class T>
    T result(const std::shared_ptr<Running<T>>& running, const std::string& what) {
        runUntil([&] { return running->done(); }, what);
        if (running->failure)
            std::rethrow_exception(running->failure);
        return std::move(*running->result);
    }

    std::string tell(RemotePeer& peer, const std::string& command) { return await(peer.tell(command)); }
    std::string connectCommand(unsigned port = testPort) const {
        return fmt::format("connect {} {}", port, connectMs);
    }
    /// A connection of the peer: what it calls it, and this end.
    struct Connection {
        std::string name;
        std::unique_ptr<VchanStream> stream;
    };
    Connection connect(RemotePeer& peer, VchanListener& listener) {
        const auto answer = tell(peer, connectCommand());
        if (!answer.starts_with("ok "))
            throw std::runtime_error("the peer does not connect: " + answer);
        return {answer.substr(3), accept(listener)};
    }
    void expectWorks(RemotePeer& peer, Connection& connection) {
        const auto sending = run(peer.tell("send " + connection.name + " 100"));
        await(receivePattern(*connection.stream, 100));
        EXPECT_EQ(result(sending, "the peer to send"), "ok");
        const auto receiving = run(peer.tell("receive " + connection.name + " 100"));
        await(sendPattern(*connection.stream, 100));
        EXPECT_EQ(result(receiving, "the peer to receive"), "ok");
    }

    std::unique_ptr<VchanListener> orders_;
};

} // namespace xb::xen::test
