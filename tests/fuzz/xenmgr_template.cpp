// SPDX-License-Identifier: Apache-2.0
// Hostile: the JSON that a caller gives for a new VM, merged over a template. It is refused, or the result is
// an object that merging the same again does not change.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "xenmgr/templates.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xenmgr;

const std::string base = R"({"type": "svm", "config": {"memory": "1024", "disk": {"0": {"path": "/a"}}}})";

void checkMerged(const std::string& merged, const std::string& json) {
    try {
        expect(mergeJson(merged, json, "the text") == merged, "merging twice is merging once: " + merged);
        const std::string named = withJsonMember(merged, "name", "a \"name\"");
        expect(jsonMember(named, "name") == "a \"name\"", "a member is what it was set to");
    } catch (const Error& e) {
        throw Broken(std::string("what was merged is understood: ") + e.what() + ": " + merged);
    }
}

void run(std::string_view input) {
    const std::string json(input);
    std::string merged;
    try {
        merged = mergeJson(base, json, "the text");
    } catch (const Error& e) {
        expect(*e.what() != 0, "an error says why");
        return;
    }
    checkMerged(merged, json);
}

const Target target("xenmgr_template", run);

} // namespace

} // namespace xb::fuzz
