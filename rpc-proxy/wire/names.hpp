// SPDX-License-Identifier: Apache-2.0
// The names of the D-Bus specification: which are valid. No allocation, one look at each byte.
#pragma once

#include <string_view>

namespace xb::proxy::wire {

/// `:1.42`: what a bus gives a connection.
bool isUniqueName(std::string_view name);
/// `org.example.Name`.
bool isWellKnownName(std::string_view name);
/// Either.
bool isBusName(std::string_view name);
bool isInterface(std::string_view name);
/// The same rules as for an interface.
bool isErrorName(std::string_view name);
bool isMember(std::string_view name);
bool isObjectPath(std::string_view path);

/// What only a library may say to its own program; never valid on a connection.
inline constexpr std::string_view localPath = "/org/freedesktop/DBus/Local";
inline constexpr std::string_view localInterface = "org.freedesktop.DBus.Local";

} // namespace xb::proxy::wire
