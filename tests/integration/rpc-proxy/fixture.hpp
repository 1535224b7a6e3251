// SPDX-License-Identifier: Apache-2.0
// rpc-proxy between a private bus, with a service of dom0's there, and clients of domain 7.
#pragma once

#include "raw_client.hpp"
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/xenstore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xb::test {

inline constexpr auto serviceName = "org.xenbroker.test";

/// A service of dom0's: echo(s) -> s, whoami() -> s, other(s) -> s, and silent(s), which never answers.
class TestService : public Interface {
public:
    const InterfaceInfo& info() const override;
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;

    std::vector<std::shared_ptr<IncomingCall>> unanswered;

private:
    static Task<> echo(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call);
    static Task<> whoami(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call);
    static Task<> silent(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call);
};

class ProxyFixture : public testing::Test {
public:
    ~ProxyFixture() override;

protected:
    static constexpr auto uuid = "11111111-2222-4333-8444-555555555555";
    /// What libraries need.
    static constexpr auto basics = "allow inc-method-call destination org.freedesktop.DBus\n";

    ProxyFixture();

    void writeRules(const std::string& rules);
    /// For clients of domain 7.
    void startProxy(const std::string& rules, std::vector<std::string> options = {});
    void startProxyWith(std::vector<std::string> options);
    std::string socket() const { return directory.path() / "proxy"; }
    std::string rulesFile() const { return directory.path() / "rules"; }
    std::string proxyAddress() const { return "unix:path=" + socket(); }
    /// A client through the proxy.
    std::unique_ptr<Bus> connect() { return std::make_unique<Bus>(loop, proxyAddress()); }
    /// The same, to the end of the test.
    Bus& kept(std::unique_ptr<Bus> client) { return *kept_.emplace_back(std::move(client)); }
    /// Whether it holds before patience ends; it asks somebody who takes his time.
    static bool eventually(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < end) {
            if (condition())
                return true;
        }
        return false;
    }
    /// Lets the service answer until the proxy's log has this line.
    bool proxySays(const std::string& text);

    /// What the member of the test's service answers to `text`, or its error as "NAME: text".
    std::string ask(Bus& client, const std::string& member, const std::string& text = "hello",
                    const std::string& destination = serviceName);
    std::string askDriver(Bus& client, const std::string& member, const std::string& argument);
    /// Calls of a client whose answers it does not take, until nothing of it is taken any more; `other` is
    /// answered meanwhile.
    void callWithoutReading(RawClient& slow, Bus& other);
    /// Of the proxy.
    std::size_t residentKilobytes() const {
        std::ifstream status("/proc/" + std::to_string(proxy->pid()) + "/status");
        for (std::string word; status >> word;) {
            std::size_t value = 0;
            if (word == "VmRSS:" && status >> value)
                return value;
        }
        return 0;
    }
    template <class T>
    T await(Task<T> task) {
        return runner.await(std::move(task));
    }

    bool vmRules = false; ///< the proxy asks a database for those
    TemporaryDirectory directory;
    PrivateBus bus;
    Loop loop;
    LoopRunner runner{loop};
    std::unique_ptr<Process> emulator;
    std::shared_ptr<xen::XenStore> xenstore;
    std::shared_ptr<TestService> service;
    std::unique_ptr<Bus> dom0; ///< where the service is
    std::unique_ptr<Process> proxy;

private:
    std::vector<std::unique_ptr<Bus>> kept_;
};

} // namespace xb::test
