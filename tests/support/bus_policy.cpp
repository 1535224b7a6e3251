// SPDX-License-Identifier: Apache-2.0
#include "tests/support/bus_policy.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace xb::test {

namespace {

constexpr auto systemBusConfiguration = "/usr/share/dbus-1/system.conf";

std::uint32_t messageType(std::string_view word) {
    constexpr std::array<std::string_view, 5> words{"*", "method_call", "method_return", "error", "signal"};
    const auto it = std::ranges::find(words, word);
    if (it == words.end())
        throw Error("bus policy: no message type \"" + std::string(word) + "\"");
    return static_cast<std::uint32_t>(it - words.begin());
}

std::string unlessAny(const std::string& value) {
    return value == "*" ? "" : value;
}

// One <allow> or <deny>.
PolicyRule readRule(const pugi::xml_node& node, std::optional<uid_t> user) {
    using What = PolicyRule::What;
    PolicyRule rule;
    rule.user = user;
    rule.allow = std::string_view(node.name()) == "allow";
    for (const auto& attribute : node.attributes()) {
        const std::string key = attribute.name();
        const std::string value = unlessAny(attribute.value());
        if (key.starts_with("own"))
            rule.what = What::own;
        else if (key.starts_with("send_"))
            rule.what = What::send;
        else if (key.starts_with("receive_"))
            rule.what = What::receive;
        const std::string field = key.substr(key.find('_') + 1);
        if (key == "own" || key == "own_prefix") {
            rule.name = value;
            rule.prefix = key == "own_prefix" || value.empty();
        } else if (key == "user" && value.empty()) {
            rule.what = What::connect;
        } else if (field == "destination" || field == "sender") {
            rule.name = value;
        } else if (field == "path") {
            rule.path = value;
        } else if (field == "interface") {
            rule.interface = value;
        } else if (field == "member") {
            rule.member = value;
        } else if (field == "type") {
            rule.type = messageType(attribute.value());
        } else if (key != "send_requested_reply" && key != "eavesdrop") {
            // Those two dbus-broker has no rules for: it passes on only replies that were asked for, and
            // nobody but a monitor hears what is for others.
            throw Error("bus policy: no idea of " + key);
        }
    }
    return rule;
}

} // namespace

BusPolicy BusPolicy::permissive() {
    BusPolicy policy("session");
    policy.addText("<busconfig><policy context=\"default\"><allow user=\"*\"/>"
                   "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
                   "<allow receive_sender=\"*\" eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                   0);
    return policy;
}

BusPolicy BusPolicy::systemBus() {
    BusPolicy policy("system");
    policy.add(systemBusConfiguration, 0);
    return policy;
}

void BusPolicy::add(const std::filesystem::path& file, uid_t root, std::optional<uid_t> proxy) {
    try {
        addText(readFile(file), root, proxy);
    } catch (const Error& e) {
        throw Error(file.string() + ": " + e.what());
    }
}

void BusPolicy::addText(const std::string& busconfig, uid_t root, std::optional<uid_t> proxy) {
    pugi::xml_document document;
    if (const auto result = document.load_string(busconfig.c_str()); !result)
        throw Error(std::string("not XML: ") + result.description());
    std::ostringstream text;
    std::size_t policies = 0;
    for (auto policy : document.child("busconfig").children("policy")) {
        ++policies;
        if (auto user = policy.attribute("user")) {
            const std::string_view name = user.value();
            if (name != "root" && name != defaultProxyUser)
                throw Error("bus policy: no idea of user " + std::string(name));
            if (name != "root" && !proxy)
                continue;
            user.set_value(name == "root" ? root : *proxy);
        }
        policy.print(text, "", pugi::format_raw);
    }
    if (policies == 0)
        throw Error("holds no bus policy");
    xml_ += text.str();
}

std::vector<PolicyRule> BusPolicy::rules() const {
    pugi::xml_document document;
    document.load_string(("<busconfig>" + xml_ + "</busconfig>").c_str());
    std::vector<PolicyRule> forAll;
    std::vector<PolicyRule> forUsers; // they overrule those for all
    for (const auto& policy : document.child("busconfig").children("policy")) {
        std::optional<uid_t> user;
        if (const auto attribute = policy.attribute("user"))
            user = attribute.as_uint();
        else if (std::string_view(policy.attribute("context").value()) != "default")
            throw Error("bus policy: only context=\"default\" and user are known here");
        for (const auto& node : policy.children())
            if (node.type() == pugi::node_element)
                (user ? forUsers : forAll).push_back(readRule(node, user));
    }
    forAll.insert(forAll.end(), forUsers.begin(), forUsers.end());
    return forAll;
}

} // namespace xb::test
