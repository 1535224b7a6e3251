// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/bus.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/live_buses.hpp"
#include "toolstack/libs/log.hpp"

#include <systemd/sd-bus.h>

#include <poll.h>
#include <set>

namespace xb {

namespace {

// Messages handled before timers and other descriptors get their turn.
constexpr int messagesPerTurn = 64;

constexpr auto busService = Bus::driverName;
constexpr auto busPath = Bus::driverPath;

std::unique_ptr<sdbus::IConnection> connect(const std::string& address) {
    try {
        return address.empty() ? sdbus::createSystemBusConnection()
                               : sdbus::createSessionBusConnectionWithAddress(address);
    } catch (const sdbus::Error& e) {
        throw Error(errors::disconnected, "cannot connect to " +
                                              (address.empty() ? "the system bus" : "the bus at " + address) +
                                              ": " + e.getMessage());
    }
}

// sdbus-c++ keeps the sd_bus* to itself; every message of the connection knows it.
sd_bus* rawConnection(sdbus::IConnection& connection) {
    struct Access : sdbus::Message {
        static void* message(sdbus::Message& m) { return m.*(&Access::msg_); }
    };
    auto proxy = sdbus::createProxy(connection, busService, busPath);
    auto call = proxy->createMethodCall(busService, "GetId");
    return sd_bus_message_get_bus(static_cast<sd_bus_message*>(Access::message(call)));
}

// All texts of an error reply, by custom one. A peer may as well send none, or something else.
std::string reasonOf(sd_bus_message* reply) {
    std::string reason;
    const char* text = nullptr;
    sd_bus_message_rewind(reply, 1);
    for (bool first = true; sd_bus_message_read_basic(reply, 's', &text) > 0 && text; first = false)
        reason.append(first ? "" : ", ").append(text);
    return sd_bus_message_get_error(reply)->message ? reason : "no reason given";
}

// sd-bus makes up a NoReply when a call's time is up, as the bus does when the callee vanishes: the clock
// tells which.
Error errorOf(sd_bus_message* reply, std::chrono::steady_clock::time_point deadline) {
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    std::string name = error && error->name ? error->name : errors::failed;
    if (name == errors::noReply && std::chrono::steady_clock::now() >= deadline)
        name = errors::timeout;
    return Error(std::move(name), reasonOf(reply));
}

void check(int result, const char* what) {
    if (result < 0)
        throw systemError(what, -result);
}

} // namespace

namespace {

// The loop's thread alone touches it.
std::set<const Bus*>& liveBuses() {
    static std::set<const Bus*> buses;
    return buses;
}

} // namespace

void addLiveBus(const Bus* bus) {
    liveBuses().insert(bus);
}
void removeLiveBus(const Bus* bus) {
    liveBuses().erase(bus);
}
bool isLiveBus(const Bus* bus) {
    return liveBuses().contains(bus);
}

// --- subscriptions ---

Subscription::Subscription(Subscription&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)), state_(std::move(other.state_)) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
    if (this != &other) {
        sd_bus_slot_unref(slot_);
        slot_ = std::exchange(other.slot_, nullptr);
        state_ = std::move(other.state_);
    }
    return *this;
}

Subscription::~Subscription() {
    sd_bus_slot_unref(slot_);
}

std::string SignalMatch::rule() const {
    std::string text = "type='signal'";
    auto add = [&text](const char* key, const std::string& value) {
        if (!value.empty())
            text += std::string(",") + key + "='" + value + "'";
    };
    add("sender", sender);
    add("path", path);
    add("path_namespace", pathNamespace);
    add("interface", interface);
    add("member", member);
    add("arg0", arg0);
    add("arg0namespace", arg0Namespace);
    return text;
}

// --- connection ---

Bus::Bus(Loop& loop, const std::string& address)
    : loop_(loop), connection_(connect(address)), raw_(rawConnection(*connection_)),
      uniqueName_(connection_->getUniqueName()), objects_(std::make_unique<ObjectServer>(*this)),
      descriptor_(loop.context()), timer_(loop.executor()) {
    addLiveBus(this);
    descriptor_.assign(connection_->getEventLoopPollData().fd);
    touched();
}

