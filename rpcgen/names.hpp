// SPDX-License-Identifier: Apache-2.0
// Names: which ones D-Bus allows, and how they turn into C++ identifiers.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

namespace xb::rpcgen {

/// Longest name on D-Bus (D-Bus specification, "Valid Names"); we keep to it for all names.
inline constexpr std::size_t maxNameLength = 255;

/// At least two elements [A-Za-z_][A-Za-z0-9_]* with dots between: interface and error names.
bool isInterfaceName(std::string_view name);
/// [A-Za-z_][A-Za-z0-9_]*: methods and signals.
bool isMemberName(std::string_view name);
/// As a member name, with dashes and dots inside: properties, arguments, enums.
bool isLooseName(std::string_view name);
/// A name of output files, so that they stay in their folder: [A-Za-z0-9_][A-Za-z0-9_.-]*.
bool isFileName(std::string_view name);

/// create_vm_with_template -> createVmWithTemplate, GetMachineId -> getMachineId, VM_STATE -> vmState, UUID
/// -> uuid.
std::string lowerCamel(std::string_view name);
/// ui-ready -> UiReady, org.xenbroker -> OrgXenbroker.
std::string upperCamel(std::string_view name);
/// Name of the class of an interface: well-known prefixes go, dots turn into camels.
std::string className(std::string_view interface);
/// The namespace below xb::idl for output files of this name.
std::string namespaceName(std::string_view name);

/// Whether C++ (or a macro of its library) has this word for itself.
bool isReservedWord(std::string_view word);

/// Identifiers of one scope. A reserved word gets a trailing underscore, a name that is taken a number.
class NameScope {
public:
    NameScope() = default;
    NameScope(std::initializer_list<std::string_view> reserved)
        : reserved_(reserved.begin(), reserved.end()) {}

    std::string add(const std::string& wanted);

private:
    std::set<std::string, std::less<>> reserved_;
    std::set<std::string, std::less<>> taken_;
};

} // namespace xb::rpcgen
