// SPDX-License-Identifier: Apache-2.0
// The results: one row per figure, with its goal where there is one, as a table for people or a JSON object
// per line for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace xb::bench {

double median(std::vector<double> values);
/// The value that `share` (0 to 1) of the values are below.
double quantile(std::vector<double> values, double share);

struct Goal {
    enum class Sense { atMost, atLeast };
    double limit;
    Sense sense = Sense::atMost;
};

struct Row {
    std::string name;
    double value;
    std::string unit;
    std::optional<Goal> goal = std::nullopt;
    std::string note = {}; ///< further figures of the same measurement
};

/// Prints rows as they come.
class Report {
public:
    explicit Report(bool json);
    void add(const Row& row);

private:
    bool json_;
};

} // namespace xb::bench
