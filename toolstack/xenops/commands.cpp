// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/commands.hpp"

#include "toolstack/libs/uuid.hpp"
#include "toolstack/xenops/words.hpp"

#include <algorithm>

namespace xb::xenops {

namespace {

const std::vector<Flag>& commonFlags() {
    static const std::vector<Flag> flags{
        {"hypervisor", "KIND", "libxl (default) or emulated"},
        {"emulator-directory", "DIR", "run directory of xen-emulator"},
        {"debug", "", "log to stderr what is done"},
        {"help", "", "this text", "h"},
    };
    return flags;
}

bool isNumber(const std::string& word) {
    return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

Task<xen::DomainInfo> byNumber(xen::Hypervisor& hypervisor, xen::DomId domid) {
    auto info = co_await hypervisor.domain(domid);
    if (!info)
        throw Error(fmt::format("there is no domain {}; xenops list shows those that there are", domid));
    co_return *std::move(info);
}

// What is left over may be a mistyped -flag's, and destroying one of two domains is not what was asked for.
void checkCount(const SubCommand& command, const Arguments& arguments) {
    if (command.operands.find("...") != std::string_view::npos)
        return;
    std::size_t most = command.operands.empty() ? 0 : splitWords(command.operands, ' ').size();
    if (arguments.has("domid") && command.operands.find("DOMAIN") <= 1)
        --most;
    if (arguments.operands.size() > most)
        throw UsageError(
            fmt::format("error: \"{}\" is one argument too many: xenops help {} says which there are",
                        arguments.operands[most], command.name));
}

} // namespace

const std::vector<SubCommand>& subCommands() {
    static const std::vector<SubCommand> all = [] {
        std::vector<SubCommand> commands;
        for (auto group : {domainCommands, createCommands, resourceCommands, saveCommands, migrateCommands,
                           deviceCommands, hostCommands})
            std::ranges::move(group(), std::back_inserter(commands));
        return commands;
    }();
    return all;
}

const SubCommand* findSubCommand(std::string_view name) {
    for (const SubCommand& command : subCommands())
        if (command.name == name || std::ranges::find(command.aliases, name) != command.aliases.end())
            return &command;
    return nullptr;
}

std::vector<Flag> flagsOf(const SubCommand& command) {
    std::vector<Flag> flags = command.flags;
    flags.insert(flags.end(), commonFlags().begin(), commonFlags().end());
    return flags;
}

Task<> execute(Context& context, const SubCommand& command) {
    for (const std::string& word : context.arguments.unknown)
        context.warn(fmt::format("{} has no flag {}: it is ignored", command.name, word));
    checkCount(command, context.arguments);
    co_await command.run(context);
}

std::string domainText(const xen::DomainInfo& info) {
    return info.name.empty() ? fmt::format("domain {}", info.domid)
                             : fmt::format("domain {} ({})", info.domid, info.name);
}

Task<xen::DomainInfo> findByWord(xen::Hypervisor& hypervisor, std::string word) {
    if (isNumber(word)) {
        const auto domid = static_cast<xen::DomId>(numberWithin(word, "domid", 0, domidLimit - 1));
        co_return co_await byNumber(hypervisor, domid);
    }
    const auto domains = co_await hypervisor.domains();
    const auto found = std::ranges::find_if(domains, [&](const xen::DomainInfo& each) {
        return !each.dying && (each.name == word || (isUuid(word) && each.uuid == word));
    });
    if (found == domains.end())
        throw Error(fmt::format("there is no domain \"{}\"; xenops list shows those that there are", word));
    co_return *found;
}

Task<xen::DomainInfo> theDomain(Context& context) {
    const auto domid = context.arguments.number("domid", 0, domidLimit - 1);
    if (domid)
        co_return co_await byNumber(context.hypervisor, static_cast<xen::DomId>(*domid));
    auto word = context.arguments.takeIfThere();
    if (!word)
        throw notValid("domid", "name the domain: its number, name or UUID, or -domid N");
    co_return co_await findByWord(context.hypervisor, *std::move(word));
}

Task<xen::DomainInfo> theGuest(Context& context) {
    auto info = co_await theDomain(context);
    if (info.domid == 0)
        throw Error("domain 0 is the control domain, without which nothing works: name a guest");
    co_return info;
}

} // namespace xb::xenops
