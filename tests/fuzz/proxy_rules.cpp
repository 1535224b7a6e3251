// SPDX-License-Identifier: Apache-2.0
// Hostile: a rules file, a rule from a VM's part of the database or from a caller of add_rule, and whatever
// message is judged by them. What parses is within the limits, prints, and parses to the same rules; the
// compiled rules, the naive evaluator and explain agree. The input is the file, then (after a NUL) numbers
// that choose rules, peers and messages.
#include "rpc-proxy/rules/explain.hpp"
#include "rpc-proxy/rules/lint.hpp"
#include "rpc-proxy/rules/parser.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/rpc-proxy/rules/naive.hpp"
#include "tests/unit/rpc-proxy/rules/random_rules.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::proxy::rules;

constexpr const char* uuid = Vocabulary::uuids[0];

/// Small, so that inputs of a few bytes reach them.
Limits smallLimits() {
    Limits limits;
    limits.fileBytes = 200;
    limits.lineBytes = 60;
    limits.tokenBytes = 12;
    limits.rules = 4;
    limits.conditions = 2;
    limits.errors = 2;
    return limits;
}

/// Chooses by the bytes of the input; the first way when they are used up.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
    std::size_t operator()(std::size_t n) {
        if (at_ == bytes_.size())
            return 0;
        return static_cast<unsigned char>(bytes_[at_++]) % n;
    }
    bool done() const { return at_ == bytes_.size(); }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

void checkErrors(const ParseResult& result, const Limits& limits) {
    expect(result.rules.empty() || result.ok(), "an error leaves no rule");
    expect(result.errors.size() <= limits.errors + 1, "errors are bounded");
    for (const ParseError& each : result.errors) {
        expect(!each.text.empty() && (each.line == 0) == (each.column == 0), "an error says what and where");
        for (const char c : each.text)
            expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "an error is text");
    }
}

void checkRule(const Rule& rule, const Limits& limits) {
    expect(rule.conditions.size() <= limits.conditions, "no more conditions than allowed");
    for (const Condition& each : rule.conditions)
        expect(each.text.size() <= limits.tokenBytes || each.field == Field::domUuid,
               "values within their limit");
    const ParseResult again = parseRules(rule.text(), "again");
    expect(again.ok() && again.rules.size() == 1, "what was printed is read: " + rule.text());
    expect(again.rules.front().sameAs(rule), "and is the same rule: " + rule.text());
}

ParseResult checkFile(std::string_view text, const Limits& limits) {
    ParseResult result = parseRules(text, "f", limits);
    checkErrors(result, limits);
    expect(result.rules.size() <= limits.rules, "no more rules than allowed");
    for (const Rule& each : result.rules)
        checkRule(each, limits);
    return result;
}

void checkVmRule(std::string_view text, const Limits& limits) {
    const ParseResult result = parseVmRule(text, uuid, 1, limits);
    checkErrors(result, limits);
    expect(result.ok() == (result.rules.size() == 1), "exactly one rule");
    for (const Rule& rule : result.rules) {
        const std::string* own = rule.value(Field::domUuid);
        expect(own != nullptr && *own == uuid, "a VM's rule is for that VM");
        expect(std::ranges::count(rule.conditions, Field::domUuid, &Condition::field) == 1,
               "and for no other");
    }
}

void checkVerdicts(const std::vector<Rule>& rules, Bytes& choose) {
    const auto set = std::make_shared<const RuleSet>(rules);
    expect(set->size() == rules.size() + 1, "every rule is in the set");
    for (const Finding& each : lint(*set))
        expect(each.rule > 0 && each.rule < set->size() && !each.text.empty(), "findings are about rules");
    for (int i = 0; i < 8 && (i == 0 || !choose.done()); ++i) {
        const Subject subject = randomSubject(choose);
        const Properties properties = randomProperties(choose);
        const Message message = randomMessage(choose);
        const Verdict fast = PeerRules(set, subject, properties).evaluate(message);
        const Verdict slow = naive::evaluate(rules, message, subject, properties);
        expect(fast.rule == slow.rule && fast.allowed == slow.allowed,
               "compiled as naive: " + set->describe(fast) + " but " + set->describe(slow));
        const Explanation explanation = explain(*set, message, subject, properties);
        expect(explanation.verdict.rule == fast.rule, "the explanation is of what decides");
        expect(explainText(*set, explanation).starts_with(set->describe(fast)), "and begins with it");
    }
}

void run(std::string_view input) {
    const auto end = input.find('\0');
    const std::string_view text = input.substr(0, end);
    Bytes choose(end == std::string_view::npos ? std::string_view() : input.substr(end + 1));
    checkFile(text, smallLimits());
    checkVmRule(text, Limits());
    std::vector<Rule> rules = checkFile(text, Limits()).rules;
    while (rules.size() < 100 && !choose.done() && choose(3) != 0) // more, so that messages meet some
        rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(choose(rules.size() + 1)),
                     randomRule(choose));
    for (const Rule& each : rules)
        checkRule(each, Limits());
    checkVerdicts(rules, choose);
}

const Target target("proxy_rules", run);

} // namespace

} // namespace xb::fuzz
