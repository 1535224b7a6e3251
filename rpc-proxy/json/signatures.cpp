// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/signatures.hpp"

#include "rpc-proxy/wire/limits.hpp"
#include "toolstack/introspection/introspection.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace xb::proxy::json {

namespace {

struct Standard {
    std::string_view interface;
    std::string_view member;
    std::string_view signature;
};

// D-Bus specification 0.38, "Standard Interfaces" and "Message Bus Messages".
constexpr std::string_view bus = "org.freedesktop.DBus";
constexpr std::string_view properties = "org.freedesktop.DBus.Properties";
constexpr std::string_view peer = "org.freedesktop.DBus.Peer";
constexpr std::array<Standard, 23> standards{{
    {properties, "Get", "ss"},
    {properties, "Set", "ssv"},
    {properties, "GetAll", "s"},
    {"org.freedesktop.DBus.Introspectable", "Introspect", ""},
    {peer, "Ping", ""},
    {peer, "GetMachineId", ""},
    {bus, "Hello", ""},
    {bus, "AddMatch", "s"},
    {bus, "RemoveMatch", "s"},
    {bus, "RequestName", "su"},
    {bus, "ReleaseName", "s"},
    {bus, "ListQueuedOwners", "s"},
    {bus, "ListNames", ""},
    {bus, "ListActivatableNames", ""},
    {bus, "NameHasOwner", "s"},
    {bus, "StartServiceByName", "su"},
    {bus, "UpdateActivationEnvironment", "a{ss}"},
    {bus, "GetNameOwner", "s"},
    {bus, "GetConnectionUnixUser", "s"},
    {bus, "GetConnectionUnixProcessID", "s"},
    {bus, "GetConnectionCredentials", "s"},
    {bus, "GetId", ""},
    {bus, "ReloadConfig", ""},
}};

} // namespace

std::optional<std::string_view> standardSignature(std::string_view interface, std::string_view member) {
    const auto* const found = std::find_if(standards.begin(), standards.end(), [&](const Standard& standard) {
        return standard.member == member && standard.interface == interface;
    });
    return found == standards.end() ? std::nullopt : std::optional(found->signature);
}

MethodSignatures::MethodSignatures(std::string_view introspection) {
    for (const auto& interface : introspection::parseIntrospection(introspection)) {
        for (const auto& method : interface.methods) {
            std::string signature;
            for (const auto& argument : method.arguments)
                if (!argument.out)
                    signature += argument.type.text();
            if (signature.size() > wire::maxSignatureBytes)
                continue; // nobody can call it
            methods_.push_back({interface.name, method.name, std::move(signature)});
        }
    }
    std::stable_sort(methods_.begin(), methods_.end(), [](const Method& a, const Method& b) {
        return std::tie(a.interface, a.member) < std::tie(b.interface, b.member);
    });
    methods_.shrink_to_fit();
    for (const Method& method : methods_)
        bytes_ += sizeof(Method) + method.interface.capacity() + method.member.capacity() +
                  method.signature.capacity();
}

std::optional<std::string_view> MethodSignatures::find(std::string_view interface,
                                                       std::string_view member) const {
    const std::pair wanted(interface, member);
    const auto found = std::lower_bound(
        methods_.begin(), methods_.end(), wanted, [](const Method& method, const auto& name) {
            return std::pair<std::string_view, std::string_view>(method.interface, method.member) < name;
        });
    if (found == methods_.end() || found->interface != interface || found->member != member)
        return std::nullopt;
    return found->signature;
}

} // namespace xb::proxy::json
