// SPDX-License-Identifier: Apache-2.0
// VM templates: finding, loading and merging them, and JSON that means harm.
#include "xenmgr/templates.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TemplatesTest : public testing::Test {
protected:
    TemplatesTest() { makeDirectories(directory_); }

    void add(const std::string& name, const std::string& text) {
        writeFileAtomically(directory_ / name, text);
    }

    // The error's name and text.
    template <class Function>
    static std::string failure(Function function) {
        try {
            function();
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }

    std::string failureOfLoad(const std::string& name) {
        return failure([&] { templates_.load(name); });
    }

    test::TemporaryDirectory temporary_;
    std::filesystem::path directory_ = temporary_.path() / "templates";
    Templates templates_{directory_};
};

std::string nested(std::size_t depth, const char* open, const char* close, const char* inner) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += open;
    text += inner;
    for (std::size_t i = 0; i < depth; ++i)
        text += close;
    return text;
}

TEST_F(TemplatesTest, ListsByKind) {
    add("new-vm", "{}");
    add("another", "{}");
    add("service-ndvm-hvm", "{}");
    add("child-thing", "{}");
    add(".hidden", "{}");
    add("back up", "{}");
    std::filesystem::create_directory(directory_ / "directory");
    EXPECT_THAT(templates_.names(), ElementsAre("another", "new-vm"));
    EXPECT_THAT(templates_.childNames(), ElementsAre("thing"));
}

TEST_F(TemplatesTest, AMissingDirectoryIsAnEmptyList) {
    const Templates none(directory_ / "nowhere");
    EXPECT_THAT(none.names(), IsEmpty());
    EXPECT_THAT(none.selectable(), IsEmpty());
}

TEST_F(TemplatesTest, SelectableOnesHaveTheirDescription) {
    add("plain", R"({"ui-selectable": "false"})");
    add("chosen", R"({"ui-selectable": "true", "description": "A VM"})");
    add("silent", R"({"ui-selectable": "true"})");
    add("broken", "{");
    EXPECT_THAT(templates_.selectable(),
                ElementsAre(StringMap{{"template", "chosen"}, {"description", "A VM"}},
                            StringMap{{"template", "silent"}, {"description", ""}}));
}

TEST_F(TemplatesTest, LoadsItsTextAndTheEmptyOne) {
    add("new-vm", R"({"name": "x"})");
    EXPECT_EQ(templates_.load("new-vm"), R"({"name": "x"})");
    EXPECT_EQ(templates_.load(""), "{}");
}

TEST_F(TemplatesTest, RefusalsNameTemplateAndReason) {
    add("broken", "{\n  \"a\": ,\n}");
    add("list", "[]");
    EXPECT_THAT(failureOfLoad("nobody"), HasSubstr("no template \"nobody\""));
    EXPECT_THAT(failureOfLoad("broken"), HasSubstr("line 2"));
    EXPECT_THAT(failureOfLoad("broken"), HasSubstr("broken"));
    EXPECT_THAT(failureOfLoad("list"), HasSubstr("not a JSON object"));
}

TEST_F(TemplatesTest, NamesCannotLeaveTheDirectory) {
    writeFileAtomically(temporary_.path() / "outside", "{}");
    for (const char* name : {"../outside", "/etc/passwd", "..", ".", "a/b", ".hidden", "a b"})
        EXPECT_THAT(failureOfLoad(name), HasSubstr(errors::invalidArgs)) << name;
}

TEST_F(TemplatesTest, SizeIsBounded) {
    add("large", "{\"a\": \"" + std::string(templateLimit, 'x') + "\"}");
    EXPECT_THAT(failureOfLoad("large"), HasSubstr(errors::limitsExceeded));
}

