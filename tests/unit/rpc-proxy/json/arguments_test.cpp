// SPDX-License-Identifier: Apache-2.0
// Arguments from JSON: exactly what their types can hold, by a signature or by guessing.
#include "tests/unit/rpc-proxy/json/convert.hpp"

#include "rpc-proxy/wire/body_reader.hpp"

namespace xb::proxy::json {
namespace {

// The args are taken, and come back as `back`.
void takes(std::string_view signature, std::string_view args, std::string_view back) {
    EXPECT_EQ(typed(args, signature), std::string(signature) + " " + std::string(back));
}
void takes(std::string_view signature, std::string_view args) {
    takes(signature, args, args);
}

void refuses(std::string_view signature, std::string_view args, std::string_view why = "") {
    const std::string said = typed(args, signature);
    EXPECT_TRUE(said.starts_with("InvalidArgs (2): ")) << signature << " " << args << " " << said;
    EXPECT_NE(said.find(why), std::string::npos) << said;
}

TEST(JsonArguments, Integers) {
    const struct {
        std::string_view type, least, most, below, above;
    } integers[] = {
        {"y", "0", "255", "-1", "256"},
        {"n", "-32768", "32767", "-32769", "32768"},
        {"q", "0", "65535", "-1", "65536"},
        {"i", "-2147483648", "2147483647", "-2147483649", "2147483648"},
        {"u", "0", "4294967295", "-1", "4294967296"},
    };
    for (const auto& [type, least, most, below, above] : integers) {
        const auto in = [](std::string_view value) { return "[" + std::string(value) + "]"; };
        takes(type, in(least));
        takes(type, in(most));
        refuses(type, in(below), "argument 1 (" + std::string(type) + "), an integer beyond its range");
        refuses(type, in(above));
        refuses(type, "[1.5]", "a number that is no integer does not fit the type");
        refuses(type, "[\"1\"]", "a string does not fit");
        refuses(type, "[true]");
        refuses(type, "[null]");
        refuses(type, "[[1]]");
        takes(type, "[1e2]", "[100]");
        takes(type, "[1.0]", "[1]");
    }
}

TEST(JsonArguments, IntegersBeyondWhatBrowsersHold) {
    takes("x", R"(["-9223372036854775808"])");
    takes("x", "[-9223372036854775808]", R"(["-9223372036854775808"])");
    takes("x", R"(["9223372036854775807"])");
    takes("x", R"(["5"])", "[5]");
    takes("t", R"(["18446744073709551615"])");
    takes("t", "[18446744073709551615]", R"(["18446744073709551615"])");
    refuses("x", "[9223372036854775808]");
    refuses("x", "[-9223372036854775809]");
    refuses("x", R"(["9223372036854775808"])");
    refuses("t", "[18446744073709551616]");
    refuses("t", R"(["18446744073709551616"])");
    refuses("t", "[-1]");
    refuses("x", "[9007199254740993.0]");
    refuses("t", "[1e19]");
    for (const std::string text : {"", "-", "-0", "+1", "01", "1 ", " 1", "1.0", "1e3", "0x1", "00"})
        refuses("x", "[\"" + text + "\"]");
}

TEST(JsonArguments, OtherBasicTypes) {
    takes("bb", "[true,false]");
    refuses("b", "[1]");
    refuses("b", R"(["true"])");
    takes("ddddd", "[0.1,-0,5e-324,1e+300,7]");
    takes("ddd", R"(["NaN","Infinity","-Infinity"])");
    takes("dd", "[18446744073709551615,-5]", "[1.8446744073709552e+19,-5]");
    for (const std::string_view text : {R"(["nan"])", R"(["1"])", R"([""])", "[true]", "[null]", "[[]]"})
        refuses("d", text);
    takes("s", R"(["\u00e4\"\n"])", "[\"\xc3\xa4\\\"\\n\"]");
    refuses("s", "[1]", "argument 1 (s), an integer");
    refuses("s", R"(["x",1])", "more arguments than types");
    takes("o", R"(["/a/b"])");
    refuses("o", R"(["a"])", "argument 1 (o), a value of type o is not an object path");
    takes("g", R"(["a{sv}"])");
    takes("g", R"([""])");
    refuses("g", R"(["a{"])", "argument 1 (g), a value of type g is not a signature");
    refuses("h", "[0]", "descriptor");
}

TEST(JsonArguments, Count) {
    takes("", "[]");
    refuses("", "[1]", "there are more arguments than types in the signature \"\"");
    refuses("ss", R"(["a"])", "there are fewer arguments (1) than types in the signature \"ss\"");
    refuses("s", "[]", "fewer arguments (0)");
    refuses("sas", R"(["a",[1]])", "argument 2 (as), an integer");
}

TEST(JsonArguments, Containers) {
    takes("ay", "[[]]");
    takes("ay", "[[0,255]]");
    refuses("ay", "[[256]]", "argument 1 (ay), an integer beyond its range does not fit the type y");
    refuses("ay", R"(["text"])", "a string does not fit the type ay");
    takes("as", "[[]]");
    takes("aas", R"([[[],["a"],["b","c"]]])");
    takes("(si)", R"([["a",1]])");
    refuses("(si)", R"([["a"]])", "fewer elements than the struct");
    refuses("(si)", R"([["a",1,2]])", "more elements than the struct");
    refuses("(si)", R"([{"a":1}])", "an object does not fit the type (si)");
    takes("a(s(iy))", R"([[["a",[1,2]],["b",[3,4]]]])");
    takes("a{ss}", "[{}]");
    takes("a{ss}", R"([{"a":"b","c":"d"}])");
    refuses("a{ss}", R"([{"a":1}])");
    refuses("a{ss}", "[[]]", "an array does not fit the type a{ss}");
    takes("a{sa{u(sas)}}", R"([{"x":{"1":["y",["z"]]}}])");
    refuses("as", R"([{"a":"b"}])");
}

TEST(JsonArguments, KeysThatAreNoStrings) {
    takes("a{yb}", R"([{"0":true,"255":false}])");
    takes("a{xi}", R"([{"-9223372036854775808":1}])");
    takes("a{ti}", R"([{"18446744073709551615":1}])");
    takes("a{bi}", R"([{"true":1,"false":0}])");
    takes("a{di}", R"([{"0.5":1,"NaN":2,"-Infinity":3}])");
    takes("a{oi}", R"([{"/a":1}])");
    takes("a{gi}", R"([{"as":1,"":2}])");
    for (const std::string key : {"", "256", "-1", "01", " 1", "1.0", "x"})
        refuses("a{yi}", "[{\"" + key + "\":1}]", "a key of an object does not fit the type y");
    refuses("a{bi}", R"([{"1":1}])", "a key");
    for (const std::string key : {"", "x", "1x", "inf", "nan", "1e999"})
        refuses("a{di}", "[{\"" + key + "\":1}]", "a key");
    refuses("a{oi}", R"([{"x":1}])");
    refuses("a{hi}", R"([{"0":1}])", "descriptor");
}

TEST(JsonArguments, VariantsAreGuessed) {
    const auto content = [](std::string_view value) {
        std::string message = messageOf(callText("[" + std::string(value) + "]"), "v");
        wire::MessageView view;
        if (wire::read(message, {}, view))
            return message;
        wire::BodyReader from(view);
        from.enter();
        return std::string(from.nextSignature());
    };
    EXPECT_EQ(content(R"("x")"), "s");
    EXPECT_EQ(content("true"), "b");
    EXPECT_EQ(content("1"), "i");
    EXPECT_EQ(content("-2147483648"), "i");
    EXPECT_EQ(content("2147483648"), "x");
    EXPECT_EQ(content("9223372036854775807"), "x");
    EXPECT_EQ(content("9223372036854775808"), "d");
    EXPECT_EQ(content("1.5"), "d");
    EXPECT_EQ(content("[]"), "as");
    EXPECT_EQ(content("[1,2]"), "ay");
    EXPECT_EQ(content(R"(["a"])"), "as");
    EXPECT_EQ(content("{}"), "a{sv}");
    EXPECT_EQ(content("null"), "InvalidArgs (2): argument 1 (v), null is no value on D-Bus");
    EXPECT_EQ(content("[null]"), "InvalidArgs (2): argument 1 (v), null is no value on D-Bus");
}

TEST(JsonArguments, Guesses) {
    const auto guessed = [](std::string_view args) { return typed("[" + std::string(args) + "]"); };
    EXPECT_EQ(guessed(""), " []");
    EXPECT_EQ(guessed(R"(true,"x",0,4294967295,4294967296,-1,-2147483649,0.5,9223372036854775808,1.0)"),
              R"(bsuuxixddd [true,"x",0,4294967295,4294967296,-1,-2147483649,0.5,9.223372036854776e+18,1])");
    EXPECT_EQ(guessed("[],[0,255],[256],[-1],[-1,4294967295],[1,0.5],[true],[\"a\",\"b\"]"),
              "asayauaiaxadabas [[],[0,255],[256],[-1],[-1,4294967295],[1,0.5],[true],[\"a\",\"b\"]]");
    EXPECT_EQ(guessed(R"({"a":[1,{"b":"c"}]},[{},{"a":0.5}],[[1],"a"],[[]])"),
              R"(a{sv}aa{sv}avav [{"a":[1,{"b":"c"}]},[{},{"a":0.5}],[[1],"a"],[[]]])");
    EXPECT_EQ(guessed("null"), "InvalidArgs (2): null is no value on D-Bus");
    EXPECT_EQ(guessed("[1,null]"), "InvalidArgs (2): argument 1 (av), null is no value on D-Bus");
    std::string many = "0";
    for (int i = 1; i < 255; ++i)
        many += ",0";
    EXPECT_TRUE(guessed(many).starts_with("uuu"));
    EXPECT_TRUE(guessed(many + ",0").starts_with("InvalidArgs (2): there are more arguments"));
}

TEST(JsonArguments, DeepGuessesStayWithinDBus) {
    for (const std::size_t depth : {30U, 32U, 33U, 64U}) {
        const std::string nested = std::string(depth, '[') + std::string(depth, ']');
        const std::string said = typed("[" + nested + "]");
        EXPECT_TRUE(said == "av [" + nested + "]" || said.starts_with("LimitsExceeded (2): argument 1 (av)"))
            << said;
    }
}

} // namespace
} // namespace xb::proxy::json
