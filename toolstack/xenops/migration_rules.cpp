// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/migration_rules.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenops/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::xenops {

namespace {

constexpr std::string_view mappedPrefix = "::ffff:"; // of RFC 4291, 2.5.5.2

} // namespace

std::string MigrationRules::refusal(std::string_view host) const {
    if (!on_)
        return "migration into this host is off (relocation-server)";
    const bool allowed =
        host.size() <= maxHostLength && std::ranges::any_of(hosts_, [&](const std::regex& each) {
            return std::regex_match(host.begin(), host.end(), each);
        });
    return allowed ? ""
                   : fmt::format("{} may not migrate into this host (relocation-hosts-allow)",
                                 printable(host, maxHostLength));
}

MigrationRules parseMigrationRules(std::string_view text, const std::string& file) {
    MigrationRules rules;
    unsigned number = 0;
    const auto fail = [&](const std::string& reason) {
        throw Error(errors::invalidArgs, fmt::format("{}:{}: {}", file, number, reason));
    };
    if (text.size() > maxMigrationRules)
        fail(fmt::format("there are more than {} bytes", maxMigrationRules));
    for (const std::string& line : splitWords(text, '\n')) {
        ++number;
        if (line.empty() || line.front() == '#')
            continue;
        auto words = splitWords(line, ' ');
        std::erase(words, "");
        if (words[0] == "relocation-server") {
            if (words.size() != 2 || (words[1] != "yes" && words[1] != "no"))
                fail("relocation-server is yes or no");
            rules.on_ = words[1] == "yes";
        } else if (words[0] == "relocation-hosts-allow") {
            if (rules.hosts_.size() + words.size() > maxMigrationHosts)
                fail(fmt::format("there are more than {} hosts", maxMigrationHosts));
            for (std::size_t i = 1; i < words.size(); ++i) {
                try {
                    rules.hosts_.emplace_back(words[i]);
                } catch (const std::regex_error&) {
                    fail(fmt::format("\"{}\" is no regular expression", printable(words[i])));
                }
            }
        } else {
            fail(fmt::format("\"{}\" is neither relocation-server nor relocation-hosts-allow",
                             printable(words[0])));
        }
    }
    return rules;
}

std::string hostOfConnection(const char* sshConnection) {
    if (!sshConnection || *sshConnection == '\0')
        return "localhost";
    std::string_view host(sshConnection);
    host = host.substr(0, host.find(' '));
    if (host.starts_with(mappedPrefix) && host.find('.') != std::string_view::npos)
        host.remove_prefix(mappedPrefix.size());
    return std::string(host.substr(0, maxHostLength + 1)); // which is then too long to be allowed
}

} // namespace xb::xenops
