// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace xb::bench {

namespace {

bool met(const Row& row) {
    const double limit = row.goal->limit * (row.goal->ofEcho ? row.echo.value() : 1);
    return row.goal->sense == Goal::Sense::atMost ? row.value <= limit : row.value >= limit;
}

// Three digits or whole numbers: more would pretend.
std::string number(double value) {
    const int decimals = value >= 100 || value == std::trunc(value) ? 0 : value >= 10 ? 1 : 2;
    return fmt::format("{:.{}f}", value, decimals);
}

std::string goalText(const Row& row) {
    if (!row.goal)
        return "";
    return (row.goal->sense == Goal::Sense::atMost ? "<= " : ">= ") + number(row.goal->limit) +
           (row.goal->ofEcho ? " echo" : "");
}

std::string echoText(const Row& row) {
    return row.echo ? number(*row.echo) : "";
}

std::string verdict(const Row& row) {
    return !row.goal ? "" : met(row) ? "ok" : "short";
}

void printLine(const std::string& name, const std::string& figure, const std::string& unit,
               const std::string& echo, const std::string& goal, const std::string& verdict,
               const std::string& note) {
    fmt::print("{:<48} {:>9} {:<9} {:>9} {:>12}  {:<5}  {}\n", name, figure, unit, echo, goal, verdict, note);
}

// Names and notes are ours: nothing in them needs more than this.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += c;
    }
    return result + '"';
}

} // namespace

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double quantile(std::vector<double> values, double share) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

Report::Report(Format format) : format_(format) {
    if (format_ == Format::table)
        printLine("", "figure", "", "echo", "goal", "", "");
    else if (format_ == Format::markdown)
        fmt::print("| | figure | echo | goal |\n|---|---|---|---|\n");
}

void Report::add(const Row& row) {
    if (format_ == Format::json) {
        std::string line = fmt::format("{{\"name\":{},\"value\":{},\"unit\":{}", quoted(row.name), row.value,
                                       quoted(row.unit));
        if (row.echo)
            line += fmt::format(",\"echo\":{}", *row.echo);
        if (row.goal)
            line += fmt::format(",\"goal\":{},\"met\":{}", quoted(goalText(row)), met(row));
        if (!row.note.empty())
            line += ",\"note\":" + quoted(row.note);
        fmt::print("{}}}\n", line);
    } else if (format_ == Format::markdown) {
        fmt::print("| {} | {} {} | {} | {} |\n", row.name, number(row.value), row.unit, echoText(row),
                   goalText(row));
    } else {
        printLine(row.name, number(row.value), row.unit, echoText(row), goalText(row), verdict(row),
                  row.note);
    }
    std::fflush(stdout);
}

void Report::absent(const std::string& name, const std::string& why) {
    if (format_ == Format::json)
        fmt::print("{{\"name\":{},\"absent\":{}}}\n", quoted(name), quoted(why));
    else if (format_ == Format::markdown)
        fmt::print("| {} | {} | | |\n", name, why);
    else
        printLine(name, "-", "", "", "", "", why);
    std::fflush(stdout);
}

void ReportOptions::addTo(CLI::App& app) {
    const std::map<std::string, Report::Format> formats{{"table", Report::Format::table},
                                                        {"markdown", Report::Format::markdown},
                                                        {"json", Report::Format::json}};
    app.add_option("--format", format, "table, markdown, or json: an object per line")
        ->transform(CLI::CheckedTransformer(formats));
    app.add_option("--effort", effort.factor, "multiplies the number of repetitions")
        ->check(CLI::Range(0.01, 100.0));
}

} // namespace xb::bench
