// SPDX-License-Identifier: Apache-2.0
// Whole outputs, against the copies in golden/. When a change is meant, write them anew:
//     xc-rpcgen -s -c -o tests/unit/rpcgen/golden tests/unit/rpcgen/golden/Small.xml
#include "rpcgen/generator.hpp"

#include "rpcgen/input_error.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace xb::rpcgen {
namespace {

const std::filesystem::path golden = GOLDEN_DIR;

std::string textOf(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    EXPECT_TRUE(stream) << file;
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string generated(const std::string& text, const std::string& wantedFile) {
    for (const auto& file : generate(XmlFile("test.xml", text), {"test", true, true}))
        if (file.name == wantedFile)
            return file.text;
    ADD_FAILURE() << "no file " << wantedFile;
    return {};
}

TEST(Generator, OutputsAreTheGoldenOnes) {
    const auto xml = golden / "Small.xml";
    EXPECT_EQ(defaultName(xml), "small");
    const auto files = generate(XmlFile::read(xml), {"small", true, true});
    ASSERT_EQ(files.size(), 5U);
    for (const auto& file : files)
        EXPECT_EQ(file.text, textOf(golden / file.name)) << file.name;
}

TEST(Generator, OnlyTheSideThatIsAskedFor) {
    const XmlFile xml("test.xml", "<node/>");
    const auto names = [&](bool server, bool client) {
        std::string result;
        for (const auto& file : generate(xml, {"n", server, client}))
            result += file.name + " ";
        return result;
    };
    EXPECT_EQ(names(true, false), "n_types.hpp n_server.hpp n_server.cpp ");
    EXPECT_EQ(names(false, true), "n_types.hpp n_client.hpp n_client.cpp ");
}

TEST(Generator, NamesThatLeadOutOfTheFolderAreRefused) {
    const XmlFile xml("test.xml", "<node/>");
    for (const char* name : {"", "../x", "a/b", ".hidden", "a\nb"})
        EXPECT_THROW(static_cast<void>(generate(xml, {name, true, true})), ToolError) << name;
}

TEST(Generator, NothingOfTheFileEscapesItsLiteral) {
    const std::string text = generated("<node><interface name='a.b'><annotation name='x.y' "
                                       "value=')xml&quot;; int evil;'/></interface></node>",
                                       "test_server.cpp");
    EXPECT_EQ(text.find(")xml\"; int"), std::string::npos);
    EXPECT_NE(text.find("value=\"&#41;xml&quot;; int evil;\""), std::string::npos);
    const XmlFile file("dir/evil\n#include <x>\\.xml", "<node/>");
    const std::string head = generate(file, {"n", false, true}).at(0).text;
    EXPECT_NE(head.find("from evil__include _x__.xml; do not edit.\n"), std::string::npos) << head;
}

TEST(Generator, LongIntrospectionDataIsCutBetweenLines) {
    std::string members;
    for (int i = 0; i < 1000; ++i)
        members += "<method name='method_number_" + std::to_string(i) + "'><arg type='s'/></method>";
    const std::string text =
        generated("<node><interface name='a.b'>" + members + "</interface></node>", "test_server.cpp");
    std::size_t pieces = 0;
    for (std::size_t at = text.find("R\"xml("); at != std::string::npos; ++pieces) {
        const auto end = text.find(")xml\"", at);
        ASSERT_NE(end, std::string::npos);
        EXPECT_LE(end - at, 16U * 1024 + 6);
        EXPECT_EQ(text[end - 1], '\n');
        at = text.find("R\"xml(", end);
    }
    EXPECT_GE(pieces, 5U);
}

} // namespace
} // namespace xb::rpcgen
