// SPDX-License-Identifier: Apache-2.0
// Paths of the configuration tree: split on '/', empty segments dropped, no ".", ".." or escapes. "", "/" and
// "//" are the root. Also the scope of a guest, which sees only its own part of /dom-store.
#pragma once

#include <string>
#include <string_view>

namespace xb::dbd {

/// Walks over the segments of a path without allocating. The path must outlive the walk.
class PathWalk {
public:
    explicit PathWalk(std::string_view path) : rest_(path) { skipSlashes(); }

    bool done() const { return rest_.empty(); }
    /// The next segment, never empty. Only while !done().
    std::string_view take() {
        const auto slash = rest_.find('/');
        const std::string_view segment = rest_.substr(0, slash);
        rest_.remove_prefix(segment.size());
        skipSlashes();
        return segment;
    }

private:
    void skipSlashes() {
        while (!rest_.empty() && rest_.front() == '/')
            rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

/// The path in its one canonical form: "/a/b", the root "/".
std::string canonicalPath(std::string_view path);

/// Where a guest's `path` lies in the whole tree: /dom-store/<uuid>/<path>. Throws xb::Error if `uuid` is
/// empty, contains a '/' or control characters: such a text never came from a domain's uuid and could escape
/// the scope.
std::string scopedPath(std::string_view uuid, std::string_view path);

/// Whether `text` is valid UTF-8 without NUL and noncharacters, the only text that D-Bus and JSON can both
/// carry.
bool isCleanText(std::string_view text);

/// `text` shortened and with control characters replaced, fit for an error message or a log line.
std::string forMessage(std::string_view text);

} // namespace xb::dbd
