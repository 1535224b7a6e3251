// SPDX-License-Identifier: Apache-2.0
// Memory, links and the child index of nodes.
#include "dbd/node.hpp"

#include "dbd/limits.hpp"

#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace xb::dbd {

namespace {

// A walk over the list costs a cache miss per child, so few are enough for the index to win; the first one is
// small because most nodes that have one have hardly more children.
constexpr std::size_t indexFrom = 9;
constexpr std::size_t firstIndexSize = 16; // slots, a power of two

SipKey indexKey() {
    static const SipKey key = [] {
        std::random_device device;
        const auto word = [&device] { return (std::uint64_t{device()} << 32) | device(); };
        return SipKey{word(), word()};
    }();
    return key;
}

} // namespace

/// The children of an inner node: list ends, counts, and an open-addressing index (linear probing, at most
/// three quarters full, deletion by shifting back, so that no tombstones gather).
struct Node::Children {
    Node* first = nullptr;
    Node* last = nullptr;
    std::uint32_t count = 0;
    std::uint32_t empty = 0; // how many of them are of kind Empty
    /// With the hash of the name, so that neither growth nor a probe that fails looks at nodes.
    struct Slot {
        Node* node = nullptr;
        std::uint32_t hash = 0;
    };
    std::vector<Slot> slots; // empty until there are indexFrom children

    static std::uint32_t hash(std::string_view name) {
        return static_cast<std::uint32_t>(sipHash(indexKey(), name));
    }

    void place(Slot slot) {
        const std::size_t mask = slots.size() - 1;
        std::size_t at = slot.hash & mask;
        while (slots[at].node != nullptr)
            at = (at + 1) & mask;
        slots[at] = slot;
    }

    void begin() {
        slots.resize(firstIndexSize);
        for (Node* node = first; node != nullptr; node = node->next_)
            place({node, hash(node->name())});
    }

    void grow() {
        std::vector<Slot> before(slots.size() * 2);
        before.swap(slots);
        for (const Slot& slot : before) {
            if (slot.node != nullptr)
                place(slot);
        }
    }

    /// `hash` is that of the name if there is an index.
    void added(Node& node, std::uint32_t hash) {
        if (slots.empty()) {
            if (count >= indexFrom)
                begin(); // includes the new node
            return;
        }
        if (count * std::size_t{4} > slots.size() * 3)
            grow();
        place({&node, hash});
    }

    /// What find() and added() want: nothing without an index.
    std::uint32_t hashIfIndexed(std::string_view name) const { return slots.empty() ? 0 : hash(name); }

    Node* find(std::string_view name, std::uint32_t wanted) const {
        if (slots.empty()) {
            for (Node* node = first; node != nullptr; node = node->next_) {
                if (node->name() == name)
                    return node;
            }
            return nullptr;
        }
        const std::size_t mask = slots.size() - 1;
        for (std::size_t at = wanted & mask; slots[at].node != nullptr; at = (at + 1) & mask) {
            if (slots[at].hash == wanted && slots[at].node->name() == name)
                return slots[at].node;
        }
        return nullptr;
    }

    void removed(const Node& node) {
        if (slots.empty())
            return;
        const std::size_t mask = slots.size() - 1;
        std::size_t hole = hash(node.name()) & mask;
        while (slots[hole].node != &node)
            hole = (hole + 1) & mask;
        // Whoever stands behind the hole because of it moves up, so that every probe still ends at an empty
        // slot.
        for (std::size_t at = (hole + 1) & mask; slots[at].node != nullptr; at = (at + 1) & mask) {
            const std::size_t home = slots[at].hash & mask;
            if (((at - home) & mask) >= ((at - hole) & mask)) {
                slots[hole] = slots[at];
                hole = at;
            }
        }
        slots[hole] = {};
    }
};

Node::Node(std::string_view name) : nameLength_(static_cast<std::uint16_t>(name.size())) {}

NodePtr Node::make(std::string_view name) {
    if (name.size() > Limits::maxNameBytes)
        throw std::length_error("a node's name has " + std::to_string(name.size()) + " bytes");
    void* const block = ::operator new(sizeof(Node) + name.size());
    NodePtr node(new (block) Node(name));
    if (!name.empty())
        std::memcpy(static_cast<char*>(block) + sizeof(Node), name.data(), name.size());
    return node;
}

void NodeDeleter::operator()(Node* node) const noexcept {
    Node::destroy(node);
}

/// Frees a node that has no parent, and all below. Returns how much that was.
TreeSize Node::destroy(Node* top) noexcept {
    // Down to the deepest first child, free it, go on with its neighbour or its parent: no recursion, no
    // memory.
    TreeSize size;
    Node* node = top;
    while (true) {
        while (node->isInner() && node->content_.children->first != nullptr)
            node = node->content_.children->first;
        Node* const up = node->parent_;
        Node* const neighbour = node->next_;
        const bool last = node == top;
        ++size.nodes;
        size.bytes += std::size_t{node->nameLength_} + node->textLength_;
        if (node->isInner())
            delete node->content_.children;
        else if (node->textLength_ > inlineBytes)
            delete[] node->content_.heapText;
        node->~Node();
        ::operator delete(node);
        if (last)
            return size;
        up->content_.children->first = neighbour;
        node = neighbour != nullptr ? neighbour : up;
    }
}

