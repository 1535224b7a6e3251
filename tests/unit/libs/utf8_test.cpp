// SPDX-License-Identifier: Apache-2.0
// Text from outside. The check is compared with an encoder, which goes the other way: every string of up to
// three bytes, and those of four around every boundary; and with sd-bus, which has the last word.
#include "toolstack/libs/message.hpp"
#include "toolstack/libs/utf8.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace sdbus {
PlainMessage createPlainMessage();
} // namespace sdbus

namespace xb {
namespace {

// By the table of the standard.
std::string encode(std::uint32_t code) {
    const auto tail = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3fU)); };
    if (code < 0x80)
        return {static_cast<char>(code)};
    if (code < 0x800)
        return {static_cast<char>(0xc0U | (code >> 6U)), tail(code)};
    if (code < 0x10000)
        return {static_cast<char>(0xe0U | (code >> 12U)), tail(code >> 6U), tail(code)};
    return {static_cast<char>(0xf0U | (code >> 18U)), tail(code >> 12U), tail(code >> 6U), tail(code)};
}

bool isSurrogate(std::uint32_t code) {
    return code >= 0xd800 && code <= 0xdfff;
}

std::uint32_t packed(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char c : bytes)
        value = (value << 8U) | static_cast<unsigned char>(c);
    return value;
}

/// What each string of up to three bytes starts with, as the encoder makes it.
class Sequences {
public:
    Sequences() : three_(1U << 24U), two_(1U << 16U) {
        for (std::uint32_t code = 0x80; code < 0x10000; ++code) {
            const std::string text = encode(code);
            if (!isSurrogate(code))
                (text.size() == 2 ? two_ : three_)[packed(text)] = true;
        }
    }
    std::size_t length(std::string_view text) const {
        if (text.empty())
            return 0;
        if (static_cast<unsigned char>(text[0]) < 0x80)
            return 1;
        if (text.size() >= 2 && two_[packed(text.substr(0, 2))])
            return 2;
        return text.size() >= 3 && three_[packed(text.substr(0, 3))] ? 3 : 0;
    }

private:
    std::vector<bool> three_;
    std::vector<bool> two_;
};

TEST(Utf8, EveryStringOfUpToThreeBytes) {
    const Sequences sequences;
    EXPECT_EQ(utf8Length(""), 0U);
    std::size_t wrong = 0;
    for (unsigned size = 1; size <= 3; ++size) {
        for (std::uint32_t value = 0; value < 1U << (8 * size); ++value) {
            char bytes[3];
            for (unsigned i = 0; i < size; ++i)
                bytes[i] = static_cast<char>(value >> (8 * (size - 1 - i)));
            const std::string_view text(bytes, size);
            if (utf8Length(text) != sequences.length(text) && ++wrong < 10)
                ADD_FAILURE() << std::hex << value << " of " << size << " bytes";
        }
    }
    EXPECT_EQ(wrong, 0U);
}

TEST(Utf8, EveryCodePoint) {
    for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
        const std::string text = encode(code);
        ASSERT_EQ(utf8Length(text), isSurrogate(code) ? 0 : text.size()) << std::hex << code;
        ASSERT_EQ(utf8Length(text + "\x80"), isSurrogate(code) ? 0 : text.size()) << std::hex << code;
    }
}

/// Around every boundary, in each of four places.
std::vector<std::string> fourBytes() {
    std::vector<std::string> all;
    for (const int lead :
         {0x7f, 0x80, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff})
        for (const int second : {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff})
            for (const int third : {0x00, 0x7f, 0x80, 0xbf, 0xc0})
                for (const int fourth : {0x00, 0x7f, 0x80, 0xbf, 0xc0})
                    all.push_back({static_cast<char>(lead), static_cast<char>(second),
                                   static_cast<char>(third), static_cast<char>(fourth)});
    return all;
}

TEST(Utf8, FourBytesAroundEveryBoundary) {
    std::set<std::string> valid;
    for (std::uint32_t code = 0x10000; code <= 0x10ffff; ++code)
        valid.insert(encode(code));
    const Sequences shorter;
    for (const std::string& text : fourBytes())
        EXPECT_EQ(utf8Length(text), valid.contains(text) ? 4 : shorter.length(text))
            << std::hex << packed(text);
}

TEST(Utf8, TheBusTakesWhatIsTakenForItsText) {
    auto texts = fourBytes();
    for (const char* text :
         {"", "plain", "\u00fc", "cut \xc3", "\xed\xa0\x80", "\xc0\xaf", "\uffff", "\ufdd0"})
        texts.emplace_back(text);
    for (const std::string& text : texts) {
        if (text.find('\0') != std::string::npos) {
            EXPECT_FALSE(isBusText(text));
            continue; // sd-bus sees a shorter one
        }
        bool taken = true;
        try {
            auto message = sdbus::createPlainMessage();
            message << text;
        } catch (const sdbus::Error&) {
            taken = false;
        }
        EXPECT_EQ(isBusText(text), taken) << std::hex << packed(text);
    }
}

// What is looked at eight bytes at a time has something before and behind it.
TEST(Utf8, WhereverItStands) {
    const std::string around = "sixteen letters.";
    for (std::size_t shift = 0; shift <= 8; ++shift) {
        const std::string before = around.substr(0, shift);
        for (unsigned byte = 0; byte < 256; ++byte) {
            const std::string text = before + static_cast<char>(byte) + around;
            EXPECT_EQ(isBusText(text), byte > 0 && byte < 0x80) << shift << " before " << byte;
        }
        for (const std::string& text : fourBytes()) {
            EXPECT_EQ(isBusText(before + text), isBusText(text))
                << shift << " before " << std::hex << packed(text);
            EXPECT_EQ(isBusText(before + text + around), isBusText(text + around)) << shift;
        }
    }
}

TEST(Utf8, Noncharacters) {
    for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
        const bool expected = (code & 0xfffeU) == 0xfffeU || (code >= 0xfdd0 && code <= 0xfdef);
        if (!isSurrogate(code)) {
            ASSERT_EQ(isNoncharacter(encode(code)), expected) << std::hex << code;
        }
    }
}

TEST(Utf8, WhereItIsWrong) {
    EXPECT_EQ(findInvalidUtf8("all is \u00fc\u20ac\U0001f600"), std::nullopt);
    EXPECT_EQ(findInvalidUtf8("a\u00fc\x80"), 3U);
    EXPECT_EQ(findInvalidUtf8("\xe2\x82"), 0U);
    EXPECT_EQ(findInvalidUtf8(std::string_view("a\0b", 3)), std::nullopt) << "NUL is UTF-8";
    EXPECT_FALSE(isBusText(std::string_view("a\0b", 3)));
}

TEST(Utf8, TextForPeople) {
    EXPECT_EQ(printable("a\x01\tb\x7f\xff\u00fc\xe2\x82"), "a??b??\u00fc??");
    EXPECT_EQ(printable(""), "");
    EXPECT_EQ(printable("\uffff\ufffd"), "?\ufffd");
    EXPECT_EQ(printable("abc", 3), "abc");
    EXPECT_EQ(printable("abcd", 3), "abc...");
    EXPECT_EQ(printable("ab\u20acd", 3), "ab\u20ac...") << "no character is cut";
}

} // namespace
} // namespace xb
