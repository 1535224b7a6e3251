// SPDX-License-Identifier: Apache-2.0
#include "measure_proxy_floods.hpp"

#include "browser_client.hpp"
#include "tests/support/process_facts.hpp"
#include "wire_client.hpp"

#include <fmt/format.h>

#include <algorithm>
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
using xb::test::memoryOf;

constexpr unsigned rounds = 12;
constexpr unsigned callsPerRound = 400;
constexpr unsigned halfOpen = 40; // of the 48 clients that a domain may have
constexpr unsigned connectsPerSecond = 1000;
constexpr unsigned rudeBrowsers = 200;
constexpr unsigned rudeRounds = 4; // all of them take seconds to get ready
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

/// Browsers of four kinds: they say nothing; begin a handshake; begin a text; or call, and never read.
class RudeBrowsers : public Trouble {
public:
    explicit RudeBrowsers(const std::string& socket) {
        for (unsigned i = 0; i < rudeBrowsers / 4; ++i) {
            sockets_.push_back(connectTo(socket));
            sockets_.push_back(connectTo(socket));
            sendAll(sockets_.back().get(), "GET / HTTP/1.1\r\nHost: loc");
            browsers_.push_back(std::make_unique<BrowserClient>(socket));
            browsers_.back()->sendHalfAText();
            browsers_.push_back(std::make_unique<BrowserClient>(socket));
            browsers_.back()->callUntilFull();
        }
    }

private:
    std::vector<UniqueFd> sockets_;
    std::vector<std::unique_ptr<BrowserClient>> browsers_;
};

void measure(Report& report, Effort effort, CallingClient& client, unsigned times, const std::string& name,
             const MakeTrouble& make) {
    std::vector<double> without, with, passedOver;
    const unsigned calls = effort.times(callsPerRound * rounds / times);
    for (unsigned i = 0; i < times; ++i) {
        client.oneByOne(calls, without);
        {
            const auto trouble = make();
            client.oneByOne(calls, with);
            trouble->end();
        }
        client.oneByOne(calls / 4, passedOver); // while what they left is cleared away
    }
    report.add({fmt::format("p99 beside {}", name), quantile(with, 0.99), "us",
                Goal{mayRise, Goal::Sense::atMost, true},
                fmt::format("p50 {:.1f} us, without {:.1f}", median(with), median(without)),
                quantile(without, 0.99)});
}

// Another browser of the same domain. Memory is bounded by what each may have waiting, in and out of the
// proxy.
void measureRudeBrowsers(ProxyWorld& world, Report& report, Effort effort) {
    RunningProxy proxy =
        world.startProxy(100, {"--json-in", "--websockets-in", "--auto-auth", "--max-clients",
                               std::to_string(2 * rudeBrowsers), "--max-clients-per-domain",
                               std::to_string(rudeBrowsers + 1), "--handshake-timeout", "600000"});
    const std::string& socket = proxy.socket;
    const double before = memoryOf(proxy.pid()).anonymous;
    double most = 0;
    BrowserClient client(socket);
    measure(report, effort, client, rudeRounds, fmt::format("{} rude browsers", rudeBrowsers), [&] {
        auto trouble = std::make_unique<RudeBrowsers>(socket);
        most = std::max(most, memoryOf(proxy.pid()).anonymous);
        return trouble;
    });
    report.add({fmt::format("memory of {} rude browsers", rudeBrowsers), (most - before) / 1024, "MiB"});
    proxy.stop();
}

} // namespace

void measureFloods(ProxyWorld& world, Report& report, Effort effort) {
    RunningProxy proxy = world.startProxy(100);
    const std::string& socket = proxy.socket;
    WireClient client(socket);
    measure(report, effort, client, rounds, "nobody", [] { return std::make_unique<Trouble>(); });
    measure(report, effort, client, rounds, "one who never reads",
            [&socket] { return std::make_unique<NeverReads>(socket); });
    measure(report, effort, client, rounds, fmt::format("{} half-open connections", halfOpen),
            [&socket] { return std::make_unique<HalfOpen>(socket); });
    measure(report, effort, client, rounds, fmt::format("{} connects a second", connectsPerSecond),
            [&socket] { return std::make_unique<Connects>(socket); });
    proxy.stop();
    measureRudeBrowsers(world, report, effort);
}

} // namespace xb::bench
