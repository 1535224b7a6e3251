// SPDX-License-Identifier: Apache-2.0
// The rules in force: those of the file, those that were added while running, those of the VMs. A broken file
// is never in force, and neither is a broken rule: what was stays.
#pragma once

#include "rpc-proxy/rules/rule_set.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xb::proxy {

/// Rules that may be added while running.
inline constexpr std::size_t maxAddedRules = 1024;

class RulesInForce {
public:
    using RuleSetPtr = std::shared_ptr<const rules::RuleSet>;

    /// Reads `file`; throws xb::Error with one line per mistake, FILE:LINE:COLUMN first. `changed` is called
    /// with every later set.
    RulesInForce(std::filesystem::path file, std::function<void(RuleSetPtr)> changed);

    const RuleSetPtr& get() const { return set_; }
    /// Reads the file again; throws as the constructor.
    void reload();
    /// Adds a rule behind all others. Throws xb::Error (InvalidArgs, LimitsExceeded).
    void add(const std::string& text);
    /// Removes the last one of those that were added that says the same. Throws xb::Error.
    void remove(const std::string& text);
    /// The rules of a VM, in place of those it had.
    void setVm(const std::string& uuid, std::vector<rules::Rule> rules);
    /// Their texts, in the order of evaluation, without the implicit one.
    std::vector<std::string> list() const;

private:
    RuleSetPtr compiled(std::vector<rules::Rule> ofFile) const;
    std::vector<rules::Rule> rulesOfFile() const;
    void compile(std::vector<rules::Rule> ofFile);

    std::filesystem::path file_;
    std::function<void(RuleSetPtr)> changed_;
    std::vector<rules::Rule> added_;
    std::map<std::string, std::vector<rules::Rule>> ofVms_; // none is empty
    std::size_t number_ = 0;                                // of the last one that was added
    RuleSetPtr set_;                                        // those of the file are in here only
};

} // namespace xb::proxy
