// SPDX-License-Identifier: Apache-2.0
// What the command line does with a rules file instead of serving: --check-rules and --explain.
#pragma once

#include <filesystem>
#include <string>

namespace xb::proxy {

/// Warnings about the rules of `file`, one line each; empty: there are none. Throws xb::Error where the file
/// cannot be used.
std::string checkRules(const std::filesystem::path& file);

/// Which rule of `file` decides about a message, and why; several lines. The message is written like a rule
/// without its first word: `inc-method-call destination X interface Y member Z dom-type uivm`; what it does
/// not say is absent or unknown. Throws xb::Error where the file or the message cannot be read.
std::string explainMessage(const std::filesystem::path& file, const std::string& message);

} // namespace xb::proxy