Bus::~Bus() {
    removeLiveBus(this);
    objects_.reset();
    descriptor_.release(); // sd-bus closes it
}

void Bus::requestName(const std::string& name) {
    const int r = sd_bus_request_name(raw_, name.c_str(), 0);
    touched();
    if (r == -EEXIST)
        throw Error("the bus name " + name + " is taken: another instance runs on this bus");
    if (r == -EACCES || r == -EPERM)
        throw Error(errors::accessDenied,
                    "the bus refuses the name " + name +
                        ": install the bus policy that comes with this daemon, or run it as root");
    check(r, ("cannot own the bus name " + name).c_str());
}

void Bus::touched() {
    if (scheduled_)
        return;
    scheduled_ = true;
    asio::post(loop_.context(), [this] {
        if (!isLiveBus(this))
            return;
        scheduled_ = false;
        process();
    });
}

void Bus::process() {
    try {
        for (int i = 0; i < messagesPerTurn; ++i) {
            if (!connection_->processPendingRequest()) {
                arm();
                return;
            }
        }
    } catch (const sdbus::Error& e) {
        lost(e.getMessage());
        return;
    }
    touched();
}

void Bus::arm() {
    const auto poll = connection_->getEventLoopPollData();
    if ((poll.events & POLLIN) && !waitingToRead_) {
        waitingToRead_ = true;
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](boost::system::error_code error) {
                                   if (error)
                                       return;
                                   waitingToRead_ = false;
                                   process();
                               });
    }
    if ((poll.events & POLLOUT) && !waitingToWrite_) {
        waitingToWrite_ = true;
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                               [this](boost::system::error_code error) {
                                   if (error)
                                       return;
                                   waitingToWrite_ = false;
                                   process();
                               });
    }
    const auto timeout = poll.getRelativeTimeout();
    if (!timeout)
        timer_.cancel(); // an idle daemon sleeps
    else if (timeout->count() <= 0)
        touched();
    // One that goes off earlier will do: process() comes back here. So calls do not set it again and again.
    else if (!timer_.armed() || timer_.deadline() > std::chrono::steady_clock::now() + *timeout)
        timer_.callAfter(*timeout, [this] { process(); });
}

void Bus::lost(const std::string& reason) {
    log::error("lost the connection to the bus: {}", reason);
    loop_.stop(exitBusLost);
}

void Bus::flush() {
    sd_bus_flush(raw_);
}

// --- outgoing ---

Message Bus::newCall(const std::string& service, const std::string& path, const std::string& interface,
                     const std::string& member) {
    sd_bus_message* message = nullptr;
    const int r = sd_bus_message_new_method_call(raw_, &message, service.c_str(), path.c_str(),
                                                 interface.c_str(), member.c_str());
    if (r < 0)
        throw Error(errors::invalidArgs, "cannot make a call of " + interface + "." + member + " on " + path +
                                             " of " + service + ": not valid D-Bus names");
    return Message::adopt(message);
}

Message Bus::newSignal(const std::string& path, const std::string& interface, const std::string& member) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_signal(raw_, &message, path.c_str(), interface.c_str(), member.c_str()),
          "cannot make a signal");
    return Message::adopt(message);
}

void Bus::send(Message message) {
    const int r = sd_bus_send(raw_, message.raw(), nullptr);
    touched();
    check(r, "cannot send on the bus");
}

void Bus::sendTo(const std::string& destination, Message signal) {
    const int r = sd_bus_send_to(raw_, signal.raw(), destination.c_str(), nullptr);
    touched();
    check(r, "cannot send on the bus");
}

namespace {

// One call under way: whoever waits, and the slot that keeps sd-bus interested. Answered exactly once: by the
// reply, the time-out, or the connection's end, all of which sd-bus reports through the same callback.
template <class Handler>
struct PendingCall {
    PendingCall(Handler h, std::chrono::microseconds timeout)
        : handler(std::move(h)), deadline(std::chrono::steady_clock::now() + timeout) {}
    ~PendingCall() { sd_bus_slot_unref(slot); }

