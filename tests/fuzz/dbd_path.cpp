// SPDX-License-Identifier: Apache-2.0
// Hostile: a path that a guest gives for its own part of the database, and the UUID that it is said to have.
// Whatever they are, the path stays below that UUID's node of /dom-store. The input is "UUID\nPATH".
#include "dbd/path.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::dbd;

void checkScope(std::string_view uuid, std::string_view path) {
    try {
        const std::string scoped = canonicalPath(scopedPath(uuid, path));
        const std::string own = "/dom-store/" + std::string(uuid);
        expect(scoped == own || scoped.starts_with(own + "/"),
               "a guest's path is in its own part: " + scoped);
    } catch (const Error& e) {
        expect(isCleanText(e.what()), "an error is text");
    }
}

void checkCanonical(std::string_view path) {
    const std::string canonical = canonicalPath(path);
    expect(canonical == canonicalPath(canonical), "a canonical path is canonical");
    expect(canonical.starts_with('/') && canonical.find("//") == std::string::npos, "slashes are single");
    expect(canonical == "/" || !canonical.ends_with('/'), "no slash at the end");
}

void run(std::string_view input) {
    const auto end = input.find('\n');
    const std::string_view path = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
    checkScope(input.substr(0, end), path);
    checkCanonical(path);
    expect(isCleanText(forMessage(input)), "what goes into messages is text");
}

const Target target("dbd_path", run);

} // namespace

} // namespace xb::fuzz
