// SPDX-License-Identifier: Apache-2.0
// Calls to the bus itself. A guest may ask it for what a client library needs and no more, whatever the rules
// say: the rest starts programs, listens to others or changes the bus for everybody.
#pragma once

#include "rpc-proxy/wire/message_view.hpp"

#include <string_view>

namespace xb::proxy {

inline constexpr std::string_view driverName = "org.freedesktop.DBus";
inline constexpr std::string_view driverPath = "/org/freedesktop/DBus";

/// Whether the bus itself answers it: also a call that names nobody.
bool isDriverCall(const wire::MessageView& message);
/// Whether it comes from the bus itself.
bool isFromDriver(const wire::MessageView& message);
/// Whether it is a call of this member of org.freedesktop.DBus, with or without the interface's name.
bool isDriverMember(const wire::MessageView& call, std::string_view member);
/// Whether it asks the bus to hear what is for others, which ends the caller's own part in it.
bool isBecomeMonitor(const wire::MessageView& call);
/// Whether a guest may make this call to the bus at all.
bool isHarmlessDriverCall(const wire::MessageView& call);

} // namespace xb::proxy
