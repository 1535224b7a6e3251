// SPDX-License-Identifier: Apache-2.0
// The check of text that comes from outside: what is well-formed UTF-8 (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF) and what a D-Bus string may carry. A header of its own, so that the
// generator and the database use it without linking anything.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace xb {

/// Bytes of the UTF-8 sequence that `text` starts with; 0 if it starts with none.
constexpr std::size_t utf8Length(std::string_view text) {
    const auto byte = [text](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const auto continues = [&byte](std::size_t at, unsigned from = 0x80, unsigned to = 0xbf) {
        return byte(at) >= from && byte(at) <= to;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80)
        return text.empty() ? 0 : 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned from = lead == 0xe0 ? 0xa0 : 0x80; // below: an overlong form
        const unsigned to = lead == 0xed ? 0x9f : 0xbf;   // above: a surrogate
        return continues(1, from, to) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned from = lead == 0xf0 ? 0x90 : 0x80;
        const unsigned to = lead == 0xf4 ? 0x8f : 0xbf; // above: no code point
        return continues(1, from, to) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

/// Offset of the first byte that is not part of well-formed UTF-8, or nothing.
constexpr std::optional<std::size_t> findInvalidUtf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = utf8Length(text.substr(at));
        if (length == 0)
            return at;
        at += length;
    }
    return std::nullopt;
}

/// Whether `sequence`, a whole UTF-8 sequence, is one of Unicode's 66 noncharacters (U+FDD0 to U+FDEF, and
/// the last two of each plane).
constexpr bool isNoncharacter(std::string_view sequence) {
    if (sequence.size() < 3)
        return false;
    const auto byte = [sequence](std::size_t at) { return static_cast<unsigned char>(sequence[at]); };
    const std::size_t last = sequence.size() - 1;
    const bool endOfPlane = byte(last - 1) == 0xbf && byte(last) >= 0xbe;
    if (sequence.size() == 4)
        return endOfPlane && (byte(1) & 0x0fU) == 0x0fU;
    const bool arabic = byte(1) == 0xb7 && byte(2) >= 0x90 && byte(2) <= 0xaf;
    return byte(0) == 0xef && (endOfPlane || arabic);
}

/// How many bytes at the start of `text` are ASCII other than NUL, counted in steps of eight.
inline std::size_t plainPrefix(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        // A byte beyond ASCII has its high bit; a NUL gets it by borrowing.
        if ((((word - ones) | word) & highs) != 0)
            break;
    }
    return at;
}

enum class Noncharacters : bool { refused, taken };

/// Whether `text` is UTF-8 without NUL.
inline bool isUtf8Text(std::string_view text, Noncharacters noncharacters) {
    while (true) {
        text.remove_prefix(plainPrefix(text)); // nearly all text is: an eighth of the time for it
        if (text.empty())
            return true;
        const std::size_t length = utf8Length(text);
        if (length == 0 || text.front() == '\0')
            return false;
        if (noncharacters == Noncharacters::refused && isNoncharacter(text.substr(0, length)))
            return false;
        text.remove_prefix(length);
    }
}

/// Whether a D-Bus string of ours may carry `text`: UTF-8 without NUL, and without noncharacters, which the
/// specification allows and sd-bus does not.
inline bool isBusText(std::string_view text) {
    return isUtf8Text(text, Noncharacters::refused);
}

/// C0 controls and DEL: not in what is shown to people.
constexpr bool isControl(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

/// `text` with '?' for each control character, noncharacter and byte that is not UTF-8; "..." for what comes
/// after about `most` bytes.
inline std::string printable(std::string_view text, std::size_t most = std::string_view::npos) {
    std::string result;
    result.reserve(std::min(text.size(), most));
    while (!text.empty() && result.size() < most) {
        const std::size_t length = utf8Length(text);
        if (length == 0 || isControl(text.front()) || isNoncharacter(text.substr(0, length)))
            result += '?';
        else
            result += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text.empty() ? result : result + "...";
}

} // namespace xb
