// SPDX-License-Identifier: Apache-2.0
// An XML file in memory: read with limits, checked to be UTF-8 text and well formed, with the line of every
// element. The document type is not read, and nothing is ever fetched or expanded.
#pragma once

#include <pugixml.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace xb::rpcgen {

/// Largest interface file, and deepest nesting of its elements.
inline constexpr std::size_t maxFileSize = 4 * 1024 * 1024;
inline constexpr int maxXmlDepth = 32;

class XmlFile {
public:
    /// Parses `text`, which `name` stands for in messages. Throws InputError.
    XmlFile(std::string name, std::string_view text);

    /// Reads and parses a file. Throws ToolError when it cannot be read, InputError when it is not XML.
    static XmlFile read(const std::filesystem::path& file);

    const std::string& name() const { return name_; }
    /// The root element; there is exactly one.
    pugi::xml_node root() const;
    std::size_t lineOf(const pugi::xml_node& node) const;

    /// Throws InputError for a place in the file.
    [[noreturn]] void fail(const pugi::xml_node& where, const std::string& message) const;

private:
    [[noreturn]] void failAt(std::ptrdiff_t offset, const std::string& message) const;
    std::size_t lineAt(std::ptrdiff_t offset) const;
    void checkBytes(std::string_view text) const;
    void checkShape() const;

    std::string name_;
    /// Where each line ends.
    std::vector<std::ptrdiff_t> newlines_;
    pugi::xml_document document_;
};

} // namespace xb::rpcgen
