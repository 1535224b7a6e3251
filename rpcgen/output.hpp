// SPDX-License-Identifier: Apache-2.0
// Writes the generated files: all of them or, when one cannot be written, none is begun. A file whose text
// would not change is left alone, so that what depends on it is not built again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace xb::rpcgen {

struct OutputFile {
    std::string name;
    std::string text;
};

/// Writes all files into `directory`, which is made if need be. Throws ToolError; temporary files never stay.
void writeFiles(const std::filesystem::path& directory, const std::vector<OutputFile>& files);

} // namespace xb::rpcgen
