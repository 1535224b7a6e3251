// SPDX-License-Identifier: Apache-2.0
// Nodes: memory, order and the child index.
#include "dbd/node.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace xb::dbd {
namespace {

std::vector<std::string> namesOf(const Node& node) {
    std::vector<std::string> names;
    for (const Node* child = node.firstChild(); child != nullptr; child = child->next())
        names.emplace_back(child->name());
    return names;
}

NodePtr innerNode() {
    NodePtr node = Node::make({});
    node->setNodes();
    return node;
}

TEST(Node, TextsOfEveryLength) {
    NodePtr node = Node::make("n");
    for (std::size_t length = 0; length < 100; ++length) {
        const std::string text(length, 'v');
        node->setValue(NodeKind::String, text);
        EXPECT_EQ(node->text(), text);
    }
    node->setValue(NodeKind::String, node->text().substr(1)); // a text inside the text that goes
    EXPECT_EQ(node->text(), std::string(98, 'v'));
    EXPECT_EQ(node->name(), "n");
}

TEST(Node, IndexFindsEveryoneThroughGrowthAndRemoval) {
    NodePtr root = innerNode();
    std::vector<std::string> expected;
    std::mt19937 random(7);
    int next = 0;
    for (int step = 0; step < 4000; ++step) {
        const bool grow = expected.empty() || random() % 100 < (step < 2000 ? 60U : 40U);
        if (grow) {
            expected.push_back("child" + std::to_string(next++));
            root->append(Node::make(expected.back()));
        } else {
            const auto at = random() % expected.size();
            Node* const child = root->child(expected[at]);
            ASSERT_NE(child, nullptr) << expected[at];
            child->detach();
            expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(at));
        }
        ASSERT_EQ(root->childCount(), expected.size());
        ASSERT_EQ(root->child("child" + std::to_string(next)), nullptr);
    }
    EXPECT_EQ(namesOf(*root), expected);
    for (const std::string& name : expected)
        EXPECT_NE(root->child(name), nullptr) << name;
}

TEST(Node, IndexSurvivesShrinkingBelowItsThreshold) {
    NodePtr root = innerNode();
    for (int i = 0; i < 40; ++i)
        root->append(Node::make(std::to_string(i)));
    for (int i = 0; i < 38; ++i)
        root->child(std::to_string(i))->detach();
    root->append(Node::make("new"));
    EXPECT_EQ(namesOf(*root), (std::vector<std::string>{"38", "39", "new"}));
    EXPECT_NE(root->child("new"), nullptr);
    EXPECT_NE(root->child("39"), nullptr);
    EXPECT_EQ(root->child("0"), nullptr);
}

TEST(Node, CountsItsEmptyChildren) {
    NodePtr root = innerNode();
    Node& child = root->append(Node::make("a"));
    root->append(Node::make("b"));
    EXPECT_EQ(root->emptyChildCount(), 2U);
    child.setValue(NodeKind::String, "x");
    EXPECT_EQ(root->emptyChildCount(), 1U);
    child.setNodes();
    EXPECT_EQ(root->emptyChildCount(), 1U);
    root->child("b")->detach();
    EXPECT_EQ(root->emptyChildCount(), 0U);
    child.setValue(NodeKind::Empty, {});
    EXPECT_EQ(root->emptyChildCount(), 1U);
}

TEST(Node, AdoptedContentKeepsNameAndPlace) {
    NodePtr root = innerNode();
    root->append(Node::make("a"));
    Node& middle = root->append(Node::make("b"));
    root->append(Node::make("c"));
    NodePtr content = innerNode();
    content->append(Node::make("x")).setValue(NodeKind::String, "a text longer than sixteen bytes");
    middle.adoptContent(*content);
    EXPECT_EQ(namesOf(*root), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(middle.child("x")->text(), "a text longer than sixteen bytes");
    EXPECT_EQ(middle.child("x")->parent(), &middle);
    EXPECT_EQ(content->kind(), NodeKind::Empty);
    EXPECT_EQ(root->measure().nodes, 5U);
}

TEST(Node, AdoptedContentSaysHowMuchWentForIt) {
    NodePtr node = innerNode();
    node->append(Node::make("ab")).setValue(NodeKind::String, "c");
    Node& inner = node->append(Node::make("d"));
    inner.setNodes();
    inner.append(Node::make("e")).setValue(NodeKind::String, "a text longer than sixteen bytes");
    TreeSize gone = node->adoptContent(*Node::make({}));
    EXPECT_EQ(gone.nodes, 3U);
    EXPECT_EQ(gone.bytes, 5U + 32U);
    node->setValue(NodeKind::String, "four");
    gone = node->adoptContent(*innerNode());
    EXPECT_EQ(gone.nodes, 0U);
    EXPECT_EQ(gone.bytes, 4U);
}

TEST(Node, ANewChildIsRefusedWhereThereIsOne) {
    const NodePtr root = innerNode();
    for (int i = 0; i < 100; ++i) { // with and without an index
        const std::string name = std::to_string(i);
        EXPECT_EQ(root->appendNew(name)->name(), name);
        EXPECT_EQ(root->appendNew(name), nullptr);
        EXPECT_EQ(root->appendNew("0"), nullptr);
    }
    EXPECT_EQ(root->childCount(), 100U);
    EXPECT_EQ(root->child("57")->name(), "57");
}

TEST(Node, AnyDepthIsFreedAndWalkedWithoutRecursion) {
    constexpr std::size_t depth = 1'000'000;
    NodePtr root = innerNode();
    Node* node = root.get();
    for (std::size_t i = 0; i < depth; ++i) {
        node = &node->append(Node::make("d"));
        node->setNodes();
    }
    EXPECT_EQ(root->measure().nodes, depth + 1);
    root.reset();
}

TEST(Node, NamesHaveABound) {
    EXPECT_THROW(Node::make(std::string(65536, 'n')), std::length_error);
}

} // namespace
} // namespace xb::dbd
