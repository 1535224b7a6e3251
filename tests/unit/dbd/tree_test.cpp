// SPDX-License-Identifier: Apache-2.0
// The operations, row by row, and what is reported as changed.
#include "dbd/tree.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xb::dbd {
namespace {

using Names = std::vector<std::string>;

class TreeTest : public testing::Test {
protected:
    TreeTest() {
        tree.setListener([this](std::string_view path) { changed.emplace_back(path); });
    }
    /// The name of the D-Bus error that `action` throws, "" if it does not.
    template <typename Action>
    static std::string errorOf(Action action) {
        try {
            action();
        } catch (const Error& error) {
            EXPECT_STRNE(error.what(), "");
            return error.name();
        }
        return {};
    }
    void putFile(const std::string& path, const std::string& file) {
        NodePtr node = Node::make({});
        node->setValue(NodeKind::File, file);
        tree.graft(path, std::move(node));
    }
    Names takeChanged() { return std::exchange(changed, {}); }

    Tree tree;
    Names changed;
};

TEST_F(TreeTest, ReadGivesTextOfEveryKind) {
    tree.inject(
        "/",
        R"({"s":"x\ty","i":42,"n":-7,"f":1.5,"e":1e3,"tiny":1e-400,"t":true,"b":false,"z":null,"a":[1],"o":{"k":1},"c":{}})");
    putFile("/bin", "/config/vms/bin");
    EXPECT_EQ(tree.read("/s"), "x\ty");
    EXPECT_EQ(tree.read("/i"), "42");
    EXPECT_EQ(tree.read("/n"), "-7");
    EXPECT_EQ(tree.read("/f"), "1.500000");
    EXPECT_EQ(tree.read("/e"), "1000.000000");
    EXPECT_EQ(tree.read("/tiny"), "0.000000");
    EXPECT_EQ(tree.read("/t"), "true");
    EXPECT_EQ(tree.read("/b"), "false");
    EXPECT_EQ(tree.read("/bin"), "file:/config/vms/bin");
    for (const char* path : {"/z", "/a", "/o", "/c", "/", "", "/absent", "/s/below", "/absent/below"})
        EXPECT_EQ(tree.read(path), "") << path;
    EXPECT_EQ(tree.read("//o///k/"), "1");
}

TEST_F(TreeTest, TheLargestFloatIsRead) {
    tree.inject("/f", "1.7e308");
    EXPECT_EQ(tree.read("/f").size(), 309U + 7U);
}

TEST_F(TreeTest, BinaryNodes) {
    putFile("/dom-store/u/blob", "/config/dom-store/u/blob");
    EXPECT_EQ(tree.binaryPath("/dom-store/u/blob"), "/config/dom-store/u/blob");
    EXPECT_TRUE(tree.exists("/dom-store/u/blob"));
    EXPECT_EQ(tree.list("/dom-store/u/blob"), Names{});
    EXPECT_EQ(tree.dump("/dom-store/u/blob"), "null\n");
    EXPECT_THROW(tree.binaryPath("/dom-store/u"), Error);
    EXPECT_THROW(tree.binaryPath("/absent"), Error);
    takeChanged();
    EXPECT_EQ(errorOf([&] { tree.write("/dom-store/u/blob", "x"); }), errors::failed);
    EXPECT_EQ(errorOf([&] { tree.write("/dom-store/u/blob/x", "x"); }), errors::failed);
    EXPECT_EQ(errorOf([&] { tree.inject("/dom-store/u/blob", "{}"); }), errors::failed);
    EXPECT_EQ(errorOf([&] { tree.inject("/dom-store/u/blob/x", "{}"); }), errors::failed);
    EXPECT_EQ(errorOf([&] { tree.rm("/dom-store/u/blob"); }), errors::failed);
    EXPECT_EQ(errorOf([&] { tree.rm("/dom-store/u/blob/x"); }), "");
    EXPECT_EQ(takeChanged(), Names{});
    tree.rm("/dom-store/u"); // what merely contains one goes
    EXPECT_FALSE(tree.exists("/dom-store"));
}

TEST_F(TreeTest, ExistsAndList) {
    tree.inject("/", R"({"z":"1","a":null,"m":{"2":"x","1":"y"},"arr":[1,2]})");
    for (const char* path : {"/", "", "/z", "/a", "/m", "/m/2", "/arr"})
        EXPECT_TRUE(tree.exists(path)) << path;
    for (const char* path : {"/q", "/z/below", "/a/below", "/m/3", "/arr/0"})
        EXPECT_FALSE(tree.exists(path)) << path;
    EXPECT_EQ(tree.list("/"), (Names{"z", "a", "m", "arr"}));
    EXPECT_EQ(tree.list("/m"), (Names{"2", "1"}));
    for (const char* path : {"/z", "/a", "/arr", "/absent"})
        EXPECT_EQ(tree.list(path), Names{}) << path;
}

TEST_F(TreeTest, FindBelowANode) {
    tree.inject("/", R"({"vm":{"a":{"name":"web","config":{"memory":12,"none":null}}}})");
    const Node* const vm = tree.find("/vm/a");
    ASSERT_NE(vm, nullptr);
    for (const char* path : {"name", "config", "/config//memory", "config/none", ""})
        EXPECT_EQ(Tree::findBelow(*vm, path), tree.find("/vm/a/" + std::string(path))) << path;
    for (const char* path : {"nam", "name/x", "config/none/x", "vm", "config/memory/12"})
        EXPECT_EQ(Tree::findBelow(*vm, path), nullptr) << path;
    for (const char* path : {"/vm/a/name", "/vm/a/config/memory", "/vm/a/config", "/vm/a/config/none"})
        EXPECT_EQ(Tree::valueOf(*tree.find(path)), tree.read(path)) << path;
}

TEST_F(TreeTest, DumpIsNeverAnError) {
    EXPECT_EQ(tree.dump("/"), "{ }\n");
    EXPECT_EQ(tree.dump("/absent"), "null\n");
    tree.inject("/a", "null");
    EXPECT_EQ(tree.dump("/a"), "null\n");
    EXPECT_EQ(tree.dump("/"), "{\n  \"a\": null\n}\n");
    EXPECT_EQ(tree.dump(std::string(1'000'000, 'x')), "null\n");
}

TEST_F(TreeTest, WriteAlwaysStoresAString) {
    tree.inject("/n", "5");
    tree.write("/n", "6");
    EXPECT_EQ(tree.dump("/n"), "\"6\"\n");
    tree.write("/b", "true");
    EXPECT_EQ(tree.dump("/b"), "\"true\"\n");
    EXPECT_EQ(takeChanged(), (Names{"/n", "/n", "/b"}));
    tree.write("/b", "true");
    EXPECT_EQ(takeChanged(), Names{});
}

TEST_F(TreeTest, WriteMakesItsWay) {
    tree.write("x/y/z", "1");
    EXPECT_EQ(tree.read("/x/y/z"), "1");
    EXPECT_EQ(takeChanged(), Names{"/x/y/z"});
    tree.write("/x/y/z/w", "2"); // through a leaf, which loses its value
    EXPECT_EQ(tree.read("/x/y/z"), "");
    EXPECT_EQ(tree.read("/x/y/z/w"), "2");
    tree.inject("/e", "null");
    tree.write("/e/f", "3");
    EXPECT_EQ(tree.read("/e/f"), "3");
    tree.inject("/a", "[1]");
    tree.write("/a/0", "4");
    EXPECT_EQ(tree.dump("/a"), "{\n  \"0\": \"4\"\n}\n");
}

TEST_F(TreeTest, WriteOnAnInnerNodeIsIgnored) {
    tree.inject("/", R"({"o":{"k":"1"},"c":{}})");
    takeChanged();
    tree.write("/o", "x");
    tree.write("/c", "x");
    tree.write("/", "x");
    EXPECT_EQ(tree.dump("/"), "{\n  \"o\": {\n    \"k\": \"1\"\n  },\n  \"c\": { }\n}\n");
    EXPECT_EQ(takeChanged(), Names{});
}

TEST_F(TreeTest, InjectReplaces) {
    tree.inject("/", R"({"a":{"x":"1","y":"2"},"b":"3"})");
    tree.inject("/a", R"({"z":4} trailing text)");
    EXPECT_EQ(tree.dump("/"), "{\n  \"a\": {\n    \"z\": 4\n  },\n  \"b\": \"3\"\n}\n"); // in its old place
    tree.inject("/a", "{}");
    EXPECT_TRUE(tree.exists("/a"));
    EXPECT_EQ(tree.dump("/a"), "{ }\n");
    tree.inject("/b/c", "[1, 2]"); // through a leaf
    EXPECT_EQ(tree.list("/b"), Names{"c"});
    tree.inject("/", "\"leaf\"");
    EXPECT_EQ(tree.read("/"), "leaf");
    tree.write("/k", "v");
    EXPECT_EQ(tree.dump("/"), "{\n  \"k\": \"v\"\n}\n");
}

TEST_F(TreeTest, RefusedInjectChangesNothing) {
    tree.write("/a", "1");
    takeChanged();
    for (const char* json : {"", " ", "{", "{\"a\":}", "01", "{\"a\":1,\"a\":2}", "\"\xFF\"", "tru"})
        EXPECT_EQ(errorOf([&] { tree.inject("/a/b/c", json); }), errors::failed) << json;
    EXPECT_EQ(tree.dump("/"), "{\n  \"a\": \"1\"\n}\n");
    EXPECT_EQ(takeChanged(), Names{});
}

TEST_F(TreeTest, RmRemoves) {
    tree.inject("/", R"({"a":{"x":"1","y":{"z":"2"}},"b":"3"})");
    takeChanged();
    tree.rm("/a/x");
    EXPECT_EQ(tree.list("/a"), Names{"y"});
    EXPECT_EQ(takeChanged(), Names{"/a/x"});
    tree.rm("/absent");
    tree.rm("/a/absent");
    tree.rm("/b/through/leaf");
    EXPECT_EQ(takeChanged(), Names{});
    tree.rm("/");
    EXPECT_EQ(tree.dump("/"), "{ }\n");
    EXPECT_TRUE(tree.exists("/"));
    EXPECT_EQ(takeChanged(), Names{"/"});
    tree.rm("/");
    EXPECT_EQ(takeChanged(), Names{});
}

// Mended: the ancestor kept the parent as a childless node, and a later write to it was ignored.
TEST_F(TreeTest, AChildlessNodeLeftByRmIsNoNode) {
    tree.write("/a/b/c", "1");
    tree.write("/d", "2");
    takeChanged();
    tree.rm("/a/b/c");
    EXPECT_FALSE(tree.exists("/a/b"));
    EXPECT_FALSE(tree.exists("/a"));
    EXPECT_EQ(tree.list("/"), Names{"d"});
    EXPECT_EQ(takeChanged(), Names{"/a"});
    tree.write("/a", "later");
    EXPECT_EQ(tree.read("/a"), "later");
    tree.inject("/e", R"({"kept":{}, "x":"1"})");
    tree.rm("/e/x");
    EXPECT_TRUE(tree.exists("/e/kept")); // given as {} on purpose
    tree.rm("/e/kept/absent");
    EXPECT_TRUE(tree.exists("/e/kept"));
}

TEST_F(TreeTest, RemoveTakesNothingBesideItsPath) {
    tree.inject("/", R"({"n":null,"a":{"e":null,"b":{"c":{"d":"1"}}},"k":{"l":"2"}})");
    takeChanged();
    tree.remove("/a/b/c/d", true);
    EXPECT_EQ(tree.list("/"), (Names{"n", "a", "k"}));
    EXPECT_EQ(tree.list("/a"), Names{"e"}); // what is left without children goes
    EXPECT_EQ(takeChanged(), Names{"/a/b"});
    tree.remove("/k/l", true);
    EXPECT_TRUE(tree.exists("/k"));
    tree.remove("/absent", true);
    EXPECT_EQ(takeChanged(), Names{"/k/l"});
    tree.write("/m/x", "1");
    tree.remove("/m/x", false);
    EXPECT_FALSE(tree.exists("/m"));
    tree.remove("/", false);
    EXPECT_EQ(tree.dump("/"), "{ }\n");
    EXPECT_EQ(tree.size().nodes, 1U);
}

TEST_F(TreeTest, RmDiscardsEmptySiblingsOnItsWay) {
    tree.inject("/",
                R"({"n1":null,"a":{"n2":null,"b":{"n3":null,"x":"1","y":"2"},"q":{"n4":null}},"z":"0"})");
    takeChanged();
    tree.rm("/a/b/x");
    EXPECT_EQ(tree.list("/"), (Names{"a", "z"}));
    EXPECT_EQ(tree.list("/a"), (Names{"b", "q"}));
    EXPECT_EQ(tree.list("/a/b"), Names{"y"});
    EXPECT_TRUE(tree.exists("/a/q/n4")); // not on the way
    EXPECT_EQ(takeChanged(), (Names{"/a/b/n3", "/a/n2", "/n1", "/a/b/x"}));
    tree.inject("/e", R"({"n":null,"m":null})");
    tree.rm("/e/n");
    EXPECT_FALSE(tree.exists("/e"));
    tree.inject("/e", R"({"n":null})");
    tree.rm("/e/absent");
    EXPECT_FALSE(tree.exists("/e"));
    tree.inject("/e", "null");
    tree.rm("/z/leaf/on/the/way");
    EXPECT_TRUE(tree.exists("/e"));
}

TEST_F(TreeTest, OrderIsThatOfInsertion) {
    Names expected;
    for (int i = 0; i < 300; ++i) {
        expected.push_back("k" + std::to_string((i * 7919) % 1000));
        tree.write("/many/" + expected.back(), "v");
    }
    EXPECT_EQ(tree.list("/many"), expected);
    tree.write("/many/" + expected[5], "changed");
    tree.rm("/many/" + expected[7]);
    tree.write("/many/" + expected[7], "again");
    expected.push_back(expected[7]);
    expected.erase(expected.begin() + 7);
    EXPECT_EQ(tree.list("/many"), expected);
}

TEST_F(TreeTest, SizeIsCountedThroughEveryOperation) {
    const auto check = [this](const char* step) {
        const TreeSize real = tree.root().measure();
        EXPECT_EQ(tree.size().nodes, real.nodes) << step;
        EXPECT_EQ(tree.size().bytes, real.bytes) << step;
    };
    check("empty");
    tree.write("/a/b", "a value of some length");
    check("write");
    tree.write("/a/b/c", "through");
    check("through a leaf");
    tree.inject("/x/y", R"({"p":[1,2],"q":{"r":null}})");
    check("inject");
    tree.inject("/x", R"({"q":"w"})");
    check("inject over");
    tree.inject("/", R"({"a":{"n":null,"m":"1"},"k":{"l":{"m":"1"}}})");
    check("inject root");
    tree.rm("/a/m");
    check("rm");
    tree.rm("/k/l/m");
    check("rm with parents");
    tree.inject("/", "\"v\"");
    check("root leaf");
    tree.write("/a", "1");
    check("through the root");
    tree.rm("/");
    check("rm root");
}

TEST_F(TreeTest, BadTextIsRefused) {
    using namespace std::string_view_literals;
    EXPECT_EQ(errorOf([&] { tree.write("/a\xFF", "x"); }), errors::invalidArgs);
    EXPECT_EQ(errorOf([&] { tree.write("/a\0b"sv, "x"); }), errors::invalidArgs);
    EXPECT_EQ(errorOf([&] { tree.write("/a", "\xC0\x80"); }), errors::invalidArgs);
    EXPECT_EQ(errorOf([&] { tree.write("/a", "x\0y"sv); }), errors::invalidArgs);
    EXPECT_EQ(errorOf([&] { tree.inject("/a\xFF", "{}"); }), errors::invalidArgs);
    EXPECT_EQ(takeChanged(), Names{});
    tree.write("/a", "\x01\x1F\n");
    EXPECT_EQ(tree.read("/a"), "\x01\x1F\n");
    EXPECT_EQ(tree.dump("/a"), "\"\\u0001\\u001F\\n\"\n");
}

TEST_F(TreeTest, LimitsAreNamed) {
    std::string deep;
    for (int i = 0; i < 10'000; ++i)
        deep += "/a";
    std::string atLimit;
    for (std::size_t i = 0; i < tree.limits().depth; ++i)
        atLimit += "/a";
    EXPECT_EQ(errorOf([&] { tree.write(deep, "x"); }), errors::limitsExceeded);
    EXPECT_EQ(errorOf([&] { tree.write(atLimit + "/a", "x"); }), errors::limitsExceeded);
    EXPECT_EQ(errorOf([&] { tree.write("/" + std::string(256, 'n'), "x"); }), errors::limitsExceeded);
    EXPECT_EQ(errorOf([&] { tree.write("/v", std::string(tree.limits().valueBytes + 1, 'v')); }),
              errors::limitsExceeded);
    EXPECT_EQ(errorOf([&] { tree.inject("/v", std::string(tree.limits().injectBytes + 1, ' ')); }),
              errors::limitsExceeded);
    EXPECT_EQ(errorOf([&] { tree.inject(atLimit, "{\"a\":1}"); }), errors::failed);
    EXPECT_EQ(takeChanged(), Names{});
    EXPECT_FALSE(tree.exists(deep));
    EXPECT_EQ(tree.read(deep), "");
    EXPECT_EQ(errorOf([&] { tree.rm(deep); }), "");
    tree.write(atLimit, "ok");
    EXPECT_EQ(tree.read(atLimit), "ok");
    tree.inject(atLimit, "5");
    EXPECT_EQ(tree.read(atLimit), "5");
}

TEST(TreeLimits, NodesAndBytes) {
    Limits small;
    small.nodes = 4;
    small.treeBytes = 20;
    Tree tree(small);
    tree.write("/a/b", "0123456789");
    EXPECT_THROW(tree.write("/c/d", "x"), Error);
    EXPECT_FALSE(tree.exists("/c"));
    EXPECT_THROW(tree.write("/c", "0123456789"), Error);
    EXPECT_THROW(tree.inject("/c", R"({"d":1})"), Error);
    tree.write("/c", "x");
    tree.write("/c", "y");
    tree.rm("/a");
    tree.inject("/c", R"({"d":1})");
    EXPECT_EQ(tree.read("/c/d"), "1");
}

TEST_F(TreeTest, DropTakesJustTheNodeAndItsBarrenParents) {
    tree.inject("/", R"({"vm":{"n":null,"a":{"x":"1"}},"k":{"l":{"m":"1"}}})");
    takeChanged();
    tree.drop("/vm/a");
    EXPECT_EQ(tree.list("/vm"), Names{"n"});
    tree.drop("/k/l/m");
    EXPECT_FALSE(tree.exists("/k"));
    tree.drop("/absent");
    tree.drop("/");
    EXPECT_EQ(takeChanged(), (Names{"/vm/a", "/k"}));
}

} // namespace
} // namespace xb::dbd
