// SPDX-License-Identifier: Apache-2.0
// What proxy_bench measures on: a bus of its own with the echo service, and before it rpc-proxy, as a guest's
// that rules are evaluated for, and xdg-dbus-proxy, both with as many rules, of which the last one lets the
// calls through.
#pragma once

#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::bench {

/// An rpc-proxy; killed with the object unless stop() ended it.
struct RunningProxy {
    std::unique_ptr<test::Process> process;
    std::string socket;

    pid_t pid() const { return process->pid(); }
    std::string address() const { return "unix:path=" + socket; }
    /// Throws if it did not end well.
    void stop();
};

/// An xdg-dbus-proxy, which goes on as long as a pipe to it is open, and ends with the object.
class XdgProxy {
public:
    /// Whether it is installed.
    static bool exists();

    /// Returns when it accepts connections; `options` filter.
    XdgProxy(const std::string& bus, std::string socket, const std::vector<std::string>& options,
             const std::string& optionsFile);
    XdgProxy(const XdgProxy&) = delete;
    XdgProxy& operator=(const XdgProxy&) = delete;
    ~XdgProxy();

    pid_t pid() const { return pid_; }
    const std::string& socket() const { return socket_; }

private:
    void stop() const;

    std::string socket_;
    UniqueFd alive_;
    pid_t pid_ = -1;
};

class ProxyWorld {
public:
    ProxyWorld();

    /// `options` are further ones.
    RunningProxy startProxy(unsigned rules, const std::vector<std::string>& options = {});
    std::unique_ptr<XdgProxy> startXdgProxy(unsigned rules);
    const std::string& address() const { return bus_.address(); }
    /// The bus itself.
    std::string busSocket() const { return bus_.address().substr(std::string("unix:path=").size()); }
    /// Ends what every measurement used.
    void stop();

private:
    std::string socketFile();

    test::TemporaryDirectory directory_;
    test::PrivateBus bus_;
    std::unique_ptr<test::Process> emulator_;
    std::unique_ptr<test::Process> echo_;
    unsigned sockets_ = 0;
};

} // namespace xb::bench
