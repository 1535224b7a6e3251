// SPDX-License-Identifier: Apache-2.0
// Paths, guest scopes and the check of text that comes from outside.
#include "dbd/path.hpp"

#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace xb::dbd {

namespace {

constexpr std::size_t messageBytes = 200; // of a hostile path or value that an error text repeats

struct SequenceRule {
    std::size_t length = 0; // 0: not a lead byte
    std::uint32_t bits = 0;
    std::uint32_t least = 0; // anything below would be an overlong form
};

SequenceRule sequenceRule(unsigned char lead) {
    if (lead < 0x80)
        return {1, lead, 0};
    if (lead >= 0xC2 && lead < 0xE0)
        return {2, lead & 0x1Fu, 0x80};
    if (lead >= 0xE0 && lead < 0xF0)
        return {3, lead & 0x0Fu, 0x800};
    if (lead >= 0xF0 && lead < 0xF5)
        return {4, lead & 0x07u, 0x10000};
    return {};
}

/// The length of the valid UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t sequenceLength(std::string_view text) {
    const SequenceRule rule = sequenceRule(static_cast<unsigned char>(text.front()));
    if (rule.length == 0 || rule.length > text.size())
        return 0;
    std::uint32_t codePoint = rule.bits;
    for (std::size_t i = 1; i < rule.length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xC0u) != 0x80u)
            return 0;
        codePoint = (codePoint << 6) | (byte & 0x3Fu);
    }
    const bool surrogate = codePoint >= 0xD800 && codePoint <= 0xDFFF;
    return codePoint < rule.least || codePoint > 0x10FFFF || surrogate ? 0 : rule.length;
}

bool isControl(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

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
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        if (first == 0)
            return false;
        const std::size_t length = first < 0x80 ? 1 : sequenceLength(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string forMessage(std::string_view text) {
    std::string result;
    while (!text.empty() && result.size() < messageBytes) {
        const std::size_t length = sequenceLength(text);
        if (length == 0 || isControl(text.front()))
            result += '?';
        else
            result += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text.empty() ? result : result + "...";
}

} // namespace xb::dbd
