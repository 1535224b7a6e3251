// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/rules_in_force.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "rpc-proxy/rules_file.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <malloc.h>

namespace xb::proxy {

namespace {

rules::Rule parsed(const std::string& text, std::size_t number) {
    rules::ParseResult result = rules::parseAddedRule(text, number);
    if (!result.ok())
        throw Error(errors::invalidArgs,
                    fmt::format("rule \"{}\": column {}: {}", text, result.errors.front().column,
                                result.errors.front().text));
    return std::move(result.rules.front());
}

} // namespace

RulesInForce::RulesInForce(std::filesystem::path file, std::function<void(RuleSetPtr)> changed)
    : file_(std::move(file)), changed_(std::move(changed)), set_(compiled(readRulesFile(file_))) {
    ::malloc_trim(0); // see compile()
}

RulesInForce::RuleSetPtr RulesInForce::compiled(std::vector<rules::Rule> ofFile) const {
    std::vector<rules::Rule> all = std::move(ofFile);
    all.insert(all.end(), added_.begin(), added_.end());
    for (const auto& [uuid, ofVm] : ofVms_)
        all.insert(all.end(), ofVm.begin(), ofVm.end());
    return std::make_shared<const rules::RuleSet>(all);
}

std::vector<rules::Rule> RulesInForce::rulesOfFile() const {
    std::vector<rules::Rule> rules;
    for (std::size_t i = 0; i < set_->size(); ++i) {
        if (set_->origin(i).kind == rules::Origin::Kind::file)
            rules.push_back(set_->rule(i));
    }
    return rules;
}

void RulesInForce::compile(std::vector<rules::Rule> ofFile) {
    set_ = compiled(std::move(ofFile));
    changed_(set_);
    ::malloc_trim(0); // what thousands of rules took on their way, and the old set, are not needed any more
}

void RulesInForce::reload() {
    compile(readRulesFile(file_));
}

void RulesInForce::add(const std::string& text) {
    if (added_.size() >= maxAddedRules)
        throw Error(errors::limitsExceeded, fmt::format("{} rules were added already, the limit is {}",
                                                        added_.size(), maxAddedRules));
    added_.push_back(parsed(text, number_ + 1));
    ++number_;
    compile(rulesOfFile());
}

void RulesInForce::remove(const std::string& text) {
    const rules::Rule wanted = parsed(text, 0);
    const auto found = std::find_if(added_.rbegin(), added_.rend(),
                                    [&wanted](const rules::Rule& rule) { return rule.sameAs(wanted); });
    if (found == added_.rend())
        throw Error(fmt::format("no rule \"{}\" was added while running", text));
    added_.erase(std::next(found).base());
    compile(rulesOfFile());
}

void RulesInForce::setVm(const std::string& uuid, std::vector<rules::Rule> rules) {
    if (rules.empty())
        ofVms_.erase(uuid);
    else
        ofVms_[uuid] = std::move(rules);
    compile(rulesOfFile());
}

std::vector<std::string> RulesInForce::list() const {
    std::vector<std::string> texts;
    for (std::size_t i = 1; i < set_->size(); ++i)
        texts.emplace_back(set_->text(i));
    return texts;
}

} // namespace xb::proxy
