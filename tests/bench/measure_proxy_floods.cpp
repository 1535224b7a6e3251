// SPDX-License-Identifier: Apache-2.0
#include "measure_proxy_floods.hpp"

#include "wire_client.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace xb::bench {

namespace {

using namespace std::string_literals;
using Clock = std::chrono::steady_clock;

constexpr unsigned rounds = 12;
constexpr unsigned callsPerRound = 400;
constexpr unsigned halfOpen = 40; // of the 48 clients that a domain may have
constexpr unsigned connectsPerSecond = 1000;
constexpr double mayRise = 1.1;

/// Somebody who makes trouble, until end() or the end of the object.
class Trouble {
public:
    Trouble() = default;
    Trouble(const Trouble&) = delete;
    Trouble& operator=(const Trouble&) = delete;
    virtual ~Trouble() = default;
    /// Throws when it could not make its trouble.
    virtual void end() {}
};
using MakeTrouble = std::function<std::unique_ptr<Trouble>()>;

/// Calls until nothing more is taken, and never reads an answer.
class NeverReads : public Trouble {
public:
    explicit NeverReads(const std::string& socket) : client_(socket) { client_.callUntilFull(); }

private:
    WireClient client_;
};

/// Connections that begin to authenticate.
class HalfOpen : public Trouble {
public:
    explicit HalfOpen(const std::string& socket) {
        for (unsigned i = 0; i < halfOpen; ++i) {
            sockets_.push_back(connectTo(socket));
            sendAll(sockets_.back().get(), "\0AUTH EXTERN"s);
        }
    }

private:
    std::vector<UniqueFd> sockets_;
};

/// Connects and leaves, at an even pace.
class Connects : public Trouble {
public:
    explicit Connects(const std::string& socket)
        : work_(std::async(std::launch::async, [this, socket] { run(socket); })) {}
    Connects(const Connects&) = delete;
    Connects& operator=(const Connects&) = delete;
    ~Connects() override { over_ = true; } // what became of it waits for the thread
    void end() override {
        over_ = true;
        work_.get();
    }

private:
    void run(const std::string& socket) {
        const auto begin = Clock::now();
        for (std::int64_t i = 0; !over_; ++i) {
            std::this_thread::sleep_until(begin +
                                          std::chrono::microseconds(1'000'000 * i / connectsPerSecond));
            const UniqueFd connection = connectTo(socket);
            sendAll(connection.get(), "\0AUTH"s);
        }
    }

    std::atomic<bool> over_{false};
    std::future<void> work_;
};

void measure(Report& report, Effort effort, const std::string& socket, const std::string& name,
             const MakeTrouble& make) {
    WireClient client(socket);
    std::vector<double> without, with;
    const unsigned calls = effort.times(callsPerRound);
    for (unsigned i = 0; i < rounds; ++i) {
        client.oneByOne(calls, without);
        const auto trouble = make();
        client.oneByOne(calls, with);
        trouble->end();
    }
    report.add({fmt::format("p99 beside {}", name), quantile(with, 0.99), "us",
                Goal{mayRise, Goal::Sense::atMost, true},
                fmt::format("p50 {:.1f} us, without {:.1f}", median(with), median(without)),
                quantile(without, 0.99)});
}

} // namespace

void measureFloods(ProxyWorld& world, Report& report, Effort effort) {
    RunningProxy proxy = world.startProxy(100);
    const std::string& socket = proxy.socket;
    measure(report, effort, socket, "nobody", [] { return std::make_unique<Trouble>(); });
    measure(report, effort, socket, "one who never reads",
            [&socket] { return std::make_unique<NeverReads>(socket); });
    measure(report, effort, socket, fmt::format("{} half-open connections", halfOpen),
            [&socket] { return std::make_unique<HalfOpen>(socket); });
    measure(report, effort, socket, fmt::format("{} connects a second", connectsPerSecond),
            [&socket] { return std::make_unique<Connects>(socket); });
    proxy.stop();
}

} // namespace xb::bench
