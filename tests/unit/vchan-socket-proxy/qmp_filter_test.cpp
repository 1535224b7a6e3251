// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/qmp_filter.hpp"

#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::vchan_proxy {
namespace {

using testing::HasSubstr;

const std::string greeting = R"({"QMP":{"version":{"qemu":{"major":7}},"capabilities":["oob"]}})";

class QmpFilterTest : public testing::Test {
protected:
    std::string toolstack(const std::string& line) { return pass(&QmpFilter::fromToolstack, line + "\r\n"); }
    std::string model(const std::string& line) { return pass(&QmpFilter::fromDeviceModel, line + "\r\n"); }
    void greet() { EXPECT_EQ(model(greeting), greeting + "\r\n"); }
    void ask(const std::string& id = "1") {
        const auto text = R"({"execute":"query-status","id":)" + id + "}";
        EXPECT_EQ(toolstack(text), text + "\r\n");
    }
    // What passes, or why not.
    std::string pass(void (QmpFilter::*way)(std::string_view, std::string&), const std::string& bytes) {
        std::string passed;
        try {
            (filter.*way)(bytes, passed);
        } catch (const Error& e) {
            EXPECT_EQ(e.name(), errors::accessDenied);
            return e.what();
        }
        return passed;
    }

    QmpFilter filter{QmpRules()};
};

TEST_F(QmpFilterTest, AConversationPassesInPieces) {
    const std::string text = greeting + "\r\n";
    std::string passed;
    for (const char c : text)
        filter.fromDeviceModel({&c, 1}, passed);
    EXPECT_EQ(passed, text);
    ask();
    EXPECT_EQ(model(R"({ "return" : {"running": true} , "id" : 1 })"),
              "{\"return\":{\"running\":true},\"id\":1}\r\n");
    ask("\"x\"");
    EXPECT_EQ(model(R"({"id":"x","error":{"class":"GenericError","desc":"no"}})"),
              "{\"id\":\"x\",\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\r\n");
    EXPECT_EQ(model(R"({"timestamp":{"seconds":1,"microseconds":2},"event":"STOP"})"),
              "{\"timestamp\":{\"seconds\":1,\"microseconds\":2},\"event\":\"STOP\"}\r\n");
    EXPECT_EQ(model(""), "");
}

TEST_F(QmpFilterTest, TheGreetingIsFirstAndOnce) {
    EXPECT_EQ(model(R"({"return":{}})"), "it does not begin with a greeting");
    greet();
    EXPECT_EQ(model(greeting), "it greets a second time");
}

// Each is let in by one check that is missing.
TEST_F(QmpFilterTest, AGreetingIsWhole) {
    EXPECT_EQ(model(R"({"QMP":{"version":{},"capabilities":[]},"id":1})"), "a greeting has the member id");
    EXPECT_EQ(model(R"({"QMP":[]})"), "QMP is missing or of the wrong type");
    EXPECT_EQ(model(R"({"QMP":{"capabilities":[]}})"), "QMP.version is missing or of the wrong type");
    EXPECT_EQ(model(R"({"QMP":{"version":7,"capabilities":[]}})"),
              "QMP.version is missing or of the wrong type");
    EXPECT_EQ(model(R"({"QMP":{"version":{}}})"), "QMP.capabilities is missing or of the wrong type");
    greet();
}

TEST_F(QmpFilterTest, AnswersHaveNothingElse) {
    greet();
    ask();
    EXPECT_EQ(model(R"({"return":{},"id":1,"timestamp":{}})"), "an answer has the member timestamp");
    EXPECT_EQ(model(R"({"error":{"class":"E","desc":"x"},"id":1,"return":{}})"),
              "an error has the member return");
    EXPECT_EQ(model(R"({"id":1})"), "it is neither answer nor event");
    EXPECT_EQ(model(R"({"return":{},"id":")" + std::string(65, 'x') + "\"}"),
              "an id has 65 bytes, the limit is 64");
    EXPECT_THAT(model(R"({"return":{},"id":1})"), HasSubstr("return")) << "none of them was taken for it";
}

TEST_F(QmpFilterTest, AnswersAreForQuestionsOnce) {
    greet();
    EXPECT_EQ(model(R"({"return":{},"id":1})"), "it answers what was not asked");
    ask();
    EXPECT_EQ(model(R"({"return":{},"id":"1"})"), "it answers what was not asked"); // a text is no number
    EXPECT_EQ(model(R"({"return":{}})"), "it answers what was not asked");
    EXPECT_THAT(model(R"({"return":{},"id":1})"), HasSubstr("return"));
    EXPECT_EQ(model(R"({"return":{},"id":1})"), "it answers what was not asked");
}

