// SPDX-License-Identifier: Apache-2.0
// The dependency graph: order, who waits for whom, circles and unknown names.
#include "bootage/graph.hpp"

#include <gmock/gmock.h>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> startOrder(std::string_view text) {
    const Config config = parseConfig(text, "b.conf");
    const DependencyGraph graph(config);
    std::vector<std::string> names;
    for (std::size_t each : graph.startOrder())
        names.push_back(config.services[each].name);
    return names;
}

std::string refusal(std::string_view text) {
    const Config config = parseConfig(text, "b.conf");
    try {
        DependencyGraph graph(config);
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Graph, EachAfterItsDependencies) {
    EXPECT_THAT(startOrder("service c\nexec p\ndep b a\nservice b\nexec p\ndep a\nservice a\nexec p\n"),
                ElementsAre("a", "b", "c"));
    EXPECT_THAT(startOrder("service x\nexec p\nservice y\nexec p\n"), ElementsAre("x", "y"));
    EXPECT_THAT(startOrder(""), IsEmpty());
}

TEST(Graph, BothDirections) {
    const Config config = parseConfig(
        "service a\nexec p\nservice b\nexec p\ndep a a\nservice c\nexec p\ndep a\ndep b a\n", "b.conf");
    const DependencyGraph graph(config);
    EXPECT_THAT(graph.dependencies(0), IsEmpty());
    EXPECT_THAT(graph.dependents(0), ElementsAre(1, 2));
    EXPECT_THAT(graph.dependencies(1), ElementsAre(0));
    EXPECT_THAT(graph.dependencies(2), ElementsAre(0, 1));
    EXPECT_THAT(graph.dependents(2), IsEmpty());
}

TEST(Graph, UnknownNameIsRefusedAtItsLine) {
    EXPECT_EQ(refusal("service a\nexec p\ndep a2\n"),
              "b.conf:3: service a depends on \"a2\", which is no service of this file");
}

TEST(Graph, CirclesAreRefusedByName) {
    EXPECT_EQ(refusal("service a\nexec p\ndep a\n"),
              "b.conf:1: services depend on each other in a circle: a -> a");
    EXPECT_EQ(refusal("service ok\nexec p\n"
                      "service in\nexec p\ndep a\n"
                      "service a\nexec p\ndep ok b\n"
                      "service b\nexec p\ndep c\n"
                      "service c\nexec p\ndep a\n"),
              "b.conf:6: services depend on each other in a circle: a -> b -> c -> a");
}

} // namespace
} // namespace xb::bootage
