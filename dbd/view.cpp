// SPDX-License-Identifier: Apache-2.0
#include "dbd/view.hpp"

#include "dbd/path.hpp"

namespace xb::dbd {

View::View(std::uint32_t domid, std::string_view uuid)
    : domid_(domid), root_(canonicalPath(scopedPath(uuid, {}))) {}

std::string View::place(std::string path) const {
    if (isWhole())
        return path;
    return root_ + '/' + path;
}

std::string View::shown(std::string_view place) const {
    if (isWhole())
        return std::string(place);
    if (place.size() <= root_.size() || !isAtOrBelow(place, root_))
        return "/";
    return std::string(place.substr(root_.size()));
}

std::string View::read(const Tree& tree, std::string_view path) const {
    if (isWhole())
        return tree.read(path);
    const std::string where = place(std::string(path));
    const Node* const node = tree.find(where);
    if (node != nullptr && node->kind() == NodeKind::File)
        return "file:" + canonicalPath(path); // where dom0 keeps it is not the guest's business
    return tree.read(where);
}

bool isAtOrBelow(std::string_view path, std::string_view prefix) {
    if (prefix == "/")
        return true;
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

} // namespace xb::dbd
