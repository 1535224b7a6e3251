// SPDX-License-Identifier: Apache-2.0
// The rules file.
#pragma once

#include "rpc-proxy/rules/rule.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace xb::proxy {

/// What is in a file. Throws xb::Error.
std::string readRulesText(const std::filesystem::path& file);
/// The rules in the text of a file. Throws xb::Error with one line per mistake, FILE:LINE:COLUMN first.
std::vector<rules::Rule> rulesOf(const std::string& text, const std::filesystem::path& file);
/// Both.
std::vector<rules::Rule> readRulesFile(const std::filesystem::path& file);

} // namespace xb::proxy
