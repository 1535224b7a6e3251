// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace xb::bench {

namespace {

bool met(const Row& row) {
    return row.goal->sense == Goal::Sense::atMost ? row.value <= row.goal->limit
                                                  : row.value >= row.goal->limit;
}

// Three digits or whole numbers: more would pretend.
std::string number(double value) {
    const int decimals = value >= 100 || value == static_cast<long>(value) ? 0 : value >= 10 ? 1 : 2;
    return fmt::format("{:.{}f}", value, decimals);
}

std::string goalText(const Row& row) {
    if (!row.goal)
        return "";
    return (row.goal->sense == Goal::Sense::atMost ? "<= " : ">= ") + number(row.goal->limit);
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

Report::Report(bool json) : json_(json) {
    if (!json_)
        fmt::print("{:<44} {:>9} {:<9} {:>9}  {:<5}  {}\n", "", "figure", "", "goal", "", "");
}

void Report::add(const Row& row) {
    if (json_) {
        std::string line = fmt::format("{{\"name\":{},\"value\":{},\"unit\":{}", quoted(row.name), row.value,
                                       quoted(row.unit));
        if (row.goal)
            line += fmt::format(",\"goal\":{},\"met\":{}", quoted(goalText(row)), met(row));
        if (!row.note.empty())
            line += ",\"note\":" + quoted(row.note);
        fmt::print("{}}}\n", line);
    } else {
        fmt::print("{:<44} {:>9} {:<9} {:>9}  {:<5}  {}\n", row.name, number(row.value), row.unit,
                   goalText(row),
                   !row.goal  ? ""
                   : met(row) ? "ok"
                              : "short",
                   row.note);
    }
    std::fflush(stdout);
}

} // namespace xb::bench
