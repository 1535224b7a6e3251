// SPDX-License-Identifier: Apache-2.0
#include "dbd/preconditions.hpp"

#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

namespace xb::dbd {

namespace {

std::string described(const Tree& tree, const View& view, std::string_view path) {
    const Node* const node = tree.find(view.place(std::string(path)));
    if (node == nullptr)
        return "nothing";
    if (node->isInner())
        return "a node without a value";
    return '"' + forMessage(view.read(tree, path)) + '"';
}

} // namespace

void require(const Tree& tree, const View& view, std::span<const Precondition> preconditions) {
    for (const Precondition& each : preconditions) {
        const bool holds = each.value ? view.read(tree, each.path) == *each.value
                                      : !tree.exists(view.place(std::string(each.path)));
        if (!holds)
            throw Error(
                checkFailedError,
                fmt::format("step {}: {} is not as expected: expected {}, found {}; nothing was changed",
                            each.number, forMessage(each.path),
                            each.value ? '"' + forMessage(*each.value) + '"' : "nothing",
                            described(tree, view, each.path)));
    }
}

} // namespace xb::dbd
