// SPDX-License-Identifier: Apache-2.0
// Compiled rules decide as the naive evaluator does, and by the same rule: random sets of every size, random
// peers, random messages.
#include "rpc-proxy/rules/parser.hpp"
#include "tests/unit/rpc-proxy/rules/naive.hpp"
#include "tests/unit/rpc-proxy/rules/random_rules.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace xb::proxy::rules {
namespace {

std::string describe(const Message& message) {
    const auto shown = [](const std::optional<std::string_view>& field) {
        return field ? quoted(*field) : std::string("-");
    };
    return subjectName(message.direction, message.type) + " destination " + shown(message.destination) +
           " interface " + shown(message.interface) + " member " + shown(message.member) + " sender " +
           shown(message.sender) + " arg0 " + shown(message.arg0);
}

struct Counts {
    std::size_t allowed = 0, denied = 0, noRule = 0;
};

template <class Choose>
void compare(Choose& choose, const std::vector<Rule>& rules, std::size_t peers, Counts& counts) {
    const auto set = std::make_shared<const RuleSet>(rules);
    for (std::size_t peer = 0; peer < peers; ++peer) {
        const Subject subject = randomSubject(choose);
        const Properties properties = randomProperties(choose);
        const PeerRules compiled(set, subject, properties);
        for (int i = 0; i < 100; ++i) {
            const Message message = randomMessage(choose);
            const Verdict fast = compiled.evaluate(message);
            const Verdict slow = naive::evaluate(rules, message, subject, properties);
            ASSERT_EQ(fast.rule, slow.rule) << describe(message) << "\ncompiled: " << set->describe(fast)
                                            << "\nnaive: " << set->describe(slow);
            ASSERT_EQ(fast.allowed, slow.allowed) << describe(message);
            ++(fast.rule == Verdict::noRule ? counts.noRule : fast.allowed ? counts.allowed : counts.denied);
        }
    }
}

TEST(Differential, SmallSets) {
    std::mt19937 random(1); // NOLINT(cert-msc51-cpp): the same every time
    auto choose = [&random](std::size_t n) { return random() % n; };
    Counts counts;
    for (int set = 0; set < 400; ++set) {
        std::vector<Rule> rules;
        for (std::size_t n = choose(30); n > 0; --n)
            rules.push_back(randomRule(choose));
        ASSERT_NO_FATAL_FAILURE(compare(choose, rules, 4, counts));
    }
    // Each outcome is compared often enough to mean something.
    EXPECT_GT(counts.allowed, 10000U);
    EXPECT_GT(counts.denied, 10000U);
    EXPECT_GT(counts.noRule, 10000U);
}

// Around the sizes at which words and summaries of the bitmaps begin. Most rules have more conditions than a
// message satisfies, so that what decides is deep down.
TEST(Differential, LargeSets) {
    std::mt19937 random(2); // NOLINT(cert-msc51-cpp)
    auto choose = [&random](std::size_t n) { return random() % n; };
    Counts counts;
    for (const std::size_t size : {62U, 63U, 64U, 127U, 128U, 4094U, 4095U, 4096U, 9000U}) {
        std::vector<Rule> rules;
        while (rules.size() < size) {
            Rule rule = randomRule(choose);
            std::erase_if(rule.conditions,
                          [](const Condition& each) { return each.field == Field::destination; });
            if (rules.size() % 97 != 5)
                rule.conditions.push_back(
                    {Field::destination, "com.example.n" + std::to_string(choose(size)), false});
            rules.push_back(std::move(rule));
        }
        ASSERT_NO_FATAL_FAILURE(compare(choose, rules, 3, counts));
    }
    EXPECT_GT(counts.allowed + counts.denied, 500U);
}

// A set keeps rules as numbers of what is in its index: they must come back as they were.
TEST(Differential, RulesComeBackFromTheSet) {
    std::mt19937 random(3); // NOLINT(cert-msc51-cpp)
    auto choose = [&random](std::size_t n) { return random() % n; };
    std::vector<Rule> rules;
    for (std::size_t i = 0; i < 2000; ++i) {
        rules.push_back(randomRule(choose));
        rules.back().origin = {i % 2 == 0 ? Origin::Kind::file : Origin::Kind::added, i % 2 == 0 ? "f" : "",
                               i};
    }
    const RuleSet set(rules);
    ASSERT_EQ(set.size(), rules.size() + 1);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const Rule again = set.rule(i + 1);
        ASSERT_TRUE(again.sameAs(rules[i])) << rules[i].text() << "\n" << again.text();
        ASSERT_EQ(again.origin.text(), rules[i].origin.text());
    }
}

} // namespace
} // namespace xb::proxy::rules