std::string_view Node::text() const {
    if (kind_ == NodeKind::Nodes)
        return {};
    return {textLength_ <= inlineBytes ? content_.inlineText : content_.heapText, textLength_};
}

Node* Node::firstChild() const {
    return isInner() ? content_.children->first : nullptr;
}
std::size_t Node::childCount() const {
    return isInner() ? content_.children->count : 0;
}
std::size_t Node::emptyChildCount() const {
    return isInner() ? content_.children->empty : 0;
}

Node* Node::child(std::string_view name) const {
    if (!isInner())
        return nullptr;
    const Children& children = *content_.children;
    return children.find(name, children.hashIfIndexed(name));
}

void Node::setKind(NodeKind kind) {
    if (parent_ != nullptr) {
        Children& siblings = *parent_->content_.children;
        siblings.empty -= kind_ == NodeKind::Empty ? 1U : 0U;
        siblings.empty += kind == NodeKind::Empty ? 1U : 0U;
    }
    kind_ = kind;
}

TreeSize Node::dropContent() {
    TreeSize size{0, textLength_};
    if (isInner()) {
        Children* const children = content_.children;
        for (Node* node = children->first; node != nullptr;) {
            Node* const next = node->next_;
            node->parent_ = node->previous_ = node->next_ = nullptr;
            const TreeSize below = destroy(node);
            size.nodes += below.nodes;
            size.bytes += below.bytes;
            node = next;
        }
        delete children;
    } else if (textLength_ > inlineBytes) {
        delete[] content_.heapText;
    }
    textLength_ = 0;
    content_ = {};
    return size;
}

void Node::setValue(NodeKind kind, std::string_view text) {
    assert(kind != NodeKind::Nodes);
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("a value has " + std::to_string(text.size()) + " bytes");
    // The text may lie inside the content that goes: take it first.
    Content fresh{};
    std::unique_ptr<char[]> block;
    if (text.size() > inlineBytes)
        block.reset(new char[text.size()]);
    if (!text.empty())
        std::memcpy(block != nullptr ? block.get() : fresh.inlineText, text.data(), text.size());
    dropContent();
    content_ = fresh;
    if (block != nullptr)
        content_.heapText = block.release();
    textLength_ = static_cast<std::uint32_t>(text.size());
    setKind(kind);
}

void Node::setNodes() {
    auto children = std::make_unique<Children>();
    dropContent();
    content_.children = children.release();
    setKind(NodeKind::Nodes);
}

Node& Node::append(NodePtr child) {
    assert(isInner() && this->child(child->name()) == nullptr);
    Node& node = *child;
    link(std::move(child));
    content_.children->added(node, content_.children->hashIfIndexed(node.name()));
    return node;
}

Node* Node::appendNew(std::string_view name) {
    Children& children = *content_.children;
    const std::uint32_t hash = children.hashIfIndexed(name);
    if (children.find(name, hash) != nullptr)
        return nullptr;
    NodePtr child = make(name);
    Node* const node = child.get();
    link(std::move(child));
    children.added(*node, hash);
    return node;
}

/// Puts a child at the end of the list, not into the index.
void Node::link(NodePtr child) {
    Children& children = *content_.children;
    Node& node = *child;
    node.parent_ = this;
    node.previous_ = children.last;
    (children.last != nullptr ? children.last->next_ : children.first) = child.release();
    children.last = &node;
    ++children.count;
    children.empty += node.kind_ == NodeKind::Empty ? 1U : 0U;
}

NodePtr Node::detach() {
    if (parent_ != nullptr) {
        Children& siblings = *parent_->content_.children;
        siblings.removed(*this);
        --siblings.count;
        siblings.empty -= kind_ == NodeKind::Empty ? 1U : 0U;
        (previous_ != nullptr ? previous_->next_ : siblings.first) = next_;
        (next_ != nullptr ? next_->previous_ : siblings.last) = previous_;
        parent_ = previous_ = next_ = nullptr;
    }
    return NodePtr(this);
}

TreeSize Node::adoptContent(Node& from) {
    const TreeSize gone = dropContent();
    content_ = from.content_;
    textLength_ = from.textLength_;
    const NodeKind kind = from.kind_;
    from.content_ = {};
    from.textLength_ = 0;
    from.setKind(NodeKind::Empty);
    setKind(kind);
    for (Node* node = firstChild(); node != nullptr; node = node->next_)
        node->parent_ = this;
    return gone;
}

const Node* Node::following(const Node& root) const {
    if (const Node* const down = firstChild())
        return down;
    const Node* node = this;
    while (node != &root && node->next_ == nullptr)
        node = node->parent_;
    return node == &root ? nullptr : node->next_;
}

TreeSize Node::measure() const {
    TreeSize size;
    for (const Node* node = this; node != nullptr; node = node->following(*this)) {
        ++size.nodes;
        size.bytes += node->nameLength_ + node->textLength_;
    }
    return size;
}

} // namespace xb::dbd
