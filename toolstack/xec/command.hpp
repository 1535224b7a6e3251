// SPDX-License-Identifier: Apache-2.0
// What xec does with one object: lists, properties, methods, and the print-out of what the object has. The
// interface is chosen by introspection: the first one, in the order of the XML, that has the name.
#pragma once

#include "toolstack/xec/client.hpp"
#include "toolstack/xec/options.hpp"

#include <string>

namespace xb::xec {

/// Does what the options ask for and returns what goes to stdout. Throws UsageError for names that the object
/// does not have and words that are no values, ReplyError and xb::Error of Client otherwise.
Task<std::string> runCommand(Client& client, Options options, std::string path);

/// Calls a method by its name as typed and returns what goes to stdout.
Task<std::string> callMethod(Client& client, Options options, std::string path, std::string method,
                             Words arguments);

/// A method's return values as text or JSON.
std::string printResult(const std::vector<Value>& values, const Options& options);

} // namespace xb::xec
