// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

namespace xb::xec {

namespace {

// Optional: a value may follow after '=' only. JoinedToo: --opt VALUE or --opt=VALUE.
enum class Values { none, one, two, optional, joinedToo };

template <class O>
struct Spec {
    std::string_view longName;
    char shortName;
    Values values;
    std::function<void(O&, std::span<const std::string>)> apply;
};

template <class T>
void first(std::optional<T>& target, T value) {
    if (!target)
        target = std::move(value);
}

template <class O>
auto flag(bool Options::*member) {
    return [member](O& options, std::span<const std::string>) { options.*member = true; };
}

template <class O>
auto text(std::optional<std::string> Options::*member) {
    return [member](O& options, std::span<const std::string> values) { first(options.*member, values[0]); };
}

auto vmFlag(bool VmOptions::*member) {
    return [member](VmOptions& options, std::span<const std::string>) { options.*member = true; };
}

auto vmText(std::optional<std::string> VmOptions::*member) {
    return [member](VmOptions& options, std::span<const std::string> values) {
        first(options.*member, values[0]);
    };
}

JsonStyle jsonStyle(std::span<const std::string> values) {
    if (values.empty() || values[0] == "compact")
        return JsonStyle::compact;
    if (values[0] == "pretty")
        return JsonStyle::pretty;
    throw UsageError("--json=" + values[0] + ": not one of compact, pretty");
}

// The number of another domain; nothing for a negative one, which stands for our own.
std::optional<std::string> domainNumber(const std::string& text) {
    const bool negative = text.starts_with('-');
    const std::string_view digits = std::string_view(text).substr(negative ? 1 : 0);
    const bool number =
        !digits.empty() && digits.size() <= 9 &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!number)
        throw UsageError("--target-domid " + text + ": not a domain number");
    return negative ? std::nullopt : std::optional(text);
}

template <class O>
std::vector<Spec<O>> commonSpecs() {
    using Args = std::span<const std::string>;
    return {
        {"--help", 'h', Values::none, flag<O>(&Options::help)},
        {"--version", 0, Values::none, flag<O>(&Options::version)},
        {"--query", 'q', Values::none, flag<O>(&Options::query)},
        {"--session", 0, Values::none, flag<O>(&Options::session)},
        {"--list-interfaces", 0, Values::none, flag<O>(&Options::listInterfaces)},
        {"--list-methods", 0, Values::none, flag<O>(&Options::listMethods)},
        {"--list-properties", 0, Values::none, flag<O>(&Options::listProperties)},
        {"--service", 's', Values::one, text<O>(&Options::service)},
        {"--object", 'o', Values::one, text<O>(&Options::object)},
        {"--interface", 'i', Values::one, text<O>(&Options::interface)},
        {"--get", 'g', Values::one, text<O>(&Options::get)},
        {"--set", 'x', Values::two,
         [](O& options, Args values) { first(options.set, std::pair(values[0], values[1])); }},
        {"--target-domid", 't', Values::one,
         [](O& options, Args values) {
             if (!std::exchange(options.targetGiven, true))
                 options.targetDomain = domainNumber(values[0]);
         }},
        {"--bus", 0, Values::joinedToo, text<O>(&Options::bus)},
        {"--timeout", 0, Values::joinedToo,
         [](O& options, Args values) { first(options.timeout, parseSeconds(values[0], "--timeout")); }},
        {"--json", 0, Values::optional,
         [](O& options, Args values) { first(options.json, jsonStyle(values)); }},
    };
}

WaitOption waitOption(std::span<const std::string> values) {
    WaitOption wait;
    if (!values.empty())
        wait.limit = parseSeconds(values[0], "--wait");
    return wait;
}

std::vector<Spec<VmOptions>> vmSpecs() {
    auto specs = commonSpecs<VmOptions>();
    specs.insert(specs.end(), {{"--name", 'n', Values::one, vmText(&VmOptions::name)},
                               {"--uuid", 'u', Values::one, vmText(&VmOptions::uuid)},
                               {"--domid", 'd', Values::one, vmText(&VmOptions::domid)},
                               {"--path", 0, Values::one, text<VmOptions>(&Options::object)},
                               {"--disk", 'k', Values::one, vmText(&VmOptions::disk)},
                               {"--nic", 'c', Values::one, vmText(&VmOptions::nic)},
                               {"--list-disks", 0, Values::none, vmFlag(&VmOptions::listDisks)},
                               {"--list-nics", 0, Values::none, vmFlag(&VmOptions::listNics)},
                               {"--completion-names", 0, Values::none, vmFlag(&VmOptions::completionNames)},
                               {"--wait", 0, Values::optional,
                                [](VmOptions& options, std::span<const std::string> values) {
                                    first(options.wait, waitOption(values));
                                }}});
    return specs;
}

// Consumes the option at `at` with its values; false if there is none.
template <class O>
bool consume(const std::vector<Spec<O>>& specs, std::span<const std::string> words, std::size_t& at,
             O& options) {
    const std::string& word = words[at];
    for (const Spec<O>& spec : specs) {
        const bool joinable = spec.values == Values::optional || spec.values == Values::joinedToo;
        if (joinable && word.size() > spec.longName.size() && word.starts_with(spec.longName) &&
            word[spec.longName.size()] == '=') {
            const std::string value = word.substr(spec.longName.size() + 1);
            spec.apply(options, std::span(&value, 1));
            ++at;
            return true;
        }
        const bool isShort =
            spec.shortName && word.size() == 2 && word[0] == '-' && word[1] == spec.shortName;
        if (word != spec.longName && !isShort)
            continue;
        const std::size_t count = spec.values == Values::two                                       ? 2
                                  : spec.values == Values::one || spec.values == Values::joinedToo ? 1
                                                                                                   : 0;
        if (words.size() - at - 1 < count)
            throw UsageError(word + " needs " + (count == 2 ? "two values" : "a value"));
        spec.apply(options, words.subspan(at + 1, count));
        at += 1 + count;
        return true;
    }
    return false;
}

template <class O>
O parse(const std::vector<Spec<O>>& specs, const Words& words) {
    O options;
    std::size_t at = 0;
    while (at < words.size() && consume(specs, std::span(words), at, options)) {
    }
    options.positional.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return options;
}

} // namespace

std::chrono::microseconds parseSeconds(const std::string& text, const std::string& what) {
    double seconds = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) ||
        seconds < 0.001 || seconds > static_cast<double>(longestTimeoutSeconds))
        throw UsageError(what + " " + text + ": not a number of seconds from 0.001 to " +
                         std::to_string(longestTimeoutSeconds));
    return std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

Options parseXecOptions(const Words& words) {
    return parse(commonSpecs<Options>(), words);
}

VmOptions parseVmOptions(const Words& words) {
    return parse(vmSpecs(), words);
}

} // namespace xb::xec
