// SPDX-License-Identifier: Apache-2.0
// Paths, guest scopes and the check of text that comes from outside.
#include "dbd/path.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <algorithm>
#include <cstddef>

namespace xb::dbd {

namespace {

constexpr std::size_t messageBytes = 200; // of a hostile path or value that an error text repeats

} // namespace

std::string canonicalPath(std::string_view path) {
    std::string result;
    for (PathWalk walk(path); !walk.done();) {
        result += '/';
        result += walk.take();
    }
    return result.empty() ? "/" : result;
}

std::string scopedPath(std::string_view uuid, std::string_view path) {
    if (uuid.empty() || uuid.find('/') != std::string_view::npos || std::ranges::any_of(uuid, isControl))
        throw Error(errors::accessDenied,
                    "the caller's domain has no usable uuid ('" + forMessage(uuid) +
                        "'), so its part of /dom-store is unknown; see /local/domain/<domid>/vm in xenstore");
    std::string result = "/dom-store/";
    result += uuid;
    result += '/';
    result += path;
    return result;
}

bool isCleanText(std::string_view text) {
    return isBusText(text);
}

std::string forMessage(std::string_view text) {
    return printable(text, messageBytes);
}

} // namespace xb::dbd
