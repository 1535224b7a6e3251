// SPDX-License-Identifier: Apache-2.0
// The operations on the tree. The order is always: check, then find, then change, then tell the listener.
#include "dbd/tree.hpp"

#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace xb::dbd {

namespace {

constexpr int floatDecimals = 6; // of a float that is read

std::string floatText(std::string_view number) {
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value); // too small for a double: stays 0
    std::array<char, 400> text{}; // the largest double has 309 digits before its point
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, floatDecimals);
    return {text.data(), end.ptr};
}

Error binaryError(std::string_view operation, const Node& node) {
    return Error(std::string(operation) + ": " + pathOf(node) + " is a binary node (file " +
                 forMessage(node.text()) + "), which is changed as a file only");
}

Error limitError(const std::string& what, std::size_t value, std::size_t limit, std::string_view path) {
    return {errors::limitsExceeded, what + " is " + std::to_string(value) + ", the limit is " +
                                        std::to_string(limit) + " (path " + forMessage(path) + ")"};
}

} // namespace

/// How far a path leads: the lowest existing node on it and the segments that do not exist.
struct Tree::Descent {
    Node* node;
    PathWalk rest;
    bool complete() const { return rest.done(); }
};

std::string pathOf(const Node& node) {
    std::vector<std::string_view> names;
    for (const Node* at = &node; at->parent() != nullptr; at = at->parent())
        names.push_back(at->name());
    std::string path;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        path += '/';
        path += *name;
    }
    return path.empty() ? "/" : path;
}

Tree::Tree(Limits limits) : limits_(limits), root_(Node::make({})) {
    root_->setNodes();
    size_ = root_->measure();
}

Tree::Descent Tree::descend(std::string_view path) const {
    Descent result{root_.get(), PathWalk(path)};
    while (!result.rest.done()) {
        PathWalk further = result.rest;
        Node* const child = result.node->child(further.take());
        if (child == nullptr)
            break;
        result.node = child;
        result.rest = further;
    }
    return result;
}

const Node* Tree::find(std::string_view path) const {
    const Descent end = descend(path);
    return end.complete() ? end.node : nullptr;
}

const Node* Tree::findBelow(const Node& node, std::string_view path) {
    const Node* found = &node;
    for (PathWalk walk(path); found != nullptr && !walk.done();)
        found = found->child(walk.take());
    return found;
}

std::string Tree::read(std::string_view path) const {
    const Node* const node = find(path);
    return node == nullptr ? std::string() : valueOf(*node);
}

std::string Tree::valueOf(const Node& node) {
    switch (node.kind()) {
    case NodeKind::String:
    case NodeKind::Integer:
        return std::string(node.text());
    case NodeKind::Float:
        return floatText(node.text());
    case NodeKind::True:
        return "true";
    case NodeKind::False:
        return "false";
    case NodeKind::File:
        return "file:" + std::string(node.text());
    case NodeKind::Empty:
    case NodeKind::Array:
    case NodeKind::Nodes:
        break;
    }
    return {};
}

std::string Tree::binaryPath(std::string_view path) const {
    const Node* const node = find(path);
    if (node == nullptr || node->kind() != NodeKind::File)
        throw Error("not a binary node: " + forMessage(path));
    return std::string(node->text());
}

std::vector<std::string> Tree::list(std::string_view path) const {
    std::vector<std::string> names;
    if (const Node* const node = find(path)) {
        names.reserve(node->childCount());
        for (const Node* child = node->firstChild(); child != nullptr; child = child->next())
            names.emplace_back(child->name());
    }
    return names;
}

std::string Tree::dump(std::string_view path) const {
    const Node* const node = find(path);
    if (node == nullptr)
        return "null\n";
    std::string out;
    appendPrettyJson(out, *node);
    return out;
}

void Tree::checkPath(std::string_view path) const {
    if (path.size() > limits_.pathBytes)
        throw limitError("the length of the path", path.size(), limits_.pathBytes, path);
    if (!isCleanText(path))
        throw Error(errors::invalidArgs, "the path is not valid UTF-8 without NUL: " + forMessage(path));
    std::size_t depth = 0;
    for (PathWalk walk(path); !walk.done(); ++depth) {
        const std::string_view name = walk.take();
        if (name.size() > std::min(limits_.nameBytes, Limits::maxNameBytes))
            throw limitError("the length of a name in the path", name.size(), limits_.nameBytes, path);
    }
    if (depth > limits_.depth)
        throw limitError("the number of names in the path", depth, limits_.depth, path);
}

void Tree::checkRoom(const TreeSize& more, const TreeSize& less, std::string_view path) const {
    const std::size_t nodes = size_.nodes + more.nodes - less.nodes;
    if (more.nodes > less.nodes && nodes > limits_.nodes)
        throw limitError("the number of nodes in the tree", nodes, limits_.nodes, path);
    const std::size_t bytes = size_.bytes + more.bytes - less.bytes;
    if (more.bytes > less.bytes && bytes > limits_.treeBytes)
        throw limitError("the size of the tree in bytes", bytes, limits_.treeBytes, path);
}

