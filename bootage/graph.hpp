// SPDX-License-Identifier: Apache-2.0
// Who waits for whom: the dependency graph of a configuration, by index into Config::services. Refuses what
// could never start: names that nobody has, and circles.
#pragma once

#include "bootage/config.hpp"

#include <cstddef>
#include <vector>

namespace xb::bootage {

class DependencyGraph {
public:
    /// Throws ConfigError naming the dep line for an unknown name, and the services of a circle in their
    /// order.
    explicit DependencyGraph(const Config& config);

    /// The services that `service` waits for, each once.
    const std::vector<std::size_t>& dependencies(std::size_t service) const { return dependencies_[service]; }
    /// The services that wait for `service`; they are stopped before it.
    const std::vector<std::size_t>& dependents(std::size_t service) const { return dependents_[service]; }
    /// All services, every one after those it depends on, otherwise in the order of the file.
    const std::vector<std::size_t>& startOrder() const { return order_; }

private:
    void link(const Config& config);
    void sort(const Config& config);

    std::vector<std::vector<std::size_t>> dependencies_;
    std::vector<std::vector<std::size_t>> dependents_;
    std::vector<std::size_t> order_;
};

} // namespace xb::bootage
