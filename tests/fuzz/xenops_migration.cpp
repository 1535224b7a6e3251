// SPDX-License-Identifier: Apache-2.0
// Hostile: the frames of a migration, from whoever was let in. They are the same in whatever pieces they
// come, and within their bound.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/xenops/migration_frames.hpp"
#include "toolstack/xenops/migration_rules.hpp"

#include <algorithm>
#include <vector>

namespace xb::fuzz {

namespace {

using namespace xb::xenops;

// "error" in place of one that is refused.
std::vector<std::string> frames(std::string_view input, std::size_t piece) {
    std::vector<std::string> result;
    FrameParser parser;
    try {
        for (; !input.empty(); input.remove_prefix(std::min(input.size(), piece))) {
            parser.feed(input.substr(0, piece));
            while (auto frame = parser.next()) {
                expect(frame->size() <= maxFrame, "a frame is within its bound");
                result.push_back(*std::move(frame));
            }
        }
    } catch (const Error&) {
        result.emplace_back("error");
    }
    return result;
}

void run(std::string_view input) {
    expect(frames(input, 1 + input.size()) == frames(input, 3), "frames do not depend on the pieces");
    try {
        const auto rules = parseMigrationRules(input, "FILE");
        static_cast<void>(rules.refusal("localhost"));
        if (input.find("yes") == std::string_view::npos)
            expect(!rules.refusal("localhost").empty(), "off unless it is switched on");
    } catch (const Error& e) {
        expect(std::string_view(e.what()).starts_with("FILE:"), "an error says where");
    }
}

const Target target("xenops_migration", run);

} // namespace

} // namespace xb::fuzz
