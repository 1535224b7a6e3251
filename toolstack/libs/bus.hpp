// SPDX-License-Identifier: Apache-2.0
// A connection to a D-Bus message bus, driven by the Loop. The only place, with message.cpp,
// object_server.cpp and interface.cpp, that touches sdbus-c++ 1.2.0 and sd-bus.
//
// Everything happens on the loop's thread. open(), requestName() and the on...() subscriptions speak with the
// bus synchronously: use them at start-up only. Losing the bus ends the loop with exitBusLost: a supervisor
// restarts.
#pragma once

#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/message.hpp"
#include "toolstack/libs/object_server.hpp"
#include "toolstack/libs/timer.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

struct sd_bus;
struct sd_bus_slot;

namespace xb {

/// Exit status of a daemon whose bus went away (EX_UNAVAILABLE of sysexits.h).
inline constexpr int exitBusLost = 69;

/// Time that a call may take where its interface does not say (the D-Bus custom of 25 s).
inline constexpr std::chrono::seconds defaultCallTimeout{25};

/// A signal subscription or name watch; ends when it is destroyed.
class Subscription {
public:
    Subscription() = default;
    explicit Subscription(sd_bus_slot* slot, std::shared_ptr<void> state)
        : slot_(slot), state_(std::move(state)) {}
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

private:
    sd_bus_slot* slot_ = nullptr;
    std::shared_ptr<void> state_;
};

/// Which signals a subscription wants; empty fields match everything.
struct SignalMatch {
    std::string sender;
    std::string path;
    std::string pathNamespace;
    std::string interface;
    std::string member;
    std::string arg0;
    std::string arg0Namespace;

    /// The match rule as of the D-Bus specification, "Match Rules".
    std::string rule() const;
};

class Bus {
public:
    using SignalHandler = std::function<void(Message)>;

    /// Connects to `address`, or to the system bus if it is empty. Throws xb::Error naming the address.
    Bus(Loop& loop, const std::string& address);
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    ~Bus();

    Loop& loop() { return loop_; }
    ObjectServer& objects() { return *objects_; }
    const std::string& uniqueName() const { return uniqueName_; }

    /// Owns a well-known name, never queueing for it. Throws if someone else has it. Say it last: from then
    /// on callers come.
    void requestName(const std::string& name);

    /// A call that is filled with << and passed to send() below.
    Message newCall(const std::string& service, const std::string& path, const std::string& interface,
                    const std::string& member);
    Message newSignal(const std::string& path, const std::string& interface, const std::string& member);
    /// Sends something that has no answer: a reply, an error or a signal.
    void send(Message message);
    /// Sends a signal to one peer only.
    void sendTo(const std::string& destination, Message signal);
    /// Sends a call and waits for the answer. An error reply, a time-out and a lost bus are thrown as
    /// xb::Error.
    Task<Message> call(Message call, std::chrono::microseconds timeout = defaultCallTimeout);

    /// As call(), but the loop stands still meanwhile: at start-up only.
    Message callBlocking(Message call);

    /// A whole call: arguments in, reply message out.
    template <class... T>
    Task<Message> callMethod(std::string service, std::string path, std::string interface, std::string member,
                             T... arguments) {
        Message message = newCall(service, path, interface, member);
        (static_cast<void>(message << arguments), ...);
        co_return co_await call(std::move(message));
    }

    /// Calls `handler` for every signal that matches. Handlers run in the order of arrival, before any later
    /// message.
    [[nodiscard]] Subscription onSignal(const SignalMatch& match, SignalHandler handler);
    /// Calls `handler(newOwner)` when the owner of `name` changes; empty when it has none any more.
    [[nodiscard]] Subscription onOwnerChanged(const std::string& name,
                                              std::function<void(std::string)> handler);
    /// The unique name that owns `name` now, or nothing.
    Task<std::optional<std::string>> owner(std::string name);

    /// Writes out what is queued, blocking: for the end of main only.
    void flush();
    sd_bus* raw() { return raw_; }
    /// To be called after every use of raw(): messages may have been queued with nothing to wake us.
    void touched();

    /// The bus itself: its name, object and interface.
    static constexpr const char* driverName = "org.freedesktop.DBus";
    static constexpr const char* driverPath = "/org/freedesktop/DBus";

private:
    void process();
    void arm();
    void lost(const std::string& reason);

    Loop& loop_;
    std::unique_ptr<sdbus::IConnection> connection_;
    sd_bus* raw_ = nullptr;
    std::string uniqueName_;
    std::unique_ptr<ObjectServer> objects_;
    asio::posix::stream_descriptor descriptor_;
    Timer timer_;
    bool scheduled_ = false;
    bool waitingToRead_ = false;
    bool waitingToWrite_ = false;
};

} // namespace xb
