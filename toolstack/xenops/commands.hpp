// SPDX-License-Identifier: Apache-2.0
// The sub-commands of xenops: a table of names, flags and functions, in groups, and what a running one has.
// They know nothing of terminals and processes: what they print is collected, and what blocks comes after the
// loop.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/xenops/arguments.hpp"
#include "xen/hypervisor.hpp"

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenops {

/// Exit statuses.
enum ExitCode : int {
    exitOk = 0,
    exitUsage = 1,
    exitFailed = 2, ///< the hypervisor refused, or it did not work out
    exitNoXen = 3,  ///< there is no hypervisor to talk to
};

/// Domain numbers are below this (DOMID_FIRST_RESERVED of Xen's public/xen.h).
inline constexpr xen::DomId domidLimit = 0x7ff0;

/// What a sub-command works with.
struct Context {
    xen::Hypervisor& hypervisor;
    Arguments arguments;
    std::string out; ///< for stdout
    std::string err; ///< warnings, whole lines
    int status = exitOk;
    std::function<void()> afterwards; ///< what blocks, once everything else is done

    template <class... T>
    void print(fmt::format_string<T...> format, T&&... values) {
        out += fmt::format(format, std::forward<T>(values)...);
        out += '\n';
    }
    void warn(const std::string& text) { err += "xenops: warning: " + text + "\n"; }
};

struct SubCommand {
    std::string_view name;
    std::vector<std::string_view> aliases;
    std::string_view operands; ///< for the help
    std::vector<Flag> flags;
    std::string_view summary;
    Task<> (*run)(Context&);
};

/// The flag of everything that works on one domain.
inline constexpr Flag domidFlag{"domid", "N", "the domain's number, instead of the operand DOMAIN"};

/// All of them.
const std::vector<SubCommand>& subCommands();
/// By name or alias; nullptr when there is none.
const SubCommand* findSubCommand(std::string_view name);
/// With those that every sub-command has.
std::vector<Flag> flagsOf(const SubCommand& command);

std::vector<SubCommand> domainCommands();
std::vector<SubCommand> createCommands();
std::vector<SubCommand> resourceCommands();
std::vector<SubCommand> saveCommands();
std::vector<SubCommand> migrateCommands();
std::vector<SubCommand> deviceCommands();
std::vector<SubCommand> hostCommands();

/// Parses and runs a sub-command; UsageError and Error come through.
Task<> execute(Context& context, const SubCommand& command);

/// The domain that -domid, or else the next operand, names (a number, a name or a UUID). Throws Error when it
/// is not there.
Task<xen::DomainInfo> theDomain(Context& context);
/// As theDomain(), which must not be domain 0.
Task<xen::DomainInfo> theGuest(Context& context);
/// As -domid and names are looked up everywhere.
Task<xen::DomainInfo> findByWord(xen::Hypervisor& hypervisor, std::string word);
/// "domain 3 (name)"
std::string domainText(const xen::DomainInfo& info);

/// The help: all of it on one screen, and that of one sub-command.
std::string helpText();
std::string helpOf(const SubCommand& command);

} // namespace xb::xenops
