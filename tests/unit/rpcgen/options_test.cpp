// SPDX-License-Identifier: Apache-2.0
// The program itself: exit statuses, messages, and what it leaves on the disk.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>

namespace {

namespace fs = std::filesystem;

struct Result {
    int status = -1;
    std::string output;
};

class Program : public testing::Test {
public:
    ~Program() override { fs::remove_all(directory_); }

protected:
    Program() {
        std::string name = (fs::temp_directory_path() / "xenbroker-rpcgen.XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("cannot make a temporary directory");
        directory_ = name;
        write("Good.xml", "<node>\n<interface name='a.b'><method name='m'/></interface>\n</node>\n");
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(directory_ / name) << text;
    }

    // Runs it in the directory, with stderr and stdout together.
    Result run(const std::string& arguments) const {
        const std::string command =
            "cd '" + directory_.string() + "' && '" XC_RPCGEN "' " + arguments + " 2>&1";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        if (!pipe)
            throw std::runtime_error("cannot run xc-rpcgen");
        Result result;
        char buffer[4096];
        for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
            result.output.append(buffer, n);
        const int status = ::pclose(pipe);
        result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return result;
    }

    std::set<std::string> files(const std::string& below = ".") const {
        std::set<std::string> result;
        if (fs::exists(directory_ / below))
            for (const auto& entry : fs::directory_iterator(directory_ / below))
                result.insert(entry.path().filename().string());
        return result;
    }

    fs::path directory_;
};

using Names = std::set<std::string>;

TEST_F(Program, WritesAClientUnlessAServerIsAskedFor) {
    EXPECT_EQ(run("-o out Good.xml").status, 0);
    EXPECT_EQ(files("out"), (Names{"good_types.hpp", "good_client.hpp", "good_client.cpp"}));
    EXPECT_EQ(run("--server --output=s --name Other Good.xml").status, 0);
    EXPECT_EQ(files("s"), (Names{"Other_types.hpp", "Other_server.hpp", "Other_server.cpp"}));
    EXPECT_EQ(run("-s -c -o both --cpp --module-prefix X --templates-dir /nowhere Good.xml").status, 0);
    EXPECT_EQ(files("both").size(), 5U);
    EXPECT_EQ(run("-o first -o deep/last -n a -n b Good.xml").status, 0);
    EXPECT_EQ(files("first"), Names());
    EXPECT_EQ(files("deep/last"), (Names{"b_types.hpp", "b_client.hpp", "b_client.cpp"}));
}

TEST_F(Program, OnlyTheFirstFileIsUsed) {
    const auto result = run("-o out Good.xml Other.xml");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.output, "xc-rpcgen: warning: only Good.xml is used\n");
    EXPECT_EQ(files("out").size(), 3U);
}

TEST_F(Program, Help) {
    const auto result = run("--help");
    EXPECT_EQ(result.status, 0);
    for (const char* option :
         {"--output", "--client", "--server", "--name", "--module-prefix", "--templates-dir"})
        EXPECT_NE(result.output.find(option), std::string::npos) << option;
}

TEST_F(Program, WrongUsage) {
    for (const char* arguments : {"", "--nonsense Good.xml", "-o"}) {
        const auto result = run(arguments);
        EXPECT_EQ(result.status, 2) << arguments;
        EXPECT_NE(result.output.find("usage:"), std::string::npos) << arguments;
    }
}

TEST_F(Program, OtherBackEndsAreNotSupported) {
    for (const char* flag : {"--haskell", "--camel", "--javascript", "--ruby", "--c2"}) {
        const auto result = run(std::string(flag) + " -o out Good.xml");
        EXPECT_EQ(result.status, 1) << flag;
        EXPECT_TRUE(result.output.starts_with("xc-rpcgen: not supported by this generator: "))
            << result.output;
        EXPECT_NE(result.output.find(flag), std::string::npos);
    }
    EXPECT_EQ(files(), Names{"Good.xml"});
}

TEST_F(Program, MistakesLeaveNothingBehind) {
    const std::pair<const char*, const char*> mistakes[] = {
        {"<node>\n<interface name='a.b'>\n</node>", ":3: not well-formed XML"},
        {"<node>\n\n<interface name='a'/></node>", ":3: \"a\" is not a valid name"},
        {"<node><interface name='a.b'>\n<method name='m'><arg type='?'/></method></interface></node>",
         ":2: type \"?\""},
        {"<node><interface name='a.b'/>\n<interface name='a.b'/></node>",
         ":2: interface a.b is declared twice"},
        {"<node>\n<tp:enum name='E' type='y'>\n<tp:enumvalue suffix='A' value='-1'/></tp:enum></node>",
         ":3: \"-1\" is not"},
        {"<node>\n<annotation name='org.xenbroker.ErrorName' value='x'/></node>", ":2: annotation"},
        {"<node>\n<interface name='org.xenbroker.a'/>\n<interface name='org.freedesktop.a'/></node>",
         ":3: interface"},
    };
    for (const auto& [text, message] : mistakes) {
        write("Bad.xml", text);
        const auto result = run("-s -c -o out Bad.xml");
        EXPECT_EQ(result.status, 1) << text;
        EXPECT_TRUE(result.output.starts_with("Bad.xml" + std::string(message))) << result.output;
        EXPECT_EQ(result.output.find('\n'), result.output.size() - 1) << result.output;
        EXPECT_EQ(files(), (Names{"Good.xml", "Bad.xml"}));
    }
}

TEST_F(Program, FilesThatCannotBeReadOrWritten) {
    auto result = run("-o out absent.xml");
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.output, "xc-rpcgen: cannot read absent.xml: No such file or directory\n");
    EXPECT_EQ(run("-o out .").status, 1);
    EXPECT_EQ(run("-o Good.xml Good.xml").status, 1);
    EXPECT_EQ(run("-n ../escaped -o out Good.xml").status, 1);
    EXPECT_EQ(files(), Names{"Good.xml"});
    // The last of the files cannot be replaced: temporary files go away all the same.
    fs::create_directories(directory_ / "out/good_client.cpp/occupied");
    result = run("-o out Good.xml");
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.output.find("good_client.cpp"), std::string::npos) << result.output;
    for (const auto& name : files("out"))
        EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
}

TEST_F(Program, UnchangedFilesAreLeftAlone) {
    ASSERT_EQ(run("-o out Good.xml").status, 0);
    const auto inode = [&](const char* name) {
        struct stat info {};
        EXPECT_EQ(::stat((directory_ / "out" / name).c_str(), &info), 0);
        return info.st_ino;
    };
    const auto types = inode("good_types.hpp");
    const auto header = inode("good_client.hpp");
    ASSERT_EQ(run("-o out Good.xml").status, 0);
    EXPECT_EQ(inode("good_types.hpp"), types);
    EXPECT_EQ(inode("good_client.hpp"), header);
    write("Good.xml", "<node>\n<interface name='a.b'><method name='other'/></interface>\n</node>\n");
    ASSERT_EQ(run("-o out Good.xml").status, 0);
    EXPECT_EQ(inode("good_types.hpp"), types);
    EXPECT_NE(inode("good_client.hpp"), header);
}

} // namespace