TEST(MergeJson, ObjectsMemberByMemberAllElseReplaced) {
    EXPECT_EQ(
        mergeJson(R"({"a":{"x":"1","y":"2"},"b":"3"})", R"({"a":{"y":"4","z":"5"},"c":"6"})", "changes"),
        R"({"a":{"x":"1","y":"4","z":"5"},"b":"3","c":"6"})");
    EXPECT_EQ(mergeJson(R"({"a":{"x":"1"}})", R"({"a":"flat"})", "changes"), R"({"a":"flat"})");
    EXPECT_EQ(mergeJson(R"({"a":"flat"})", R"({"a":{"x":"1"}})", "changes"), R"({"a":{"x":"1"}})");
    EXPECT_EQ(mergeJson(R"({"a":["1","2"]})", R"({"a":["3"]})", "changes"), R"({"a":["3"]})");
    EXPECT_EQ(mergeJson("{}", "{}", "changes"), "{}");
}

TEST(MergeJson, HostileTextIsRefusedByName) {
    const std::string deep = nested(100000, "{\"a\":", "}", "1");
    const std::string lists = "{\"a\":" + nested(100000, "[", "]", "") + "}";
    struct Case {
        std::string text;
        const char* error;
    };
    const Case cases[] = {
        {"", errors::invalidArgs},
        {"null", errors::invalidArgs},
        {"\"text\"", errors::invalidArgs},
        {"{\"a\":1} trailing", errors::invalidArgs},
        {"{\"a\":1}{", errors::invalidArgs},
        {"{\"a\":", errors::invalidArgs},
        {std::string("{\"a\":\"b\0c\"}", 11), errors::invalidArgs},
        {R"({"a":"b\u0000c"})", errors::invalidArgs},
        {"{\"a\":\"\xff\xfe\"}", errors::invalidArgs},
        {"{\"a\":\"\xc0\xaf\"}", errors::invalidArgs},
        {R"({"a":"\ude00"})", errors::invalidArgs},
        {R"({"a":[{"\ude00":1}]})", errors::invalidArgs},
        {R"({"a":3e308})", errors::invalidArgs},
        {R"({"a":1,"a":2})", errors::invalidArgs},
        {R"({"a":[{"b":1,"b":2}]})", errors::invalidArgs},
        {deep, errors::limitsExceeded},
        {lists, errors::limitsExceeded},
        {nested(100000, "{\"a\":", "", ""), errors::limitsExceeded},
        {"{\"a\":\"" + std::string(templateLimit, 'x') + "\"}", errors::limitsExceeded},
    };
    for (const auto& each : cases) {
        try {
            mergeJson("{}", each.text, "the JSON of the caller");
            ADD_FAILURE() << "taken: " << each.text.substr(0, 40);
        } catch (const Error& e) {
            EXPECT_EQ(e.name(), each.error) << each.text.substr(0, 40);
            EXPECT_THAT(e.what(), HasSubstr("the JSON of the caller"));
            EXPECT_LT(std::string(e.what()).size(), 1000U);
        }
    }
}

TEST(MergeJson, BracketsInStringsAreNoNesting) {
    const std::string brackets =
        "{\"a\":\"" + std::string(1000, '{') + "\\\"" + std::string(1000, '[') + "\"}";
    EXPECT_EQ(mergeJson("{}", brackets, "changes"), brackets);
}

TEST(MergeJson, TheDepthLimitIsTheLastThatIsTaken) {
    const std::string last = nested(templateDepthLimit, "{\"a\":", "}", "\"x\"");
    EXPECT_EQ(mergeJson(last, last, "changes"), last);
    const std::string beyond = nested(templateDepthLimit + 1, "{\"a\":", "}", "\"x\"");
    EXPECT_THROW(mergeJson("{}", beyond, "changes"), Error);
}

TEST(JsonMembers, AreReadAndSet) {
    EXPECT_EQ(jsonMember(R"({"a":"b","n":1})", "a"), "b");
    EXPECT_EQ(jsonMember(R"({"a":"b","n":1})", "n"), "");
    EXPECT_EQ(jsonMember("{}", "a"), "");
    EXPECT_EQ(withJsonMember(R"({"a":"b"})", "a", "c"), R"({"a":"c"})");
    EXPECT_EQ(withJsonMember(R"({"a":{"x":"1"}})", "name", "q\"uote"), R"({"a":{"x":"1"},"name":"q\"uote"})");
}

} // namespace
} // namespace xb::xenmgr