/// Makes the nodes that the path lacks and returns the last one. A leaf on the way loses its value.
Node& Tree::create(const Descent& from) {
    Node* node = from.node;
    for (PathWalk rest = from.rest; !rest.done();) {
        if (!node->isInner()) {
            size_.bytes -= node->text().size();
            node->setNodes();
        }
        node = &node->append(Node::make(rest.take()));
        ++size_.nodes;
        size_.bytes += node->name().size();
    }
    return *node;
}

void Tree::notify(std::string_view path) const {
    if (listener_)
        listener_(path);
}

TreeSize Tree::checkWrite(std::string_view path, std::string_view value) const {
    checkPath(path);
    if (value.size() > limits_.valueBytes)
        throw limitError("the length of the value", value.size(), limits_.valueBytes, path);
    if (!isCleanText(value))
        throw Error(errors::invalidArgs,
                    "write: the value for " + forMessage(path) + " is not valid UTF-8 without NUL");
    const Descent end = descend(path);
    if (end.node->kind() == NodeKind::File)
        throw binaryError("write", *end.node);
    TreeSize more{0, value.size()};
    for (PathWalk rest = end.rest; !rest.done(); ++more.nodes)
        more.bytes += rest.take().size();
    checkRoom(more, {0, end.node->text().size()}, path);
    return more;
}

void Tree::write(std::string_view path, std::string_view value) {
    checkWrite(path, value);
    const Descent end = descend(path);
    if (end.complete()) {
        if (end.node->isInner() || (end.node->kind() == NodeKind::String && end.node->text() == value))
            return;
    }
    Node& node = create(end);
    size_.bytes -= node.text().size();
    node.setValue(NodeKind::String, value);
    size_.bytes += value.size();
    notify(pathOf(node));
}

Subtree Tree::parse(std::string_view path, std::string_view json) const {
    checkPath(path);
    if (json.size() > limits_.injectBytes)
        throw limitError("the length of the JSON text", json.size(), limits_.injectBytes, path);
    std::size_t depth = 0;
    for (PathWalk walk(path); !walk.done(); ++depth)
        walk.take();
    ParseResult parsed = parseJson(json, Trailing::Ignored, limits_, depth);
    if (parsed.node == nullptr)
        throw Error("inject: the JSON text for " + forMessage(path) + " is refused at " + parsed.place());
    return {std::move(parsed.node), parsed.size};
}

void Tree::replace(Node& node, Subtree content) {
    const TreeSize less = node.adoptContent(*content.node);
    size_.nodes = size_.nodes + content.size.nodes - 1 - less.nodes; // the node itself stays
    size_.bytes = size_.bytes + content.size.bytes - less.bytes;
    notify(pathOf(node));
}

/// Throws if a content of this size cannot be put at `path`. Returns how much the tree may grow at most.
TreeSize Tree::checkPlace(std::string_view path, TreeSize content) const {
    checkPath(path);
    const Descent end = descend(path);
    if (end.node->kind() == NodeKind::File)
        throw binaryError("inject", *end.node);
    // Counting what goes means to walk over it: only where it matters.
    const bool plenty =
        size_.nodes + content.nodes <= limits_.nodes && size_.bytes + content.bytes <= limits_.treeBytes;
    if (!plenty)
        checkRoom(content, end.complete() ? end.node->measure() : TreeSize{}, path);
    for (PathWalk rest = end.rest; !rest.done(); ++content.nodes)
        content.bytes += rest.take().size();
    return content;
}

TreeSize Tree::checkPut(std::string_view path, const Subtree& content) const {
    return checkPlace(path, content.size);
}

void Tree::put(std::string_view path, Subtree content) {
    static_cast<void>(checkPlace(path, content.size));
    replace(create(descend(path)), std::move(content));
}

void Tree::inject(std::string_view path, std::string_view json) {
    put(path, parse(path, json));
}

void Tree::graft(std::string_view path, Subtree content) {
    replace(create(descend(path)), std::move(content));
}

void Tree::graft(std::string_view path, NodePtr content) {
    const TreeSize size = content->measure();
    graft(path, Subtree{std::move(content), size});
}

/// Removes the Empty children of `lowest` and of every node above it. Returns their paths.
std::vector<std::string> Tree::discardEmpty(Node& lowest) {
    std::vector<std::string> gone;
    for (Node* level = &lowest; level != nullptr; level = level->parent()) {
        for (Node* child = level->firstChild(); child != nullptr && level->emptyChildCount() > 0;) {
            Node* const next = child->next();
            if (child->kind() == NodeKind::Empty) {
                gone.push_back(pathOf(*child));
                --size_.nodes;
                size_.bytes -= child->name().size();
                child->detach();
            }
            child = next;
        }
    }
    return gone;
}

