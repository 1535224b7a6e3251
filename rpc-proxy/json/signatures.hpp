// SPDX-License-Identifier: Apache-2.0
// Which types the methods of an object take: what the arguments of a browser's calls are turned into.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy::json {

/// Of the interfaces that the D-Bus specification defines, which every object has and some do not show: of
/// org.freedesktop.DBus itself, and its Properties, Introspectable and Peer. Nothing for all others.
std::optional<std::string_view> standardSignature(std::string_view interface, std::string_view member);

/// The methods of one object.
class MethodSignatures {
public:
    /// Of an object that says nothing.
    MethodSignatures() = default;
    /// Reads introspection data. Throws xb::Error if it is none, or larger than anybody needs.
    explicit MethodSignatures(std::string_view introspection);

    /// What the method takes; nothing if the object does not say. Of methods that are there twice the first.
    std::optional<std::string_view> find(std::string_view interface, std::string_view member) const;

    /// How much memory it holds, about.
    std::size_t bytes() const { return bytes_; }

private:
    struct Method {
        std::string interface;
        std::string member;
        std::string signature;
    };
    std::vector<Method> methods_; // ordered by interface and member
    std::size_t bytes_ = sizeof(MethodSignatures);
};

} // namespace xb::proxy::json
