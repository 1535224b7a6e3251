// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/rules_file.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

namespace xb::proxy {

std::vector<rules::Rule> readRulesFile(const std::filesystem::path& file) {
    rules::ParseResult result = rules::parseRules(readFile(file, rules::Limits().fileBytes), file.string());
    if (!result.ok()) {
        std::string mistakes = result.errorText(file.string());
        while (mistakes.ends_with('\n'))
            mistakes.pop_back();
        throw Error(errors::invalidArgs, mistakes);
    }
    return std::move(result.rules);
}

} // namespace xb::proxy