/// Removes `node` and the parents that hold nothing else, but for one at the root if `keepFirst`. Returns the
/// path of the topmost node removed.
std::string Tree::pruneFrom(Node& node, bool keepFirst) {
    Node* top = &node;
    const auto mayGo = [this, keepFirst](const Node& parent) {
        const bool stays = &parent == root_.get() || (keepFirst && parent.parent() == root_.get());
        return !stays && parent.childCount() == 1;
    };
    while (mayGo(*top->parent()))
        top = top->parent();
    const TreeSize less = top->measure();
    size_.nodes -= less.nodes;
    size_.bytes -= less.bytes;
    std::string path = pathOf(*top);
    top->detach();
    return path;
}

void Tree::checkRm(std::string_view path) const {
    const Descent end = descend(path);
    if (end.complete() && end.node->kind() == NodeKind::File)
        throw binaryError("rm", *end.node);
}

void Tree::removeAll() {
    if (root_->isInner() && root_->childCount() == 0)
        return;
    root_->setNodes();
    size_ = root_->measure();
    notify("/");
}

void Tree::remove(std::string_view path, bool keepFirst) {
    checkRm(path);
    const Descent end = descend(path);
    if (end.complete() && end.node == root_.get())
        removeAll();
    else if (end.complete())
        notify(pruneFrom(*end.node, keepFirst));
}

void Tree::rm(std::string_view path) {
    checkRm(path);
    const Descent end = descend(path);
    if (end.complete() && end.node == root_.get()) {
        removeAll();
        return;
    }
    if (!end.complete() && !end.node->isInner())
        return; // the path leads through a leaf

    std::vector<std::string> gone;
    if (end.complete()) {
        Node& parent = *end.node->parent();
        const bool isEmpty = end.node->kind() == NodeKind::Empty; // then it goes with its like
        gone = discardEmpty(parent);
        if (!isEmpty)
            gone.push_back(pruneFrom(*end.node));
        else if (parent.childCount() == 0 && &parent != root_.get())
            gone.push_back(pruneFrom(parent));
    } else {
        const std::size_t before = end.node->childCount();
        gone = discardEmpty(*end.node);
        const bool lostAll = before > 0 && end.node->childCount() == 0; // one injected as {} stays
        if (lostAll && end.node != root_.get())
            gone.push_back(pruneFrom(*end.node));
    }
    for (const std::string& each : gone)
        notify(each);
}

/// The node on the highest level that rm would remove because it is left without children, or nullptr.
const Node* Tree::prunedTop(const Descent& end) const {
    const Node* gone = end.node; // with all below it
    const bool takesAll = gone->childCount() > 0 && gone->childCount() == gone->emptyChildCount();
    if (end.complete() && gone->kind() == NodeKind::Empty) {
        gone = gone->parent();
        if (gone->childCount() != gone->emptyChildCount())
            return nullptr;
    } else if (!end.complete() && !takesAll) {
        return nullptr;
    }
    if (gone == root_.get())
        return nullptr;
    for (; gone->parent() != root_.get(); gone = gone->parent()) {
        if (gone->parent()->childCount() - gone->parent()->emptyChildCount() != 1)
            return nullptr;
    }
    return end.complete() && gone == end.node ? nullptr : gone;
}

std::vector<std::string> Tree::discardedHigh(std::string_view path) const {
    const Descent end = descend(path);
    std::vector<std::string> result;
    if (end.node == root_.get() ? end.complete() : !end.complete() && !end.node->isInner())
        return result;
    for (const Node* level = end.complete() ? end.node->parent() : end.node; level != nullptr;
         level = level->parent()) {
        const bool high = level->parent() == nullptr || level->parent()->parent() == nullptr;
        if (!high || level->emptyChildCount() == 0)
            continue;
        for (const Node* child = level->firstChild(); child != nullptr; child = child->next()) {
            if (child->kind() == NodeKind::Empty && !(end.complete() && child == end.node))
                result.push_back(pathOf(*child));
        }
    }
    if (const Node* const top = prunedTop(end))
        result.push_back(pathOf(*top));
    return result;
}

void Tree::discard(std::string_view path) {
    const Descent end = descend(path);
    const bool bare =
        end.node->kind() == NodeKind::Empty || (end.node->isInner() && end.node->childCount() == 0);
    if (!end.complete() || !bare || end.node == root_.get())
        return;
    static_cast<void>(extract(path));
    notify(path);
}

NodePtr Tree::extract(std::string_view path) {
    const Descent end = descend(path);
    if (!end.complete() || end.node == root_.get())
        return nullptr;
    const TreeSize less = end.node->measure();
    size_.nodes -= less.nodes;
    size_.bytes -= less.bytes;
    const NodePtr node = end.node->detach();
    NodePtr content = Node::make({});
    content->adoptContent(*node);
    return content;
}

void Tree::drop(std::string_view path) {
    const Descent end = descend(path);
    if (end.complete() && end.node != root_.get())
        notify(pruneFrom(*end.node));
}

} // namespace xb::dbd
