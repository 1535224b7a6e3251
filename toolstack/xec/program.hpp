// SPDX-License-Identifier: Apache-2.0
// The two programs as functions, and what they share: the bus they connect to, where results and errors go,
// and the exit statuses.
#pragma once

#include "toolstack/xec/client.hpp"
#include "toolstack/xec/options.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace xb::xec {

/// xec(1) and xec-vm(1); `words` are those after the program's name.
int runXec(const Words& words);
int runXecVm(const Words& words);

/// The exit status for a D-Bus error name.
int exitStatusFor(std::string_view errorName);

/// The address of the bus that the options and the environment name; empty for the system bus.
std::string busAddress(const Options& options);

/// Connects, runs `body` and prints what it returns. Prints errors the way the programs do and returns the
/// exit status.
int runOnBus(const char* program, const Options& options,
             const std::function<Task<std::string>(Client&)>& body);

/// Prints `program: text` to stderr and returns `status`.
int complain(const char* program, const std::string& text, int status);
/// Writes to stdout; exitOk, or exitRefused after a complaint if it cannot be written.
int print(const char* program, const std::string& text);
/// The line that each call without -q leaves in the system log.
void logCall(const Words& words);

/// Texts of --help; each fits a screen of 24 lines of 80 columns.
extern const std::string_view xecHelp;
extern const std::string_view xecVmHelp;

} // namespace xb::xec
