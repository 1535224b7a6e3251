// SPDX-License-Identifier: Apache-2.0
// From an interface file to the texts of the generated files.
#pragma once

#include "rpcgen/output.hpp"
#include "rpcgen/xml_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace xb::rpcgen {

struct Request {
    /// What the files are called; see defaultName().
    std::string name;
    bool server = false;
    bool client = false;
};

/// The lower-cased base name of an interface file, without its suffix.
std::string defaultName(const std::filesystem::path& file);

/// Everything for one interface file. Throws InputError, or ToolError for a name that cannot be that of
/// files.
std::vector<OutputFile> generate(const XmlFile& file, const Request& request);

} // namespace xb::rpcgen
