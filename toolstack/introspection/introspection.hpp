// SPDX-License-Identifier: Apache-2.0
// What an object says about itself (org.freedesktop.DBus.Introspectable): its interfaces in the order of the
// XML. The text comes from another program: its size and the number of its members are bounded, no document
// type is evaluated, and every name and type is checked. What is not well formed throws xb::Error.
#pragma once

#include "toolstack/introspection/signature.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::introspection {

/// Largest introspection text.
inline constexpr std::size_t introspectionSizeLimit = 4 * 1024 * 1024;
/// Most interfaces, methods, arguments and properties together.
inline constexpr std::size_t introspectionMemberLimit = 20000;

struct Argument {
    std::string name;
    Type type;
    bool out = false;
};

struct Method {
    std::string name;
    std::vector<Argument> arguments;
    /// How long the method may take, where its interface says so (org.xenbroker.Timeout).
    std::optional<std::chrono::seconds> timeout;

    /// The types of the arguments that go in.
    std::vector<Type> inputs() const;
};

struct Property {
    std::string name;
    Type type;
    /// "read", "write" or "readwrite".
    std::string access;

    bool readable() const { return access != "write"; }
};

struct InterfaceDescription {
    std::string name;
    std::vector<Method> methods;
    std::vector<Property> properties;

    const Method* findMethod(std::string_view method) const;
    const Property* findProperty(std::string_view property) const;
};

using Interfaces = std::vector<InterfaceDescription>;

/// Reads an introspection text.
Interfaces parseIntrospection(std::string_view xml);

} // namespace xb::introspection