TEST_F(QmpFilterTest, EventsNotOnTheListAreLeftOut) {
    greet();
    EXPECT_EQ(model(R"({"event":"NEW_ONE","timestamp":{"seconds":1,"microseconds":2}})"), "");
    EXPECT_EQ(filter.eventsLeftOut(), 1u);
    EXPECT_EQ(model(R"({"event":"a b","timestamp":{"seconds":1,"microseconds":2}})"),
              "the name of an event is no name");
    EXPECT_EQ(model(R"({"event":"STOP"})"), "timestamp is missing or of the wrong type");
    EXPECT_EQ(model(R"({"event":"STOP","timestamp":{"microseconds":2}})"),
              "timestamp.seconds is missing or of the wrong type");
    EXPECT_EQ(model(R"({"event":"STOP","timestamp":{"seconds":1,"microseconds":"2"}})"),
              "timestamp.microseconds is missing or of the wrong type");
    EXPECT_EQ(model(R"({"event":"STOP","data":[],"timestamp":{"seconds":1,"microseconds":2}})"),
              "data is missing or of the wrong type");
    EXPECT_EQ(model(R"({"event":"STOP","timestamp":{"seconds":1,"microseconds":2},"return":{}})"),
              "an event has the member return");
}

TEST_F(QmpFilterTest, CommandsAreOnAList) {
    EXPECT_EQ(toolstack(R"({"execute":"migrate"})"), "the command migrate is not allowed");
    EXPECT_EQ(toolstack(R"({"exec-oob":"stop"})"), "a command has the member exec-oob");
    EXPECT_EQ(toolstack(R"({"execute":"stop","arguments":[]})"), "arguments is missing or of the wrong type");
    EXPECT_EQ(toolstack(R"({"execute":"stop","id":{}})"), "an id is neither number nor text");
    EXPECT_EQ(toolstack(R"({"execute":"stop"})"), "{\"execute\":\"stop\"}\r\n");
}

TEST_F(QmpFilterTest, WhatTwoParsersCouldReadDifferentlyIsRefused) {
    greet();
    ask();
    EXPECT_EQ(model(R"({"return":{},"id":1,"return":{}})"), "an object has the key return twice");
    EXPECT_EQ(model(R"({"return":{"a":1,"\u0061":2},"id":1})"), "an object has the key a twice");
    EXPECT_EQ(model(R"({"return":"\u0000","id":1})"), "a text has half of a surrogate pair or U+0000");
    EXPECT_EQ(model(R"({"return":{"\n":1},"id":1})"), "a key has control characters");
    EXPECT_EQ(model(R"({"error.desc":1,"id":1})"), "a key of the outermost object has a dot");
    EXPECT_THAT(model(R"({"return":1e999,"id":1})"), HasSubstr("it is no JSON: Number too big"));
    EXPECT_EQ(model(R"({"return":1e-999,"id":1})"), "a number is beyond a double");
    EXPECT_EQ(model(R"({"return":)" + std::string(33, '1') + "}"),
              "a number has 33 letters, the limit is 32");
    EXPECT_THAT(model("{\"return\":\"\xff\",\"id\":1}"), HasSubstr("it is no JSON"));
    EXPECT_THAT(model(R"({"return":{},"id":1}{})"), HasSubstr("it is no JSON"));
    EXPECT_THAT(model(R"({"return":{},/* */"id":1})"), HasSubstr("it is no JSON"));
    EXPECT_EQ(model("[]"), "it is no object");
    EXPECT_EQ(model(std::string("{\"return\":{},\"id\":1}\0x", 22)), "it has a NUL at byte 20");
}

TEST_F(QmpFilterTest, SizeAndDepthAreBounded) {
    greet();
    ask();
    const std::string deep = R"({"return":)" + std::string(31, '[') + std::string(31, ']') + R"(,"id":1})";
    EXPECT_EQ(model(deep), deep + "\r\n");
    ask();
    EXPECT_EQ(model(R"({"return":)" + std::string(32, '[') + std::string(32, ']') + R"(,"id":1})"),
              "it is nested deeper than 32");
    EXPECT_THAT(model(std::string(1000000, '[')), HasSubstr("a message has more than"));
    QmpFilter other{QmpRules()};
    std::string passed;
    const std::string part(1000, 'x');
    EXPECT_THROW(for (int i = 0; i < 263; ++i) // of a line that does not end
                 other.fromDeviceModel(part, passed),
                 Error);
    for (int i = 1; i < 32; ++i)
        ask(std::to_string(i + 1));
    EXPECT_EQ(toolstack(R"({"execute":"stop"})"), "32 commands have no answer yet, that is the limit");
}

TEST_F(QmpFilterTest, TerminalsAndErrorsAreMadeHarmless) {
    greet();
    ask();
    EXPECT_EQ(model(R"({"return":[{"label":"serial0","filename":"pty:/dev/sda"}],"id":1})"),
              "{\"return\":[{\"label\":\"serial0\",\"filename\":\"pty\"}],\"id\":1}\r\n");
    ask();
    EXPECT_EQ(model(R"({"id":1,"error":{"class":"GenericError","desc":"a\u001b[2J\nb"}})"),
              "{\"id\":1,\"error\":{\"class\":\"GenericError\",\"desc\":\"a [2J b\"}}\r\n");
    ask();
    EXPECT_EQ(model(R"({"id":1,"error":{"class":"Generic\nError","desc":"x"}})"),
              "the class of an error is no name");
    EXPECT_EQ(model(R"({"id":1,"error":{"class":"E","desc":")" + std::string(1025, 'x') + "\"}}"),
              "the text of an error has 1025 bytes, the limit is 1024");
}

} // namespace
} // namespace xb::vchan_proxy
