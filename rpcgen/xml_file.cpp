// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/xml_file.hpp"

#include "rpcgen/input_error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>

namespace xb::rpcgen {

namespace {

// Walks without recursion (pugixml), so that depth is no danger to the stack.
struct DepthWalker : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node& node) override {
        if (depth() < maxXmlDepth)
            return true;
        tooDeep = node;
        return false;
    }
    pugi::xml_node tooDeep;
};

} // namespace

XmlFile::XmlFile(std::string name, std::string_view text) : name_(std::move(name)) {
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\n')
            newlines_.push_back(static_cast<std::ptrdiff_t>(i));
    if (text.size() > maxFileSize)
        failAt(0, fmt::format("the file is larger than {} bytes", maxFileSize));
    checkBytes(text);
    const auto result =
        document_.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!result)
        failAt(result.offset, fmt::format("not well-formed XML: {}", result.description()));
    checkShape();
}

XmlFile XmlFile::read(const std::filesystem::path& file) {
    std::error_code ignored; // a file that is not there is reported below
    if (std::filesystem::is_directory(file, ignored))
        throw ToolError(fmt::format("cannot read {}: it is a directory", file.string()));
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        throw ToolError(fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
    std::string text(maxFileSize + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad())
        throw ToolError(fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return XmlFile(file.string(), text);
}

pugi::xml_node XmlFile::root() const {
    return document_.document_element();
}

std::size_t XmlFile::lineOf(const pugi::xml_node& node) const {
    return lineAt(node.offset_debug());
}

std::size_t XmlFile::lineAt(std::ptrdiff_t offset) const {
    return 1 + static_cast<std::size_t>(std::ranges::lower_bound(newlines_, offset) - newlines_.begin());
}

void XmlFile::fail(const pugi::xml_node& where, const std::string& message) const {
    throw InputError(name_, lineOf(where), message);
}

void XmlFile::failAt(std::ptrdiff_t offset, const std::string& message) const {
    throw InputError(name_, lineAt(offset), message);
}

void XmlFile::checkBytes(std::string_view text) const {
    if (const auto at = text.find('\0'); at != std::string_view::npos)
        failAt(static_cast<std::ptrdiff_t>(at), "the file has a NUL byte: XML is text, in UTF-8 here");
    if (const auto at = findInvalidUtf8(text))
        failAt(static_cast<std::ptrdiff_t>(*at), "the file is not UTF-8");
}

// pugixml is content with more than one root element and with attributes that are there twice.
void XmlFile::checkShape() const {
    const auto first = root();
    for (auto node : document_.children())
        if (node.type() == pugi::node_element && node != first)
            fail(node, "not well-formed XML: more than one root element");
    DepthWalker depth;
    pugi::xml_node top = first;
    if (!top.traverse(depth))
        fail(depth.tooDeep, fmt::format("elements are nested deeper than {} levels", maxXmlDepth));
    struct Attributes : pugi::xml_tree_walker {
        bool for_each(pugi::xml_node& node) override {
            std::set<std::string_view> seen;
            for (auto attribute : node.attributes()) {
                if (!seen.insert(attribute.name()).second) {
                    where = node;
                    what = attribute.name();
                    return false;
                }
            }
            return true;
        }
        pugi::xml_node where;
        std::string what;
    } attributes;
    pugi::xml_node document = document_;
    if (!document.traverse(attributes))
        fail(attributes.where,
             fmt::format("not well-formed XML: attribute {} is there twice", attributes.what));
}

} // namespace xb::rpcgen
