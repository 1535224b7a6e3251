// SPDX-License-Identifier: Apache-2.0
// The output that scripts read.
#include "toolstack/xec/value_printer.hpp"

#include "toolstack/xec/value_parser.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace xb::xec {
namespace {

std::string printed(const char* signature, std::string_view word) {
    return printValue(parseValue(parseType(signature), word));
}

TEST(ValuePrinter, PrintsBasicValuesPlainly) {
    EXPECT_EQ(printed("b", "1"), "true");
    EXPECT_EQ(printed("i", "-7"), "-7");
    EXPECT_EQ(printed("t", "18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(printed("s", "a 'b'"), "a 'b'");
    EXPECT_EQ(printed("o", "/vm/1"), "/vm/1");
}

TEST(ValuePrinter, PrintsContainersLineByLine) {
    EXPECT_EQ(printed("as", "['a', 'b']"), "a\nb");
    EXPECT_EQ(printed("as", "[]"), "");
    EXPECT_EQ(printed("(si)", "['a', 3]"), "a\n3");
    EXPECT_EQ(printed("a(si)", "[['a', 3], ['b', 4]]"), "a\n3\nb\n4");
    EXPECT_EQ(printed("a{ss}", "{'key': 'value', 'a-key-longer-than-thirty-columns': 'x'}"),
              "{\n"
              "  \"key\"                        = value\n"
              "  \"a-key-longer-than-thirty-columns\" = x\n"
              "}");
    EXPECT_EQ(printed("a{is}", "{5: 'v'}"), "{\n  \"5\"                          = v\n}");
    EXPECT_EQ(printed("a{ss}", "{}"), "{\n}");
}

TEST(ValuePrinter, LooksIntoVariants) {
    const Value inner{"v", Value::Members{Value{"i", std::int64_t{4}}}};
    EXPECT_EQ(printValue(inner), "4");
    EXPECT_EQ(printValue(Value{"v", Value::Members{inner}}), "4");
}

TEST(ValuePrinter, QuotesBytes) {
    EXPECT_EQ(quoteBytes(""), "\"\"");
    EXPECT_EQ(quoteBytes("a\"b\\"), "\"a\\\"b\\\\\"");
    EXPECT_EQ(quoteBytes(std::string("\0\n\x7f\xff", 4)), "\"\\NUL\\n\\DEL\\255\"");
    EXPECT_EQ(quoteBytes("\x80"
                         "1"),
              "\"\\128\\&1\"");
    EXPECT_EQ(quoteBytes("\x0eH\x0eI"), "\"\\SO\\&H\\SOI\"");
    EXPECT_EQ(printed("ay", "[72, 105]"), "\"Hi\"");
}

TEST(ValuePrinter, PrintsNumbersThatReadBack) {
    EXPECT_EQ(printDouble(5), "5.0");
    EXPECT_EQ(printDouble(0), "0.0");
    EXPECT_EQ(printDouble(-0.25), "-0.25");
    EXPECT_EQ(printDouble(0.1), "0.1");
    EXPECT_EQ(printDouble(0.01), "1.0e-2");
    EXPECT_EQ(printDouble(1234567.5), "1234567.5");
    EXPECT_EQ(printDouble(9999999), "9999999.0");
    EXPECT_EQ(printDouble(1e7), "1.0e7");
    EXPECT_EQ(printDouble(12345678), "1.2345678e7");
    EXPECT_EQ(printDouble(100), "100.0");
    EXPECT_EQ(printDouble(std::numeric_limits<double>::infinity()), "Infinity");
    EXPECT_EQ(printDouble(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

} // namespace
} // namespace xb::xec
