// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/config_file.hpp"

#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenops {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// As one line of text, to compare.
std::string text(const ConfigValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.data))
        return std::to_string(*number);
    if (const auto* string = std::get_if<std::string>(&value.data))
        return "'" + *string + "'";
    std::string list;
    for (const ConfigValue& element : std::get<std::vector<ConfigValue>>(value.data))
        list += (list.empty() ? "" : " ") + text(element);
    return "[" + list + "]";
}

std::string parsed(std::string_view input) {
    std::string result;
    for (const ConfigEntry& entry : parseConfigFile(input, "f"))
        result += std::to_string(entry.line) + " " + entry.key + "=" + text(entry.value) + "\n";
    return result;
}

std::string complaint(std::string_view input) {
    try {
        parseConfigFile(input, "f");
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(XenopsConfigFile, assignments) {
    EXPECT_EQ(
        parsed(
            "# a comment\nname = \"a 'b'\" # more\n\nmemory=0x40; vcpus = 2;\nextra='ro \"x\" \\\\ \\''\n"),
        "2 name='a 'b''\n4 memory=64\n4 vcpus=2\n5 extra='ro \"x\" \\ ''\n");
    EXPECT_EQ(parsed("a = True\r\nb = False\r\nc = -3"), "1 a=1\n2 b=0\n3 c=-3\n");
    EXPECT_EQ(parsed(""), "");
}

TEST(XenopsConfigFile, linesGoOn) {
    EXPECT_EQ(parsed("disk = [ 'phy:a,xvda,w', # one\n\n 'file:/b,xvdb,r',\n]\nname = \\\n 'x'\n"),
              "1 disk=['phy:a,xvda,w' 'file:/b,xvdb,r']\n5 name='x'\n");
    EXPECT_EQ(parsed("a = [[1, 'b'], []]"), "1 a=[[1 'b'] []]\n");
}

TEST(XenopsConfigFile, errorsNameTheLine) {
    EXPECT_THAT(complaint("a = 1\nb = 'x"), StartsWith("f:2: "));
    EXPECT_THAT(complaint("a = [\n1,\n"), StartsWith("f:1: the list that begins here does not end"));
    EXPECT_THAT(complaint("disk = [ 'phy:%d,w' % 1 ]"), HasSubstr("expected , or ]"));
    EXPECT_THAT(complaint("a = 'x' % 1"), HasSubstr("Python expressions are not evaluated"));
    EXPECT_THAT(complaint("import os"), HasSubstr("Python statements are not run"));
    EXPECT_THAT(complaint("a = b"), HasSubstr("\"b\" is no value"));
    EXPECT_THAT(complaint("a = 12x"), HasSubstr("\"12x\" is no whole number"));
    EXPECT_THAT(complaint("a = 99999999999999999999"), HasSubstr("no whole number"));
    EXPECT_THAT(complaint("a = '\\q'"), HasSubstr("has no meaning"));
    EXPECT_THAT(complaint("= 1"), HasSubstr("expected a key"));
    EXPECT_THAT(complaint("a = 1 2"), HasSubstr("expected the end of the line"));
    EXPECT_THAT(complaint("a = "), HasSubstr("the end of the file"));
    EXPECT_THAT(complaint(std::string("a = 'x\0'", 8)), HasSubstr("NUL"));
}

TEST(XenopsConfigFile, limits) {
    EXPECT_THAT(complaint("a = " + std::string(maxListDepth + 1, '[')), HasSubstr("deep"));
    std::string many;
    for (std::size_t i = 0; i <= maxConfigEntries; ++i)
        many += "a=1\n";
    EXPECT_THAT(complaint(many), HasSubstr("more than 1000 assignments"));
    std::string list = "a=[";
    for (std::size_t i = 0; i <= maxListElements; ++i)
        list += "1,";
    EXPECT_THAT(complaint(list + "]"), HasSubstr("at most 1000 elements"));
    EXPECT_THAT(complaint(std::string(maxConfigBytes + 1, '\n')), HasSubstr("at most 1048576"));
}

} // namespace
} // namespace xb::xenops
