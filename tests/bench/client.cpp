// SPDX-License-Identifier: Apache-2.0
#include "client.hpp"

#include "toolstack/libs/error.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>

namespace xb::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto propertiesInterface = "org.freedesktop.DBus.Properties";
constexpr std::uint64_t callTimeoutUs = 60'000'000;
constexpr std::chrono::seconds patience{60};

void check(int result, const std::string& what) {
    if (result < 0)
        throw systemError(what, -result);
}

std::string named(const Call& call) {
    return call.service + " " + call.path + " " + call.interface + "." + call.member;
}

double microseconds(Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
}

// The calls of one inFlight(): each answer sends the next.
struct Flight {
    std::function<void()> sendNext;
    std::string failure;
    unsigned sent = 0;
    unsigned answered = 0;
    unsigned count = 0;

    static int onReply(sd_bus_message* reply, void* userdata, sd_bus_error*) {
        auto* self = static_cast<Flight*>(userdata);
        ++self->answered;
        if (const sd_bus_error* error = sd_bus_message_get_error(reply))
            self->failure = error->message ? error->message : error->name;
        else if (self->sent < self->count)
            self->sendNext();
        return 1;
    }
};

} // namespace

std::function<void(sd_bus_message*)> strings(std::vector<std::string> values) {
    return [values = std::move(values)](sd_bus_message* message) {
        for (const auto& value : values)
            check(sd_bus_message_append(message, "s", value.c_str()), "an argument");
    };
}

Call getProperty(std::string service, std::string path, std::string interface, std::string name) {
    return {std::move(service), std::move(path), propertiesInterface, "Get",
            strings({std::move(interface), std::move(name)})};
}

Client::Client(const std::string& address) {
    check(sd_bus_new(&bus_), "sd_bus_new");
    check(sd_bus_set_address(bus_, address.c_str()), "the address " + address);
    check(sd_bus_set_bus_client(bus_, 1), "sd_bus_set_bus_client");
    check(sd_bus_start(bus_), "connecting to " + address);
    const char* name = nullptr;
    check(sd_bus_get_unique_name(bus_, &name), "Hello to " + address); // waits for the answer
}

Client::~Client() {
    sd_bus_flush_close_unref(bus_);
}

Client::Reply Client::make(const Call& call) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus_, &raw, call.service.c_str(), call.path.c_str(),
                                         call.interface.c_str(), call.member.c_str()),
          named(call));
    Reply message(raw, sd_bus_message_unref);
    call.fill(raw);
    return message;
}

Client::Reply Client::call(const Call& call) {
    const Reply message = make(call);
    sd_bus_message* reply = nullptr;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    const int r = sd_bus_call(bus_, message.get(), callTimeoutUs, &error, &reply);
    if (r < 0) {
        const Error failure(error.name ? error.name : errors::failed,
                            named(call) + ": " + (error.message ? error.message : "failed"));
        sd_bus_error_free(&error);
        throw failure;
    }
    return Reply(reply, sd_bus_message_unref);
}

std::string Client::text(const Call& request) {
    const Reply reply = call(request);
    char type = 0;
    const char* value = nullptr;
    check(sd_bus_message_peek_type(reply.get(), &type, nullptr), "the reply of " + named(request));
    check(sd_bus_message_read_basic(reply.get(), type, &value), "the reply of " + named(request));
    return value;
}

std::vector<std::string> Client::objectPaths(const Call& request) {
    const Reply reply = call(request);
    std::vector<std::string> paths;
    check(sd_bus_message_enter_container(reply.get(), 'a', "o"), "the reply of " + named(request));
    const char* path = nullptr;
    while (sd_bus_message_read_basic(reply.get(), 'o', &path) > 0)
        paths.emplace_back(path);
    return paths;
}

void Client::set(const std::string& service, const std::string& path, const std::string& interface,
                 const std::string& property, const std::string& value) {
    call({service, path, propertiesInterface, "Set", [&](sd_bus_message* message) {
              check(sd_bus_message_append(message, "ssv", interface.c_str(), property.c_str(), "s",
                                          value.c_str()),
                    property);
          }});
}

void Client::set(const std::string& service, const std::string& path, const std::string& interface,
                 const std::string& property, int value) {
    call({service, path, propertiesInterface, "Set", [&](sd_bus_message* message) {
              check(sd_bus_message_append(message, "ssv", interface.c_str(), property.c_str(), "i", value),
                    property);
          }});
}

pid_t Client::processOf(const std::string& name) {
    const Reply reply = call({"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                              "GetConnectionUnixProcessID", strings({name})});
    std::uint32_t pid = 0;
    check(sd_bus_message_read(reply.get(), "u", &pid), "the pid of " + name);
    return static_cast<pid_t>(pid);
}

void Client::oneByOne(const Call& request, unsigned count, std::vector<double>& times) {
    for (unsigned i = 0; i < count; ++i) {
        const auto start = Clock::now();
        call(request);
        times.push_back(microseconds(Clock::now() - start));
    }
}

double Client::inFlight(const Call& request, unsigned window, unsigned count) {
    Flight flight;
    flight.count = count;
    flight.sendNext = [&] {
        const Reply message = make(request);
        check(sd_bus_call_async(bus_, nullptr, message.get(), &Flight::onReply, &flight, callTimeoutUs),
              named(request));
        ++flight.sent;
    };
    const auto start = Clock::now();
    while (flight.sent < std::min(window, count))
        flight.sendNext();
    waitUntil(std::to_string(count) + " calls of " + named(request),
              [&] { return flight.answered == flight.sent; });
    if (!flight.failure.empty())
        throw Error(named(request) + ": " + flight.failure);
    return count / (microseconds(Clock::now() - start) / 1e6);
}

void Client::onSignal(const std::string& rule, std::function<void(sd_bus_message*)> handler) {
    auto& kept =
        handlers_.emplace_back(std::make_unique<std::function<void(sd_bus_message*)>>(std::move(handler)));
    auto relay = [](sd_bus_message* message, void* userdata, sd_bus_error*) {
        (*static_cast<std::function<void(sd_bus_message*)>*>(userdata))(message);
        return 0;
    };
    check(sd_bus_add_match(bus_, nullptr, rule.c_str(), relay, kept.get()), "subscribing to " + rule);
}

void Client::waitUntil(const std::string& what, const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + patience;
    while (!condition()) {
        const int r = sd_bus_process(bus_, nullptr);
        check(r, "the bus");
        if (r > 0)
            continue;
        const auto left = deadline - Clock::now();
        if (left <= Clock::duration::zero())
            throw Error(what + ": not within " + std::to_string(patience.count()) + " s");
        const int waited = sd_bus_wait(bus_, static_cast<std::uint64_t>(microseconds(left)));
        if (waited != -EINTR)
            check(waited, "the bus");
    }
}

} // namespace xb::bench
