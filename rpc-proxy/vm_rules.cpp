// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/vm_rules.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

constexpr auto databaseService = "com.citrix.xenclient.db";
constexpr auto vmsPath = "/vm";
// What a client waits for the database at most, when it is the first of its VM.
constexpr std::chrono::milliseconds firstReadLimit{5000};

std::string rulesPath(std::string_view uuid) {
    return fmt::format("{}/{}/rpc-firewall-rules", vmsPath, uuid);
}

std::size_t numberOf(const std::string& key) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    if (error != std::errc() || end != key.data() + key.size())
        throw Error(errors::invalidArgs, fmt::format("\"{}\" is not the number of a rule", key));
    return number;
}

rules::Rule parsed(const std::string& text, const std::string& uuid, std::size_t number) {
    rules::ParseResult result = rules::parseVmRule(text, uuid, number);
    if (!result.ok())
        throw Error(errors::invalidArgs,
                    fmt::format("rule {}: column {}: {}", number, result.errors.front().column,
                                result.errors.front().text));
    return std::move(result.rules.front());
}

bool same(const std::vector<rules::Rule>& a, const std::vector<rules::Rule>& b) {
    return std::ranges::equal(a, b, [](const rules::Rule& one, const rules::Rule& other) {
        return one.sameAs(other) && one.origin.number == other.origin.number;
    });
}

} // namespace

bool touches(std::string_view path, std::string_view root) {
    while (path.ends_with('/'))
        path.remove_suffix(1);
    const auto isAtOrBelow = [](std::string_view one, std::string_view other) {
        return one.starts_with(other) && (one.size() == other.size() || one[other.size()] == '/');
    };
    return isAtOrBelow(path, root) || isAtOrBelow(root, path);
}

VmRules::VmRules(Bus& bus, VmProperties& properties, Handler changed)
    : bus_(bus), properties_(properties), handler_(std::move(changed)), client_(bus, databaseService, "/"),
      extension_(bus, databaseService, "/") {
    owner_ = bus_.onOwnerChanged(databaseService, [this](const std::string& owner) {
        if (owner.empty())
            return;
        bus_.loop().spawn("watching the rules of VMs", watch());
        readAll();
    });
    changes_ = extension_.onChanged([this](const std::vector<std::string>& paths) { this->changed(paths); });
    bus_.loop().spawn("watching the rules of VMs", watch());
}

// Before anything is read, so that no change is missed.
Task<> VmRules::watch() {
    try {
        co_await extension_.watch(vmsPath);
    } catch (const Error& e) {
        if (e.name() == errors::serviceUnknown || e.name() == errors::nameHasNoOwner)
            co_return; // once it is there
        log::error("changes of the rules of VMs will not be seen: {}", e.what());
    }
}

void VmRules::changed(const std::vector<std::string>& paths) {
    for (const auto& [uuid, vm] : vms_) {
        const std::string root = rulesPath(uuid);
        if (std::ranges::any_of(paths, [&root](const std::string& path) { return touches(path, root); }))
            read(uuid, vm);
    }
}

void VmRules::readAll() {
    for (const auto& [uuid, vm] : vms_)
        read(uuid, vm);
}

void VmRules::read(const std::string& uuid, const VmPtr& vm) {
    if (std::exchange(vm->reading, true))
        vm->again = true;
    else
        bus_.loop().spawn("reading the rules of " + uuid, readLoop(uuid, vm));
}

Task<> VmRules::readLoop(std::string uuid, VmPtr vm) {
    do {
        vm->again = false;
        try {
            co_await readOnce(uuid, vm);
        } catch (const Error& e) {
            if (logLimit_.take())
                log::error("VM {}: its rules cannot be used: {}: {}", uuid, e.what(),
                           vm->known ? "those from before hold" : "nothing of it is let through");
        }
    } while (vm->again);
    vm->reading = false;
    closeUnlessKnown(uuid, *vm);
    vm->settled.set();
}

Task<> VmRules::readOnce(std::string uuid, VmPtr vm) {
    const std::string path = rulesPath(uuid);
    const std::vector<std::string> keys = co_await client_.list(path);
    if (keys.size() > maxVmRules)
        throw Error(errors::limitsExceeded,
                    fmt::format("there are {}, the limit of a VM is {}", keys.size(), maxVmRules));
    std::vector<rules::Rule> fresh;
    for (const std::string& key : keys) {
        const std::size_t number = numberOf(key);
        const std::string text = co_await client_.read(path + "/" + key);
        fresh.push_back(parsed(text, uuid, number));
    }
    std::ranges::stable_sort(fresh, {}, [](const rules::Rule& rule) { return rule.origin.number; });
    if (vm->again)
        co_return; // half of the old ones, half of the new
    vm->known = true;
    publish(uuid, *vm, std::move(fresh));
}

void VmRules::publish(const std::string& uuid, Vm& vm, std::vector<rules::Rule> rules) {
    const auto current = vms_.find(uuid);
    if (current == vms_.end() || current->second.get() != &vm || same(vm.rules, rules))
        return;
    vm.rules = std::move(rules);
    handler_(uuid, vm.rules);
}

void VmRules::closeUnlessKnown(const std::string& uuid, Vm& vm) {
    if (vm.known)
        return;
    std::vector<rules::Rule> closed;
    for (const char* const text :
         {"deny inc-any", "deny out-any", "deny inc-any stubdom true", "deny out-any stubdom true"})
        closed.push_back(parsed(text, uuid, 0));
    publish(uuid, vm, std::move(closed));
}

Task<> VmRules::acquire(std::string uuid) {
    VmPtr& entry = vms_[uuid];
    if (!entry)
        entry = std::make_shared<Vm>(bus_.loop().executor());
    const VmPtr vm = entry;
    ++vm->users;
    forgetSome();
    if (!vm->known && !vm->reading)
        read(uuid, vm);
    const bool read = co_await vm->settled.waitFor(firstReadLimit);
    if (!read && logLimit_.take())
        log::warn("VM {}: the database has not told its rules within {} ms: nothing of it is let through "
                  "until it has",
                  uuid, firstReadLimit.count());
    closeUnlessKnown(uuid, *vm);
    co_await properties_.acquire(uuid);
}

void VmRules::release(const std::string& uuid) {
    properties_.release(uuid);
    const auto found = vms_.find(uuid);
    if (found != vms_.end())
        --found->second->users;
}

// Not when the last client of a VM goes: the next one may be here in no time.
void VmRules::forgetSome() {
    if (vms_.size() <= keptVms)
        return;
    for (auto each = vms_.begin(); each != vms_.end();) {
        const auto [uuid, vm] = *each;
        if (vm->users == 0) {
            publish(uuid, *vm, {});
            each = vms_.erase(each);
        } else {
            ++each;
        }
    }
}

} // namespace xb::proxy
