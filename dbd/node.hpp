// SPDX-License-Identifier: Apache-2.0
// One node of the configuration tree. A node is a single heap block: a 48-byte header with the name behind
// it; texts of up to 16 bytes lie in the header, longer ones in a block of their own. Children are a linked
// list in the order of their insertion, owned by their parent, and reached through a hash index once there
// are many. Nothing here recurses, so the depth of a tree never matters. Only running out of memory can fail.
#pragma once

#include "dbd/siphash.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace xb::dbd {

enum class NodeKind : std::uint8_t {
    Empty,   ///< JSON null: present, without a value
    String,  ///< text() is the decoded text
    Integer, ///< text() is the number as it was written
    Float,   ///< text() is the number as it was written
    True,
    False,
    Array, ///< text() is compact JSON
    File,  ///< a binary node: text() is the path of the file on disk
    Nodes, ///< an inner node, possibly without children
};

class Node;
struct NodeDeleter {
    void operator()(Node* node) const noexcept;
};
using NodePtr = std::unique_ptr<Node, NodeDeleter>;

/// How much a subtree holds.
struct TreeSize {
    std::size_t nodes = 0;
    std::size_t bytes = 0; ///< names and texts
};

class Node {
public:
    /// A childless Empty node. `name` is at most Limits::maxNameBytes long.
    static NodePtr make(std::string_view name);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    NodeKind kind() const { return kind_; }
    std::string_view name() const { return {nameData(), nameLength_}; }
    std::string_view text() const;
    bool isInner() const { return kind_ == NodeKind::Nodes; }

    Node* parent() const { return parent_; }
    Node* next() const { return next_; }
    Node* firstChild() const;
    std::size_t childCount() const;
    std::size_t emptyChildCount() const; ///< children of kind Empty
    Node* child(std::string_view name) const;

    /// Turns this node into one of `kind` with `text`, dropping its children. Not for Nodes.
    void setValue(NodeKind kind, std::string_view text);
    /// Turns this node into an inner node without children.
    void setNodes();
    /// Adds a child behind the others. This must be an inner node without a child of that name.
    Node& append(NodePtr child);
    /// Adds an Empty child of that name behind the others, unless there is one: nullptr. For an inner node.
    Node* appendNew(std::string_view name);
    /// Takes this node out of its parent's children.
    NodePtr detach();
    /// Takes over kind, text and children of `from`, which is left Empty. The name and the place stay.
    /// Returns how much went for it: the text, and what was below.
    TreeSize adoptContent(Node& from);

    /// Counts this node and everything below it.
    TreeSize measure() const;
    /// The node after this one in a walk over `root` from parents to children, or nullptr at the end.
    const Node* following(const Node& root) const;

private:
    struct Children;
    friend struct NodeDeleter;
    static constexpr std::size_t inlineBytes = 16;

    explicit Node(std::string_view name);
    ~Node() = default;
    const char* nameData() const { return reinterpret_cast<const char*>(this + 1); }
    void setKind(NodeKind kind);
    void link(NodePtr child);
    TreeSize dropContent();
    static TreeSize destroy(Node* top) noexcept;

    Node* parent_ = nullptr;
    Node* previous_ = nullptr;
    Node* next_ = nullptr;
    std::uint16_t nameLength_ = 0;
    NodeKind kind_ = NodeKind::Empty;
    std::uint32_t textLength_ = 0;
    union Content {
        char inlineText[inlineBytes];
        char* heapText;
        Children* children;
    } content_{};
};

/// What is put in place of a node's content: a nameless node, and what its measure() says.
struct Subtree {
    NodePtr node;
    TreeSize size;
};

} // namespace xb::dbd
