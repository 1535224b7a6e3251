// SPDX-License-Identifier: Apache-2.0
// Hostile: JSON from a database file (which an administrator may have edited) and from a caller of inject.
// What is accepted is within the limits, and is the same tree again after it was printed, as what is saved
// must be when it is loaded.
#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::dbd;

/// Small, so that inputs of a few bytes reach them.
Limits smallLimits() {
    Limits limits;
    limits.depth = 8;
    limits.nameBytes = 16;
    limits.valueBytes = 64;
    limits.nodes = 32;
    return limits;
}

bool sameNode(const Node& a, const Node& b) {
    return a.kind() == b.kind() && a.name() == b.name() && a.text() == b.text() &&
           a.childCount() == b.childCount();
}

// Both walks go from parents to children in the same order, so equal nodes at every step are equal trees.
bool sameTree(const Node& a, const Node& b) {
    const Node* left = &a;
    const Node* right = &b;
    while (left != nullptr && right != nullptr && sameNode(*left, *right)) {
        left = left->following(a);
        right = right->following(b);
    }
    return left == nullptr && right == nullptr;
}

void checkLimits(const ParseResult& parsed, const Limits& limits) {
    const Node& root = *parsed.node;
    const TreeSize size = root.measure();
    expect(size.nodes == parsed.size.nodes && size.bytes == parsed.size.bytes, "the size is the tree's");
    expect(size.nodes <= limits.nodes, "no more nodes than allowed");
    for (const Node* node = &root; node != nullptr; node = node->following(root)) {
        expect(node->name().size() <= limits.nameBytes && node->text().size() <= limits.valueBytes,
               "names and values within their limits");
        expect(isCleanText(node->name()) && isCleanText(node->text()), "only text that D-Bus can carry");
        expect(node->name().find('/') == std::string_view::npos, "only keys that a path reaches");
    }
}

void checkPrinted(const Node& root, const Limits& limits) {
    std::string text;
    appendPrettyJson(text, root);
    const ParseResult again = parseJson(text, Trailing::Refused, limits);
    expect(again.node != nullptr, "what was printed is read: " + again.place() + " in " + text);
    expect(sameTree(root, *again.node), "what was printed is the same tree: " + text);
    std::string twice;
    appendPrettyJson(twice, *again.node);
    expect(text == twice, "the same tree is printed the same way");
}

void check(std::string_view input, const Limits& limits) {
    const ParseResult file = parseJson(input, Trailing::Refused, limits);
    const ParseResult inject = parseJson(input, Trailing::Ignored, limits);
    if (file.node != nullptr) {
        expect(inject.node != nullptr && sameTree(*file.node, *inject.node),
               "inject takes what a file may hold");
        checkLimits(file, limits);
        checkPrinted(*file.node, limits);
    } else {
        expect(!file.error.empty() && file.line > 0 && file.column > 0, "an error says what and where");
        expect(isCleanText(file.error), "an error is text");
    }
    if (inject.node != nullptr) {
        checkLimits(inject, limits);
        checkPrinted(*inject.node, limits);
    }
}

void run(std::string_view input) {
    check(input, Limits());
    check(input, smallLimits());
}

const Target target("dbd_json", run);

} // namespace

} // namespace xb::fuzz
