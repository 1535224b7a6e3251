// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/generator.hpp"

#include "rpcgen/emit.hpp"
#include "rpcgen/input_error.hpp"
#include "rpcgen/names.hpp"
#include "rpcgen/naming.hpp"
#include "rpcgen/parser.hpp"

namespace xb::rpcgen {

std::string defaultName(const std::filesystem::path& file) {
    std::string name = file.stem().string();
    for (char& c : name)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return name;
}

std::vector<OutputFile> generate(const XmlFile& file, const Request& request) {
    if (!isFileName(request.name))
        throw ToolError(
            fmt::format("\"{}\" cannot be the name of output files: use letters, digits, '_', '.' and '-' "
                        "(option --name)",
                        request.name));
    Document document = parse(file);
    chooseNames(document);
    const Unit unit{document, request.name, namespaceName(request.name)};
    std::vector<OutputFile> files;
    files.push_back({request.name + "_types.hpp", typesHeader(unit)});
    if (request.server) {
        files.push_back({request.name + "_server.hpp", serverHeader(unit)});
        files.push_back({request.name + "_server.cpp", serverSource(unit)});
    }
    if (request.client) {
        files.push_back({request.name + "_client.hpp", clientHeader(unit)});
        files.push_back({request.name + "_client.cpp", clientSource(unit)});
    }
    return files;
}

} // namespace xb::rpcgen
