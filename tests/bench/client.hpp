// SPDX-License-Identifier: Apache-2.0
// The client of the measurements: sd-bus and nothing else, so that what is compared differs in the service
// only. Blocking. Every failed call is thrown: a measurement of errors is none.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

struct sd_bus;
struct sd_bus_message;

namespace xb::bench {

/// A method call that can be made again and again; `fill` appends the arguments each time.
struct Call {
    std::string service;
    std::string path;
    std::string interface;
    std::string member;
    std::function<void(sd_bus_message*)> fill = [](sd_bus_message*) {};
};

/// Appends strings.
std::function<void(sd_bus_message*)> strings(std::vector<std::string> values);
Call getProperty(std::string service, std::string path, std::string interface, std::string name);

class Client {
public:
    explicit Client(const std::string& address);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    using Reply = std::shared_ptr<sd_bus_message>;
    Reply call(const Call& call);
    /// The call's reply, which is one string or object path.
    std::string text(const Call& call);
    std::vector<std::string> objectPaths(const Call& call);
    void set(const std::string& service, const std::string& path, const std::string& interface,
             const std::string& property, const std::string& value);
    void set(const std::string& service, const std::string& path, const std::string& interface,
             const std::string& property, int value);
    /// Pid of the process that owns a name.
    pid_t processOf(const std::string& name);

    /// `count` calls, one after the other; adds the microseconds that each took.
    void oneByOne(const Call& call, unsigned count, std::vector<double>& times);
    /// Calls per second with `window` of them under way at any time.
    double inFlight(const Call& call, unsigned window, unsigned count);

    /// Calls `handler` for each signal that matches, from within waitUntil(). For the client's life.
    void onSignal(const std::string& rule, std::function<void(sd_bus_message*)> handler);
    /// Handles signals until `condition` holds; throws when that takes longer than a minute.
    void waitUntil(const std::string& what, const std::function<bool()>& condition);

private:
    Reply make(const Call& call);

    sd_bus* bus_ = nullptr;
    std::vector<std::unique_ptr<std::function<void(sd_bus_message*)>>> handlers_;
};

} // namespace xb::bench
