// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/arguments.hpp"

#include "toolstack/xenops/words.hpp"

#include <fmt/format.h>

namespace xb::xenops {

namespace {

const Flag* find(const std::vector<Flag>& flags, std::string_view name) {
    for (const Flag& flag : flags)
        if (flag.name == name || (!flag.shortName.empty() && flag.shortName == name))
            return &flag;
    return nullptr;
}

} // namespace

UsageError notValid(std::string_view argument, const std::string& reason) {
    return {fmt::format("error: \"{}\" argument is not valid: {}", argument, reason), reason};
}

std::optional<std::string> Arguments::text(std::string_view flag) const {
    const auto found = flags_.find(flag);
    if (found == flags_.end())
        return std::nullopt;
    return found->second;
}

std::string Arguments::required(std::string_view flag) const {
    auto value = text(flag);
    if (!value || value->empty())
        throw notValid(flag, fmt::format("give one with -{}", flag));
    return *std::move(value);
}

std::optional<std::uint64_t> Arguments::number(std::string_view flag, std::uint64_t least,
                                               std::uint64_t most) const {
    const auto value = text(flag);
    if (!value)
        return std::nullopt;
    return numberWithin(*value, flag, least, most);
}

std::uint64_t Arguments::requiredNumber(std::string_view flag, std::uint64_t least,
                                        std::uint64_t most) const {
    return numberWithin(required(flag), flag, least, most);
}

std::string Arguments::take(std::string_view name) {
    auto operand = takeIfThere();
    if (!operand)
        throw UsageError(fmt::format("error: {} is missing", name));
    return *std::move(operand);
}

std::optional<std::string> Arguments::takeIfThere() {
    if (operands.empty())
        return std::nullopt;
    std::string first = std::move(operands.front());
    operands.erase(operands.begin());
    return first;
}

void Arguments::end() const {
    if (!operands.empty())
        throw UsageError(fmt::format("error: \"{}\" is one argument too many", operands.front()));
}

Arguments parseArguments(const Words& words, const std::vector<Flag>& flags) {
    Arguments result;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") {
            result.operands.insert(result.operands.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                   words.end());
            break;
        }
        if (word.size() < 2 || word.front() != '-') {
            result.operands.push_back(word);
            continue;
        }
        const std::string_view body = std::string_view(word).substr(word[1] == '-' ? 2 : 1);
        const auto equals = body.find('=');
        const Flag* flag = find(flags, body.substr(0, equals));
        if (!flag) {
            result.unknown.push_back(word);
        } else if (flag->value.empty()) {
            if (equals != std::string_view::npos)
                throw notValid(flag->name, "it takes no value");
            result.set(flag->name, "");
        } else if (equals != std::string_view::npos) {
            result.set(flag->name, std::string(body.substr(equals + 1)));
        } else if (++i < words.size()) {
            result.set(flag->name, words[i]);
        } else {
            throw notValid(flag->name, fmt::format("its value ({}) is missing", flag->value));
        }
    }
    return result;
}

} // namespace xb::xenops
