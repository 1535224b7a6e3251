// SPDX-License-Identifier: Apache-2.0
// Signatures from other programs: what is well formed is read, everything else is an error.
#include "toolstack/introspection/signature.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

namespace xb::introspection {
namespace {

TEST(Signature, ReadsBackAsWritten) {
    for (const std::string text :
         {"ybnqiuxtdsogh", "v", "as", "a{sv}", "a(oa{sv})", "(i(ss)a{yat})", "aaai", ""}) {
        std::string again;
        for (const Type& type : parseSignature(text))
            again += type.text();
        EXPECT_EQ(again, text);
    }
}

TEST(Signature, CountsCompleteTypes) {
    EXPECT_EQ(parseSignature("sa{sv}(ii)").size(), 3U);
    EXPECT_TRUE(parseType("a{sv}").isDict());
    EXPECT_FALSE(parseType("a(sv)").isDict());
}

TEST(Signature, RefusesWhatIsNone) {
    for (const std::string text : {"a", "(", "(i", "()", ")", "a{s}", "a{sii}", "a{vs}", "a{(i)s}", "{sv}",
                                   "z", "e", "r", "i)", "a{sv", "a\xff"})
        EXPECT_THROW(parseSignature(text), Error) << text;
    EXPECT_THROW(parseType("ss"), Error);
    EXPECT_THROW(parseType(""), Error);
}

TEST(Signature, BoundsDepthAndLength) {
    const std::string deepest = std::string(signatureDepthLimit, 'a') + "i";
    EXPECT_EQ(parseType(deepest).text(), deepest);
    EXPECT_THROW(parseSignature("a" + deepest), Error);
    const std::string structs(signatureDepthLimit + 1, '(');
    EXPECT_THROW(parseSignature(structs + "i" + std::string(structs.size(), ')')), Error);
    EXPECT_NO_THROW(parseSignature(std::string(signatureLimit, 'i')));
    EXPECT_THROW(parseSignature(std::string(signatureLimit + 1, 'i')), Error);
}

} // namespace
} // namespace xb::introspection
