// SPDX-License-Identifier: Apache-2.0
// Hostile: the header of a saved domain's file.
#include "xen/saved_domain.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::fuzz {

namespace {

void run(std::string_view input) {
    using namespace xb::xen;
    try {
        const auto header = input.substr(0, savedHeaderSize);
        const auto size = optionalDataSize(header, "FILE");
        expect(size <= maxSavedOptionalData, "the optional data are bounded");
        const auto read = parseSavedHeader(header, input.substr(savedHeaderSize, size), "FILE");
        expect(read.configuration.size() <= size, "the configuration lies in the optional data");
        const auto again = savedHeader(read.configuration);
        const auto written = parseSavedHeader(std::string_view(again).substr(0, savedHeaderSize),
                                              std::string_view(again).substr(savedHeaderSize), "FILE");
        expect(written.configuration == read.configuration && written.json, "what is written is read again");
    } catch (const Error& e) {
        expect(std::string_view(e.what()).find("FILE") != std::string_view::npos, "errors name the file");
    }
}

const Target target("saved_domain", run);

} // namespace

} // namespace xb::fuzz
