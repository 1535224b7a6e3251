// SPDX-License-Identifier: Apache-2.0
// What --help of a program with CLI11 prints: an option per line, limits (--max-...) packed, and all of it on
// a screen of 24 lines and 80 columns (tests/integration/help holds programs to it). Of a program with more
// options than that, those without a short name are packed too, those of all daemons at the end; the longest
// first if it must be. Options in no group are not shown. A header of its own, as xc-rpcgen uses it too,
// which links nothing of the platform.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xb {

class HelpFormatter : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
        name.erase(0, name.rfind('/') + 1);
        std::vector<const CLI::Option*> own;
        std::vector<const CLI::Option*> common;
        collect(*app, own, common);
        std::string head = "usage: " + name + " [OPTION...]";
        for (const CLI::Option* option : own)
            if (option->nonpositional() == false)
                head += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
        head += "\n" + app->get_description() + "\n";
        std::string tail = "  -h, --help                this text           --version\n";
        if (!app->get_footer().empty())
            tail += app->get_footer() + "\n";
        constexpr std::ptrdiff_t screen = 23; // and the prompt
        std::string text = head + options(own, isLimit) + options(common, isLimit) + tail;
        if (std::ranges::count(text, '\n') <= screen)
            return text;
        own.insert(own.end(), common.begin(), common.end());
        std::string shorter = head + options(own, isLong) + tail;
        if (std::ranges::count(shorter, '\n') <= screen)
            return shorter;
        return head + options(own, isLong, true) + tail;
    }

private:
    // Options of its own first, then those that all daemons have.
    static void collect(const CLI::App& app, std::vector<const CLI::Option*>& own,
                        std::vector<const CLI::Option*>& common) {
        constexpr std::array<std::string_view, 4> everywhere{"bus", "root", "log-level", "log-to"};
        for (const CLI::Option* option : app.get_options()) {
            const auto& names = option->get_lnames();
            const bool elsewhere = !names.empty() && (names[0] == "help" || names[0] == "version");
            if (elsewhere || (option->get_group().empty() && option->nonpositional()))
                continue;
            const bool shared = !names.empty() && std::ranges::find(everywhere, names[0]) != everywhere.end();
            (shared ? common : own).push_back(option);
        }
        for (const CLI::App* group : app.get_subcommands({}))
            if (group->get_name().empty())
                collect(*group, own, common);
    }

    static bool isLimit(const CLI::Option& option) {
        return !option.get_lnames().empty() && option.get_lnames()[0].starts_with("max-");
    }

    static bool isLong(const CLI::Option& option) { return option.get_snames().empty(); }

    // A line each, then those that are to be packed.
    static std::string options(const std::vector<const CLI::Option*>& all,
                               bool (*isPacked)(const CLI::Option&), bool longestFirst = false) {
        std::string text;
        for (const CLI::Option* option : all)
            if (option->nonpositional() && !isPacked(*option))
                text += line(*option);
        return text + packed(all, isPacked, longestFirst);
    }

    // As many as there is room for on each line, with their defaults; the manual page says what they are of.
    static std::string packed(const std::vector<const CLI::Option*>& options,
                              bool (*isPacked)(const CLI::Option&), bool longestFirst) {
        constexpr std::size_t width = 80;
        std::vector<std::string> texts;
        for (const CLI::Option* option : options) {
            if (!option->nonpositional() || !isPacked(*option))
                continue;
            std::string one = "  --" + option->get_lnames()[0];
            if (const std::string value = valueOf(*option); !value.empty())
                one += " " + value;
            if (const std::string& fallback = option->get_default_str(); !fallback.empty())
                one += " [" + fallback + "]";
            texts.push_back(std::move(one));
        }
        if (longestFirst) // which needs the fewest lines
            std::ranges::stable_sort(texts, std::ranges::greater(), &std::string::size);
        std::vector<std::string> lines;
        for (std::string& one : texts) {
            const auto place = std::ranges::find_if(
                lines, [&one](const std::string& line) { return line.size() + one.size() <= width; });
            if (place == lines.end())
                lines.push_back(std::move(one));
            else
                *place += one;
        }
        std::string text;
        for (const std::string& line : lines)
            text += line + "\n";
        return text;
    }

    static std::string line(const CLI::Option& option) {
        constexpr std::size_t column = 28;
        std::string left;
        for (const auto& name : option.get_snames())
            left += (left.empty() ? "  -" : ", -") + name;
        for (const auto& name : option.get_lnames())
            left += (left.empty() ? "  --" : ", --") + name;
        const std::string value = valueOf(option);
        if (!value.empty())
            left += " " + value;
        left += "  ";
        left.resize(std::max(left.size(), column), ' ');
        const std::string& fallback = option.get_default_str();
        return left + option.get_description() + (fallback.empty() ? "" : " [" + fallback + "]") + "\n";
    }

    static std::string valueOf(const CLI::Option& option) {
        if (option.get_type_size() == 0)
            return "";
        return isLimit(option) ? "N" : valueName(option.get_type_name());
    }

    // CLI11 has "TYPE:what its checks say", the words to choose from in braces.
    static std::string valueName(std::string type) {
        if (const auto open = type.find('{'); open != std::string::npos) {
            type = type.substr(open + 1, type.find('}', open) - open - 1);
            std::ranges::replace(type, ',', '|');
            return type;
        }
        type = type.substr(0, type.find(':'));
        return type == "UINT" || type == "INT" || type == "FLOAT" ? "N" : type;
    }
};

} // namespace xb
