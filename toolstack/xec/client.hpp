// SPDX-License-Identifier: Apache-2.0
// One service on one bus, called with values whose types are known at run time only. Error replies are thrown
// as ReplyError, because the tools print them where scripts look for them; what fails on our side is an
// xb::Error.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/xec/introspection_printer.hpp"
#include "toolstack/xec/value.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xb::xec {

/// The service, or the bus in its place, answered with an error.
class ReplyError : public Error {
public:
    explicit ReplyError(const Error& error) : Error(error) {}
};

/// Time for introspection, values of properties and lists, which no daemon needs long for.
inline constexpr std::chrono::seconds quickCallTimeout = defaultCallTimeout;
/// Time for a method whose interface does not say how long it may take, and for setting a property: as good
/// as none, because both may well wait for a person or a guest, which has to take the disk whose path is set,
/// say.
/// --timeout is for those who cannot.
inline constexpr std::chrono::seconds methodTimeout{std::chrono::hours(24 * 365)};

class Client {
public:
    /// `timeout` applies to every call if it is given.
    Client(Bus& bus, std::string service, std::optional<std::chrono::microseconds> timeout)
        : bus_(bus), service_(std::move(service)), timeout_(timeout) {}

    Bus& bus() { return bus_; }
    const std::string& service() const { return service_; }

    Task<Interfaces> introspect(std::string path);
    /// A method call; returns the values of the reply. Throws xb::Error (Timeout), ReplyError, UsageError if
    /// a name is none.
    Task<std::vector<Value>> call(std::string path, std::string interface, std::string member,
                                  std::vector<Value> arguments,
                                  std::optional<std::chrono::seconds> limit = quickCallTimeout);
    Task<Value> get(std::string path, std::string interface, std::string property);
    Task<> set(std::string path, std::string interface, std::string property, Value value);
    /// Names and values, in the order of the reply.
    Task<std::vector<std::pair<std::string, Value>>> getAll(std::string path, std::string interface);

private:
    Task<Message> send(Message message, std::chrono::microseconds limit, std::string what);
    Message newCall(const std::string& path, const std::string& interface, const std::string& member);

    Bus& bus_;
    std::string service_;
    std::optional<std::chrono::microseconds> timeout_;
};

/// A string, for arguments and comparisons.
Value stringValue(std::string text);
/// A list of strings.
Value stringsValue(const std::vector<std::string>& texts);

} // namespace xb::xec
