// SPDX-License-Identifier: Apache-2.0
// A client that asks for a name gets the one that the proxy has for it (-n), whatever it asks for, and need
// not know: what it asks about the name later, and what the bus says of it, is translated. With --owner-name
// the bus answers the question who owns a name with that name.
#pragma once

#include "rpc-proxy/wire/message_view.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xb::proxy {

/// Names that one client may have asked for and not released.
inline constexpr std::size_t maxClientNames = 16;

class ClientNames {
public:
    /// `name`: the client's; empty: it gets what it asks for.
    ClientNames(std::string name, bool answersNames) : name_(std::move(name)), answersNames_(answersNames) {}

    /// Whether this call asks for a name in whose place the client gets its own.
    bool givesOwn(const wire::MessageView& call) const;
    /// What the first argument of a call to the bus becomes; nothing: it stays. The call is on its way then.
    std::optional<std::string> ofCall(const wire::MessageView& call);
    /// The same of a message of the bus to the client.
    std::optional<std::string> ofMessage(const wire::MessageView& message);

private:
    std::string name_;
    bool answersNames_;
    std::vector<std::string> asked_; // the names that stand for name_; the last one is what it is called
    std::map<std::uint32_t, std::string> owners_; // by serial: GetNameOwner of what
};

/// `name` with $UUID replaced; empty if it needs a UUID and there is none.
std::string clientName(const std::string& name, const std::string& uuid);

} // namespace xb::proxy