    static int onReply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
        std::unique_ptr<PendingCall> self(static_cast<PendingCall*>(userdata));
        try {
            std::exception_ptr failure;
            if (sd_bus_message_is_method_error(reply, nullptr) > 0)
                failure = std::make_exception_ptr(errorOf(reply, self->deadline));
            auto handler = std::move(self->handler);
            handler(failure, failure ? Message() : Message::share(reply));
        } catch (const std::exception& e) {
            log::error("cannot deliver a reply: {}", e.what());
        }
        return 1;
    }

    Handler handler;
    std::chrono::steady_clock::time_point deadline;
    sd_bus_slot* slot = nullptr;
};

} // namespace

Task<Message> Bus::call(Message message, std::chrono::microseconds timeout) {
    auto start = [this, message, timeout](auto handler) {
        using Pending = PendingCall<decltype(handler)>;
        auto pending = std::make_unique<Pending>(std::move(handler), timeout);
        const int r = sd_bus_call_async(raw_, &pending->slot, message.raw(), &Pending::onReply, pending.get(),
                                        static_cast<std::uint64_t>(timeout.count()));
        touched();
        if (r >= 0) {
            static_cast<void>(pending.release()); // onReply takes it back
            return;
        }
        auto failure = std::make_exception_ptr(systemError("cannot send a call on the bus", -r));
        asio::post(loop_.context(), [handler = std::move(pending->handler), failure]() mutable {
            handler(failure, Message());
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&,
                                            void(std::exception_ptr, Message)>(start, asio::use_awaitable);
}

Message Bus::callBlocking(Message message) {
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int r = sd_bus_call(raw_, message.raw(), 0, &error, &reply);
    touched();
    const std::string name = error.name ? error.name : errors::failed;
    const std::string text = error.message ? error.message : "no reason given";
    sd_bus_error_free(&error);
    if (r < 0)
        throw Error(name, text);
    return Message::adopt(reply);
}

// --- incoming signals ---

namespace {

struct SignalState {
    Bus::SignalHandler handler;

    static int onSignal(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
        auto* self = static_cast<SignalState*>(userdata);
        try {
            self->handler(Message::share(message));
        } catch (const std::exception& e) {
            const char* member = sd_bus_message_get_member(message);
            log::error("handling the signal {}: {}", member ? member : "?", e.what());
        }
        return 0;
    }
};

} // namespace

Subscription Bus::onSignal(const SignalMatch& match, SignalHandler handler) {
    auto state = std::make_shared<SignalState>(SignalState{std::move(handler)});
    sd_bus_slot* slot = nullptr;
    const std::string rule = match.rule();
    const int r = sd_bus_add_match(raw_, &slot, rule.c_str(), &SignalState::onSignal, state.get());
    touched();
    check(r, ("cannot subscribe to " + rule).c_str());
    return Subscription(slot, std::move(state));
}

Subscription Bus::onOwnerChanged(const std::string& name, std::function<void(std::string)> handler) {
    SignalMatch match;
    match.sender = busService;
    match.path = busPath;
    match.interface = busService;
    match.member = "NameOwnerChanged";
    match.arg0 = name;
    return onSignal(match, [handler = std::move(handler)](Message message) {
        auto [changed, before, after] = readBody<std::string, std::string, std::string>(message);
        handler(after);
    });
}

Task<std::optional<std::string>> Bus::owner(std::string name) {
    try {
        Message reply = co_await callMethod(std::string(busService), std::string(busPath),
                                            std::string(busService), std::string("GetNameOwner"), name);
        std::string uniqueName;
        reply >> uniqueName;
        co_return uniqueName;
    } catch (const Error& e) {
        if (e.name() != errors::nameHasNoOwner)
            throw;
    }
    co_return std::nullopt;
}

} // namespace xb
