// SPDX-License-Identifier: Apache-2.0
// The configuration tree in memory and the operations that clients know: read, write, inject, rm, list,
// exists, dump. Owns every node. Reading never fails: what is not there reads as nothing. Writing fails with
// xb::Error at a bound, at text that JSON or D-Bus cannot carry, and at binary nodes; a failed operation
// changes nothing.
#pragma once

#include "dbd/limits.hpp"
#include "dbd/node.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

class Tree {
public:
    /// Gets the canonical path of each node that changed, came or went, after the change; for a subtree its
    /// root.
    using Listener = std::function<void(std::string_view path)>;

    explicit Tree(Limits limits = {});

    void setListener(Listener listener) { listener_ = std::move(listener); }
    const Limits& limits() const { return limits_; }
    const Node& root() const { return *root_; }
    const TreeSize& size() const { return size_; }
    /// The node at `path`, or nullptr.
    const Node* find(std::string_view path) const;
    /// The node at `path` below `node`, or nullptr.
    static const Node* findBelow(const Node& node, std::string_view path);
    /// What read() says of a node.
    static std::string valueOf(const Node& node);

    /// The value as text; "" for anything without one; "file:<path>" for a binary node.
    std::string read(std::string_view path) const;
    /// The disk path of a binary node. Throws "not a binary node".
    std::string binaryPath(std::string_view path) const;
    bool exists(std::string_view path) const { return find(path) != nullptr; }
    /// Names of the children in the order of their insertion.
    std::vector<std::string> list(std::string_view path) const;
    /// Pretty JSON with a newline at the end; null if there is nothing.
    std::string dump(std::string_view path) const;

    /// What the following three check, without changing anything: they throw as those would. The first two
    /// return how much the tree may grow at most.
    TreeSize checkWrite(std::string_view path, std::string_view value) const;
    TreeSize checkPut(std::string_view path, const Subtree& content) const;
    void checkRm(std::string_view path) const;
    /// Throws if there is no room for `more`.
    void checkGrowth(const TreeSize& more, std::string_view path) const { checkRoom(more, {}, path); }

    /// Stores a string. Ignored where there is an inner node; leaves on the way become inner nodes.
    void write(std::string_view path, std::string_view value);
    /// Replaces the node at `path` by parsed JSON. Text behind the value is ignored.
    void inject(std::string_view path, std::string_view json);
    /// Removes a node, Empty nodes beside its path, and parents that are left without children.
    void rm(std::string_view path);
    /// Removes a node and parents that are left without children, nothing beside them. `keepFirst`: what lies
    /// at the root stays.
    void remove(std::string_view path, bool keepFirst);

    /// The first half of inject: checks and parses, changes nothing. Throws.
    Subtree parse(std::string_view path, std::string_view json) const;
    /// The second half of inject: puts parsed content at `path`.
    void put(std::string_view path, Subtree content);

    /// For the loader: puts `content` at `path` whatever is there, binary nodes included.
    void graft(std::string_view path, Subtree content);
    void graft(std::string_view path, NodePtr content);
    /// The nodes on the two highest levels that rm of `path` would take with it: Empty ones, and the highest
    /// on the path if it is left without children.
    std::vector<std::string> discardedHigh(std::string_view path) const;
    /// Removes just this node if it has no children and no value.
    void discard(std::string_view path);

    /// For the loader: takes out the content of a node and the node itself, whatever that leaves of its
    /// parents; nullptr if there is none. Nobody is notified.
    NodePtr extract(std::string_view path);
    /// For the loader: removes just this node and parents left without children. Absent: nothing.
    void drop(std::string_view path);

private:
    struct Descent;
    Descent descend(std::string_view path) const;
    void checkPath(std::string_view path) const;
    void checkRoom(const TreeSize& more, const TreeSize& less, std::string_view path) const;
    Node& create(const Descent& from);
    TreeSize checkPlace(std::string_view path, TreeSize content) const;
    void removeAll();
    void replace(Node& node, Subtree content);
    std::vector<std::string> discardEmpty(Node& lowest);
    std::string pruneFrom(Node& node, bool keepFirst = false);
    const Node* prunedTop(const Descent& end) const;
    void notify(std::string_view path) const;

    Limits limits_;
    NodePtr root_;
    TreeSize size_;
    Listener listener_;
};

/// The canonical path of a node of a tree.
std::string pathOf(const Node& node);

} // namespace xb::dbd
