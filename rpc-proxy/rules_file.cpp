// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/rules_file.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

namespace xb::proxy {

std::vector<rules::Rule> readRulesFile(const std::filesystem::path& file) {
    const rules::Limits limits;
    rules::ParseResult result = rules::parseRules(readFile(file, limits.fileBytes), file.string(), limits);
    if (!result.ok()) {
        std::string text = result.errorText(file.string());
        while (text.ends_with('\n'))
            text.pop_back();
        throw Error(errors::invalidArgs, text);
    }
    return std::move(result.rules);
}

} // namespace xb::proxy
