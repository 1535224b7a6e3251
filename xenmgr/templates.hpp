// SPDX-License-Identifier: Apache-2.0
// VM templates: JSON files NAME (without suffix) in a directory, the configuration of a new VM each. Read
// when asked for, so that an administrator's change needs no restart.
#pragma once

#include "toolstack/libs/message.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace xb::xenmgr {

/// Largest template or JSON text taken from a caller, in bytes.
inline constexpr std::size_t templateLimit = 1024 * 1024;
/// Deepest nesting of a template.
inline constexpr unsigned templateDepthLimit = 32;

class Templates {
public:
    explicit Templates(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Names of all templates for user VMs, sorted.
    std::vector<std::string> names() const;
    /// Names of the templates of child service VMs (child-NAME), without the prefix.
    std::vector<std::string> childNames() const;
    /// Template and description of those that a user may choose.
    std::vector<StringMap> selectable() const;
    /// The JSON text of a template; "" is the empty one. Throws xb::Error naming template, file and fault.
    std::string load(const std::string& name) const;

private:
    std::vector<std::string> files() const;

    std::filesystem::path directory_;
};

/// `changes` merged over `base`, both JSON objects: objects are merged member by member, anything else is
/// replaced. Throws xb::Error (InvalidArgs) naming `what` and the place of a syntax error.
std::string mergeJson(const std::string& base, const std::string& changes, const std::string& what);

/// The text of a top-level member that is a string; empty if there is none.
std::string jsonMember(const std::string& json, const std::string& member);

/// `json` with the top-level member set to a string.
std::string withJsonMember(const std::string& json, const std::string& member, const std::string& value);

} // namespace xb::xenmgr
