// SPDX-License-Identifier: Apache-2.0
// A second, simple-minded implementation of the tree's semantics: nested values, copied and searched,
// recursive. The real one is compared with it after random operations.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace xb::dbd {

struct Model {
    enum class Kind { Empty, Leaf, Nodes };
    Kind kind = Kind::Empty;
    std::string json; // of a leaf
    std::vector<std::pair<std::string, Model>> children;

    static Model leaf(std::string text);
    static Model nodes();

    Model* child(const std::string& name) {
        for (auto& [each, node] : children) {
            if (each == name)
                return &node;
        }
        return nullptr;
    }
    Model& makeChild(const std::string& name) {
        if (kind != Kind::Nodes)
            *this = nodes();
        if (Model* const present = child(name))
            return *present;
        return children.emplace_back(name, Model{}).second;
    }

    using Path = std::vector<std::string>;
    Model* find(const Path& path) {
        Model* node = this;
        for (const std::string& name : path) {
            node = node->kind == Kind::Nodes ? node->child(name) : nullptr;
            if (node == nullptr)
                return nullptr;
        }
        return node;
    }
    void put(const Path& path, const Model& value) {
        Model* node = this;
        for (const std::string& name : path)
            node = &node->makeChild(name);
        *node = value;
    }
    void write(const Path& path, const std::string& plainText) {
        const Model* const present = find(path);
        if (present == nullptr || present->kind != Kind::Nodes)
            put(path, leaf("\"" + plainText + "\""));
    }
    void rm(const Path& path) {
        if (path.empty())
            *this = nodes();
        else if (!throughLeaf(path))
            rmFrom(path, 0);
    }

    std::string dump(std::size_t level = 0) const {
        if (kind == Kind::Empty)
            return "null";
        if (kind == Kind::Leaf)
            return json;
        if (children.empty())
            return "{ }";
        const std::string indent(2 * level + 2, ' ');
        std::string text = "{\n";
        for (const auto& [name, node] : children)
            text += indent + "\"" + name + "\": " + node.dump(level + 1) + ",\n";
        text.erase(text.size() - 2, 1);
        return text + std::string(2 * level, ' ') + "}";
    }
    void sortChildren() {
        std::ranges::sort(children, {}, [](const auto& each) { return each.first; });
    }

private:
    bool throughLeaf(const Path& path) {
        for (std::size_t length = 0; length < path.size(); ++length) {
            const Model* const node =
                find(Path(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length)));
            if (node == nullptr)
                return false;
            if (node->kind != Kind::Nodes)
                return true;
        }
        return false;
    }
    /// True if this node lost its last child and is to go as well.
    bool rmFrom(const Path& path, std::size_t at) {
        const std::size_t before = children.size();
        if (Model* const next = child(path[at])) {
            const bool goes = at + 1 == path.size() || next->rmFrom(path, at + 1);
            if (goes)
                std::erase_if(children, [&](const auto& each) { return each.first == path[at]; });
        }
        std::erase_if(children, [](const auto& each) { return each.second.kind == Kind::Empty; });
        return before > 0 && children.empty();
    }
};

inline Model Model::leaf(std::string text) {
    return {Kind::Leaf, std::move(text), {}};
}
inline Model Model::nodes() {
    return {Kind::Nodes, {}, {}};
}

} // namespace xb::dbd
