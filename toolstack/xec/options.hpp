// SPDX-License-Identifier: Apache-2.0
// The command lines of xec and xec-vm. Options are consumed from the left; the first word that is no option
// ends them, and it and everything after it is positional, dashes or not. The first of a repeated option
// wins. An option whose value is missing, or a value that is none, throws UsageError.
#pragma once

#include "toolstack/xec/value_json.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace xb::xec {

/// Exit statuses of both tools.
enum ExitStatusCode : int {
    exitOk = 0,
    /// The command line, or what it names on an object, is not right.
    exitBadUsage = 1,
    /// The service refused or failed.
    exitRefused = 2,
    /// No bus, or nobody there who provides the service.
    exitUnreachable = 3,
    exitTimedOut = 4,
};

/// The words on the command line are wrong; what() says which.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Longest --timeout and --wait, in seconds.
inline constexpr std::int64_t longestTimeoutSeconds = 31'536'000;

/// What both tools take.
struct Options {
    bool help = false;
    bool version = false;
    bool query = false;
    bool session = false;
    bool listInterfaces = false;
    bool listMethods = false;
    bool listProperties = false;
    std::optional<std::string> service;
    /// The object path; a selector in xec-vm.
    std::optional<std::string> object;
    std::optional<std::string> interface;
    std::optional<std::string> get;
    std::optional<std::pair<std::string, std::string>> set;
    bool targetGiven = false;
    std::optional<std::string> targetDomain; ///< of which the bus is wanted, if not our own
    std::optional<std::string> bus;
    std::optional<JsonStyle> json;
    std::optional<std::chrono::microseconds> timeout;
    std::vector<std::string> positional;
};

/// --wait: without limit, or for so long.
struct WaitOption {
    std::optional<std::chrono::microseconds> limit;
};

/// What xec-vm takes on top.
struct VmOptions : Options {
    std::optional<std::string> name;
    std::optional<std::string> uuid;
    std::optional<std::string> domid;
    std::optional<std::string> disk;
    std::optional<std::string> nic;
    bool listDisks = false;
    bool listNics = false;
    bool completionNames = false;
    std::optional<WaitOption> wait;

    /// What xec takes as well.
    const Options& common() const { return *this; }
    bool hasSelector() const { return object || name || uuid || domid; }
    /// Whether anything is to be done with a VM.
    bool hasAction() const {
        return listInterfaces || listMethods || listProperties || listDisks || listNics || get || set ||
               disk || nic || wait || !positional.empty();
    }
};

using Words = std::vector<std::string>;

/// Parses the words after the program's name.
Options parseXecOptions(const Words& words);
VmOptions parseVmOptions(const Words& words);

/// A positive number of seconds, with a fraction if need be; `what` is named in the UsageError.
std::chrono::microseconds parseSeconds(const std::string& text, const std::string& what);

} // namespace xb::xec
