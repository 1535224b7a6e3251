// SPDX-License-Identifier: Apache-2.0
// The rules file.
#pragma once

#include "rpc-proxy/rules/rule.hpp"

#include <filesystem>
#include <vector>

namespace xb::proxy {

/// The rules in a file. Throws xb::Error; with one line per mistake, FILE:LINE:COLUMN first.
std::vector<rules::Rule> readRulesFile(const std::filesystem::path& file);

} // namespace xb::proxy
