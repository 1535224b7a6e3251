// SPDX-License-Identifier: Apache-2.0
// Hostile: an interface file given to xc-rpcgen. It is refused with file and line, or C++ is generated of it,
// in which no text of the file can end a literal; and xec understands the introspection data that goes into
// it.
#include "rpcgen/emit.hpp"
#include "rpcgen/generator.hpp"
#include "rpcgen/input_error.hpp"
#include "rpcgen/parser.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/introspection/introspection.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>

namespace xb::fuzz {

namespace {

using namespace xb::rpcgen;

void checkIntrospection(const Interface& interface) {
    const std::string xml = introspectionXml(interface);
    introspection::Interfaces seen;
    try {
        seen = introspection::parseIntrospection("<node>" + xml + "</node>");
    } catch (const Error& e) {
        throw Broken(std::string("introspection data is understood: ") + e.what() + " in " + xml);
    }
    expect(seen.size() == 1 && seen[0].name == interface.name, "one interface is one interface");
    expect(seen[0].methods.size() == interface.methods.size(), "all methods are there");
    expect(seen[0].properties.size() == interface.properties.size(), "all properties are there");
    for (std::size_t i = 0; i < interface.methods.size(); ++i)
        expect(seen[0].methods[i].inputs().size() == interface.methods[i].inputs().size(),
               "all arguments are there");
}

void checkGenerated(const OutputFile& file) {
    expect(file.text.find('\0') == std::string::npos, "no NUL in " + file.name);
    const auto braces = [&](char c) { return std::ranges::count(file.text, c); };
    expect(braces('{') > 0 || file.name.ends_with(".hpp"), "there is code in " + file.name);
}

void run(std::string_view input) {
    try {
        const XmlFile file("FILE", input);
        const Document document = parse(file);
        std::ranges::for_each(document.interfaces, checkIntrospection);
        const auto files = generate(file, {"unit", true, true});
        expect(files.size() == 5, "five files are generated");
        std::ranges::for_each(files, checkGenerated);
    } catch (const InputError& e) {
        expect(std::string_view(e.what()).starts_with("FILE:"), "an error names file and line");
    }
}

const Target target("rpcgen_interface", run);

} // namespace

} // namespace xb::fuzz
