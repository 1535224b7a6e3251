// SPDX-License-Identifier: Apache-2.0
#include "bootage/graph.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace xb::bootage {

namespace {

// Every service that is left waits for one that is left, so following first such dependencies must come
// round.
[[noreturn]] void refuseCircle(const Config& config, const DependencyGraph& graph,
                               const std::vector<bool>& placed) {
    auto firstLeft = [&](const std::vector<std::size_t>& among) {
        return *std::ranges::find_if(among, [&](std::size_t each) { return !placed[each]; });
    };
    std::vector<std::size_t> path;
    auto at = static_cast<std::size_t>(std::ranges::find(placed, false) - placed.begin());
    while (std::ranges::find(path, at) == path.end()) {
        path.push_back(at);
        at = firstLeft(graph.dependencies(at));
    }
    std::string names;
    for (auto each = std::ranges::find(path, at); each != path.end(); ++each)
        names += config.services[*each].name + " -> ";
    const Service& first = config.services[at];
    throw ConfigError({config.file, first.line},
                      "services depend on each other in a circle: " + names + first.name);
}

} // namespace

DependencyGraph::DependencyGraph(const Config& config)
    : dependencies_(config.services.size()), dependents_(config.services.size()) {
    link(config);
    sort(config);
}

void DependencyGraph::link(const Config& config) {
    std::map<std::string_view, std::size_t> byName;
    for (std::size_t i = 0; i < config.services.size(); ++i)
        byName.emplace(config.services[i].name, i);
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        std::set<std::size_t> linked;
        for (const auto& dependency : config.services[i].dependencies) {
            const auto found = byName.find(dependency.name);
            if (found == byName.end())
                throw ConfigError({config.file, dependency.line}, "service " + config.services[i].name +
                                                                      " depends on \"" + dependency.name +
                                                                      "\", which is no service of this file");
            if (!linked.insert(found->second).second)
                continue;
            dependencies_[i].push_back(found->second);
            dependents_[found->second].push_back(i);
        }
    }
}

void DependencyGraph::sort(const Config& config) {
    std::vector<bool> placed(config.services.size());
    auto canStart = [&](std::size_t service) {
        return !placed[service] &&
               std::ranges::all_of(dependencies_[service], [&](std::size_t each) { return placed[each]; });
    };
    for (bool progress = true; progress;) {
        progress = false;
        for (std::size_t i = 0; i < placed.size(); ++i)
            if (canStart(i)) {
                placed[i] = progress = true;
                order_.push_back(i);
            }
    }
    if (order_.size() != placed.size())
        refuseCircle(config, *this, placed);
}

} // namespace xb::bootage
