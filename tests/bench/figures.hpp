// SPDX-License-Identifier: Apache-2.0
// The results: one row per figure, with its goal and the echo service's figure where there are such, as a
// table for people, in Markdown for documents, or a JSON object per line for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace xb::bench {

double median(std::vector<double> values);
/// The value that `share` (0 to 1) of the values are below.
double quantile(std::vector<double> values, double share);

struct Goal {
    enum class Sense { atMost, atLeast };
    double limit;
    Sense sense = Sense::atMost;
    bool ofEcho = false; ///< the limit is a multiple of echo's figure
};

struct Row {
    std::string name;
    double value;
    std::string unit;
    std::optional<Goal> goal = std::nullopt;
    std::string note = {}; ///< further figures of the same measurement
    std::optional<double> echo = std::nullopt;
};

/// Prints rows as they come.
class Report {
public:
    enum class Format { table, markdown, json };
    explicit Report(Format format);
    void add(const Row& row);
    /// A row without figure: what could not be measured, and why.
    void absent(const std::string& name, const std::string& why);

private:
    Format format_;
};

/// Multiplies the number of repetitions; below 1 for a first look.
struct Effort {
    double factor = 1;
    unsigned times(unsigned count) const {
        const auto scaled = static_cast<unsigned>(count * factor);
        return scaled > 0 ? scaled : 1;
    }
};

/// What a program of measurements is told on its command line.
struct ReportOptions {
    Report::Format format = Report::Format::table;
    Effort effort;
    void addTo(CLI::App& app);
};

} // namespace xb::bench
