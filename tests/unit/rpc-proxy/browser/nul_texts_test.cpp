// SPDX-License-Identifier: Apache-2.0
// Texts that end with NUL, and the lines before them.
#include "rpc-proxy/browser/nul_texts.hpp"

#include "memory_stream.hpp"
#include "tests/support/loop_runner.hpp"
#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

class NulTextsTest : public testing::Test {
protected:
    void open(bool authenticates, std::size_t messageBytes = 100) {
        texts = std::make_unique<NulTexts>(loop.executor(), std::make_unique<test::MemoryStream>(wire),
                                           authenticates, messageBytes);
    }
    std::string read() {
        try {
            return runner.await(texts->read()).value_or("(end)");
        } catch (const Error& e) {
            return "error: "s + e.what();
        }
    }

    Loop loop;
    test::LoopRunner runner{loop};
    std::shared_ptr<test::Wire> wire = std::make_shared<test::Wire>();
    std::unique_ptr<NulTexts> texts;
};

TEST_F(NulTextsTest, ComeWholeHoweverTheyAreCut) {
    open(false);
    wire->in = "one\0two\0\0three\0"s;
    wire->ended = true;
    for (const char* const text : {"one", "two", "", "three", "(end)"})
        EXPECT_EQ(read(), text);
}

TEST_F(NulTextsTest, LinesComeFirstWhereClientsAuthenticate) {
    open(true);
    wire->in = "\0AUTH EXTERNAL\r\n BEGIN\r\nBEGINNING\r\nBEGIN x\r\n{}\r\n\0{}\0"s;
    for (const std::string& text :
         {"\0"s, "AUTH EXTERNAL\r\n"s, " BEGIN\r\n"s, "BEGINNING\r\n"s, "BEGIN x\r\n"s, "{}\r\n"s, "{}"s})
        EXPECT_EQ(read(), text);
}

TEST_F(NulTextsTest, HaveLimits) {
    open(false);
    wire->in = std::string(100, 'x') + '\0' + std::string(101, 'y') + '\0';
    EXPECT_EQ(read(), std::string(100, 'x'));
    EXPECT_EQ(read(), "error: it sent a message of more than 100 bytes");
    open(false);
    wire->in = std::string(100'000, 'x');
    EXPECT_EQ(read(), "error: it sent a message of more than 100 bytes");
    EXPECT_GT(wire->in.size(), 90'000U) << "no more of it is taken";
    open(true, 1U << 20);
    wire->in = '\0' + std::string(2000, 'x');
    EXPECT_EQ(read(), "\0"s);
    EXPECT_EQ(read(), "error: it sent a line of more than 1024 bytes");
}

TEST_F(NulTextsTest, AHalfOneAtTheEndIsAnError) {
    open(false);
    wire->in = "whole\0half"s;
    wire->ended = true;
    EXPECT_EQ(read(), "whole");
    EXPECT_EQ(read(), "error: the connection ended within a message");
}

TEST_F(NulTextsTest, AreWrittenWithTheirEndButLinesAsTheyAre) {
    open(true);
    wire->room = 3;
    loop.spawn("writing", texts->write("OK x\r\n"));
    loop.context().poll();
    EXPECT_EQ(wire->out, "OK ");
    wire->room = 100;
    wire->changed();
    loop.context().restart();
    loop.context().poll();
    runner.await(texts->write("{}"));
    EXPECT_EQ(wire->out, "OK x\r\n{}\0"s);
    EXPECT_FALSE(texts->canAsk());
}

TEST_F(NulTextsTest, EndWhenTheyAreStopped) {
    open(false);
    std::string result;
    auto reading = [](NulTexts& from, std::string& into) -> Task<> {
        try {
            co_await from.read();
        } catch (const Error& e) {
            into = e.what();
        }
    };
    loop.spawn("reading", reading(*texts, result));
    loop.context().poll();
    texts->stop();
    loop.context().restart();
    loop.context().poll();
    EXPECT_THAT(result, HasSubstr("the connection broke"));
}

} // namespace
} // namespace xb::proxy
