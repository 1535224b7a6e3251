// SPDX-License-Identifier: Apache-2.0
// Who may migrate a domain into this host. Off unless a file says otherwise:
//
//   relocation-server yes
//   relocation-hosts-allow ^localhost$ ^192\.168\.7\.[0-9]+$
//
// The second line has regular expressions (ECMAScript's), of which one must match the whole of a host's
// address. # begins a comment. Pure.
#pragma once

#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenops {

/// Bounds of what is read.
inline constexpr std::size_t maxMigrationRules = 64 * 1024;
inline constexpr std::size_t maxMigrationHosts = 256;
/// Longest name or address of a host that is looked at.
inline constexpr std::size_t maxHostLength = 64;

class MigrationRules {
public:
    /// "" when `host` may migrate domains into this host; otherwise why not.
    std::string refusal(std::string_view host) const;

private:
    friend MigrationRules parseMigrationRules(std::string_view text, const std::string& file);
    bool on_ = false;
    std::vector<std::regex> hosts_;
};

/// Throws xb::Error (InvalidArgs), "FILE:LINE: reason".
MigrationRules parseMigrationRules(std::string_view text, const std::string& file);

/// The host at the other end of an ssh connection, of the value of SSH_CONNECTION ("ADDRESS PORT ADDRESS
/// PORT"); "localhost" when there is none. IPv4 addresses within IPv6 ones are themselves.
std::string hostOfConnection(const char* sshConnection);

} // namespace xb::xenops
