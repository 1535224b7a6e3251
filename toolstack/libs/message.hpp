// SPDX-License-Identifier: Apache-2.0
// The types that travel on the bus, and a D-Bus message that C++ values are streamed into and out of. This is
// half of the seam to sdbus-c++ 1.2.0 (the other half is bus.cpp): generated code and daemons use the names
// below only.
//
// A Message shares its sd_bus_message with its copies. Reading what is not there, or of another type, throws
// sdbus::Error; generated code compares the signature first, so that a caller's mistake is answered by name.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

struct sd_bus_message;

namespace xb {

using ObjectPath = sdbus::ObjectPath;
using Signature = sdbus::Signature;
using Variant = sdbus::Variant;
using UnixFd = sdbus::UnixFd;
template <class... T>
using Struct = sdbus::Struct<T...>;
/// a{ss}, the shape of most list entries on this platform.
using StringMap = std::map<std::string, std::string>;

/// The D-Bus signature of C++ types, e.g. signatureOf<std::string, int>() == "si".
template <class... T>
std::string signatureOf() {
    return (std::string() + ... + sdbus::signature_of<T>::str());
}

/// A call, reply, error or signal. Stream values in with << and out with >>.
class Message : public sdbus::PlainMessage {
public:
    Message() = default;
    /// Shares `message` (takes a reference of its own).
    static Message share(sd_bus_message* message);
    /// Takes over the caller's reference.
    static Message adopt(sd_bus_message* message);

    sd_bus_message* raw() const { return static_cast<sd_bus_message*>(msg_); }
    explicit operator bool() const { return msg_ != nullptr; }

    /// What << does with a text: the same as sdbus-c++, but quicker.
    void appendText(std::string_view text);

    std::string sender() const;
    std::string path() const;
    std::string interface() const;
    std::string member() const;
    /// Signature of the whole body.
    std::string signature() const;

private:
    using sdbus::PlainMessage::PlainMessage;
};

template <std::same_as<std::string> Text> // and nothing that becomes one: sdbus-c++ has more overloads
Message& operator<<(Message& message, const Text& text) {
    message.appendText(text);
    return message;
}

template <std::same_as<std::vector<std::string>> Texts> // lists of names are long
Message& operator<<(Message& message, const Texts& texts) {
    message.openContainer("s");
    for (const std::string& text : texts)
        message.appendText(text);
    message.closeContainer();
    return message;
}

/// Reads all values of a body in order.
template <class... T>
std::tuple<T...> readBody(Message& message) {
    std::tuple<T...> values;
    std::apply([&](auto&... value) { (static_cast<void>(message >> value), ...); }, values);
    return values;
}

} // namespace xb
