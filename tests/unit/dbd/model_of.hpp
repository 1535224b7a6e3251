// SPDX-License-Identifier: Apache-2.0
// The real tree as a model, and what of the order of children a restart does not keep.
#pragma once

#include "model.hpp"

#include "dbd/disk.hpp"
#include "dbd/json.hpp"
#include "dbd/node.hpp"

#include <string>

namespace xb::dbd {

inline Model modelOf(const Node& node) {
    if (node.kind() == NodeKind::Empty)
        return {};
    if (!node.isInner()) {
        std::string text;
        appendPrettyJson(text, node);
        text.pop_back(); // the newline
        return Model::leaf(text);
    }
    Model result = Model::nodes();
    for (const Node* child = node.firstChild(); child != nullptr; child = child->next())
        result.children.emplace_back(child->name(), modelOf(*child));
    return result;
}

/// After loading, files come in the order of their names; before, children in the order of insertion.
inline void sortFiles(Model& model) {
    model.sortChildren();
    for (const Area& area : areas) {
        if (Model* const node = model.child(std::string(area.node)))
            node->sortChildren();
    }
}

} // namespace xb::dbd
