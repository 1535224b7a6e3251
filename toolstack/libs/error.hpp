// SPDX-License-Identifier: Apache-2.0
// The one exception type of the platform: a failure that somebody foresaw. It carries the D-Bus error name
// that a remote caller will see and a text that names the thing, the reason and, where there is one, the
// remedy.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace xb {

/// D-Bus error names that more than one component answers with (D-Bus specification, "Standard error names").
namespace errors {
inline constexpr const char* failed = "org.freedesktop.DBus.Error.Failed";
inline constexpr const char* notSupported = "org.freedesktop.DBus.Error.NotSupported";
inline constexpr const char* invalidArgs = "org.freedesktop.DBus.Error.InvalidArgs";
inline constexpr const char* accessDenied = "org.freedesktop.DBus.Error.AccessDenied";
inline constexpr const char* unknownObject = "org.freedesktop.DBus.Error.UnknownObject";
inline constexpr const char* unknownInterface = "org.freedesktop.DBus.Error.UnknownInterface";
inline constexpr const char* unknownMethod = "org.freedesktop.DBus.Error.UnknownMethod";
inline constexpr const char* unknownProperty = "org.freedesktop.DBus.Error.UnknownProperty";
inline constexpr const char* propertyReadOnly = "org.freedesktop.DBus.Error.PropertyReadOnly";
inline constexpr const char* serviceUnknown = "org.freedesktop.DBus.Error.ServiceUnknown";
inline constexpr const char* nameHasNoOwner = "org.freedesktop.DBus.Error.NameHasNoOwner";
inline constexpr const char* noReply = "org.freedesktop.DBus.Error.NoReply";
inline constexpr const char* timeout = "org.freedesktop.DBus.Error.Timeout";
inline constexpr const char* disconnected = "org.freedesktop.DBus.Error.Disconnected";
inline constexpr const char* limitsExceeded = "org.freedesktop.DBus.Error.LimitsExceeded";
} // namespace errors

/// A foreseen failure. name() is a D-Bus error name, what() the text for people.
class Error : public std::runtime_error {
public:
    /// A failure that callers see as org.freedesktop.DBus.Error.Failed.
    explicit Error(const std::string& text) : Error(errors::failed, text) {}
    Error(std::string name, const std::string& text) : std::runtime_error(text), name_(std::move(name)) {}

    const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
};

/// `what: reason` for a failed system call; errnoValue as of errno.
Error systemError(std::string_view what, int errnoValue);

} // namespace xb
