// SPDX-License-Identifier: Apache-2.0
// db-cmd and its other names against the real dbd: what they print, to the byte, and their exit statuses.
#include "dbd/tools/db_cmd.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/child.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <optional>

namespace xb::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Result {
    int status = -1;
    std::string out;
    std::string err;
    bool operator==(const Result&) const = default;
};
void PrintTo(const Result& result, std::ostream* stream) {
    *stream << "status " << result.status << "\nstdout: " << result.out << "\nstderr: " << result.err;
}

class DbCmd : public testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(root / "config/dom-store");
        writeFileAtomically(root / "config/db", R"({
            "db-version": "42", "number": 7, "half": 0.5, "yes": true, "nothing": null, "list": [1],
            "tree": {"b": "second name first", "a": {"deep": {"er": "x"}, "none": ""}}, "empty": { } })");
        writeFileAtomically(root / "config/dom-store/blob", std::string("\x00\xff\n", 3));
        dbd.emplace(directory.path(), "dbd",
                    Words{DBD, "--bus", bus.address(), "--root", root.string(), "--log-to", "stderr"});
        ASSERT_TRUE(dbd->waitReady()) << dbd->messages();
    }

    static std::string tool(const std::string& name) {
        return (fs::path(DB_CMD).parent_path() / name).string();
    }
    Result run(const std::string& name, const Words& words, const std::string& input = "") {
        const fs::path inputFile = directory.path() / "input";
        writeFileAtomically(inputFile, input);
        const UniqueFd stdinFile(::open(inputFile.c_str(), O_RDONLY | O_CLOEXEC));
        Command command;
        command.arguments = Words{tool(name)};
        command.arguments.insert(command.arguments.end(), words.begin(), words.end());
        command.environment = {{"XENBROKER_BUS", bus.address()}, {"LC_ALL", "C"}};
        command.descriptors = {{stdinFile.get(), 0}};
        command.signalWhenParentDies = SIGKILL;
        Loop loop;
        std::optional<Output> output;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), runCommand(std::move(command)), [&](std::exception_ptr e, Output o) {
            failure = e;
            output = std::move(o);
            loop.stop();
        });
        loop.run();
        if (failure)
            std::rethrow_exception(failure);
        return {output->status.code.value_or(-1), output->standardOutput, output->standardError};
    }
    Result cmd(const Words& words, const std::string& input = "") { return run("db-cmd", words, input); }
    static Result ok(const std::string& out) { return {0, out, ""}; }

    TemporaryDirectory directory;
    fs::path root = directory.path() / "root";
    PrivateBus bus;
    std::optional<Process> dbd;
};

TEST_F(DbCmd, ReadPrintsTheValueAndANewline) {
    EXPECT_EQ(cmd({"read", "/db-version"}), ok("42\n"));
    EXPECT_EQ(run("db-read", {"number"}), ok("7\n"));
    EXPECT_EQ(run("db-read", {"/half"}), ok("0.500000\n"));
    EXPECT_EQ(run("db-read", {"/not/there"}), ok("\n"));
    EXPECT_EQ(run("db-read", {"/tree"}), ok("\n"));
    EXPECT_EQ(run("db-read", {"/dom-store/blob"}),
              ok("file:" + (root / "config/dom-store/blob").string() + "\n"));
}

TEST_F(DbCmd, ListShowsTheTree) {
    EXPECT_EQ(run("db-ls", {"/tree"}), ok("tree =\n"
                                          " b = \"second name first\"\n"
                                          " a =\n"
                                          "  deep =\n"
                                          "   er = \"x\"\n"
                                          "  none = \"\"\n"));
    const Result full = ok("/tree/a =\n"
                           "/tree/a/deep =\n"
                           "/tree/a/deep/er = \"x\"\n"
                           "/tree/a/none = \"\"\n");
    EXPECT_EQ(run("db-ls", {"-f", "tree//a/"}), full);
    EXPECT_EQ(cmd({"ls", "-f", "/tree/a"}), full);
    EXPECT_EQ(cmd({"ls", "/number"}), ok("number = \"7\"\n"));
    EXPECT_EQ(cmd({"ls", "/not/there"}), ok("there = \"\"\n"));
}

TEST_F(DbCmd, ListOfTheRootHasEveryKindOfNode) {
    const std::string blob = "file:" + (root / "config/dom-store/blob").string();
    const Result whole =
        ok(" =\n db-version = \"42\"\n number = \"7\"\n half = \"0.500000\"\n yes = \"true\"\n"
           " nothing = \"\"\n list = \"\"\n tree =\n  b = \"second name first\"\n  a =\n"
           "   deep =\n    er = \"x\"\n   none = \"\"\n empty = \"\"\n dom-store =\n  blob = \"" +
           blob + "\"\n");
    EXPECT_EQ(run("db-ls", {}), whole);
    EXPECT_EQ(run("db-ls", {"/"}), whole);
    EXPECT_EQ(run("db-ls", {"-f"}).out.substr(0, 28), "/ =\n/db-version = \"42\"\n/numb");
    EXPECT_EQ(run("db-ls", {"/dom-store/blob"}), ok("blob = \"" + blob + "\"\n"));
}

TEST_F(DbCmd, NodesAndExists) {
    EXPECT_EQ(run("db-nodes", {"/tree"}), ok("b a\n"));
    EXPECT_EQ(run("db-nodes", {"/number"}), ok("\n"));
    EXPECT_EQ(run("db-exists", {"/tree/a"}), ok("true\n"));
    EXPECT_EQ(run("db-exists", {"/tree/c"}), ok("false\n"));
}

TEST_F(DbCmd, CatGivesTheBytes) {
    EXPECT_EQ(run("db-cat", {"/dom-store/blob"}), ok(std::string("\x00\xff\n", 3)));
    const Result none = run("db-cat", {"/number"});
    EXPECT_EQ(none.status, 2);
    EXPECT_EQ(none.out, "");
    EXPECT_EQ(none.err.substr(0, 8), "db-cat: ");
    EXPECT_NE(none.err.find("not a binary node"), std::string::npos) << none.err;
}

TEST_F(DbCmd, WriteAndRm) {
    EXPECT_EQ(run("db-write", {"/new/one", "-5 \"quoted\" \xc3\xa4"}), ok(""));
    EXPECT_EQ(run("db-read", {"/new/one"}), ok("-5 \"quoted\" \xc3\xa4\n"));
    EXPECT_EQ(cmd({"write", "/new/two", ""}), ok(""));
    EXPECT_EQ(run("db-nodes", {"/new"}), ok("one two\n"));
    EXPECT_EQ(run("db-rm", {"/new/one"}), ok(""));
    EXPECT_EQ(run("db-nodes", {"/new"}), ok("two\n"));
    EXPECT_EQ(run("db-rm", {"/new/one"}), ok(""));
    EXPECT_EQ(run("db-rm", {"/dom-store/blob"}).status, 2);
    const Result notText = run("db-write", {"/new/three", "\xff"});
    EXPECT_EQ(notText.status, 2);
    EXPECT_EQ(notText.err.substr(0, 10), "db-write: ");
}

TEST_F(DbCmd, TheRootAndAllVmsAreNotWrittenOrRemoved) {
    EXPECT_EQ(cmd({"inject", "/vm", R"({"a": {"name": "web"}})"}), ok(""));
    for (const std::string path : {"/", "", "//", "/vm", "vm/"}) {
        const Result refused = run("db-write", {path, "x"});
        EXPECT_EQ(refused.status, 1) << path;
        EXPECT_EQ(refused.out, "");
        EXPECT_NE(refused.err.find("refused"), std::string::npos) << refused.err;
    }
    EXPECT_EQ(run("db-rm", {"//"}), ok("bad path\n"));
    EXPECT_EQ(run("db-ls", {"/vm"}), ok("vm =\n a =\n  name = \"web\"\n"));
    EXPECT_EQ(run("db-read", {"/db-version"}), ok("42\n"));
}

TEST_F(DbCmd, DumpCanBeInjectedAgain) {
    const Result dump = cmd({"dump", "/tree"});
    EXPECT_EQ(dump,
              ok("{\n  \"b\": \"second name first\",\n  \"a\": {\n    \"deep\": {\n      \"er\": \"x\"\n"
                 "    },\n    \"none\": \"\"\n  }\n}\n"));
    EXPECT_EQ(cmd({"inject", "/copy"}, dump.out), ok(""));
    EXPECT_EQ(cmd({"dump", "/copy"}), dump);
    EXPECT_EQ(cmd({"inject", "/copy", "{\"only\": 1}"}), ok(""));
    EXPECT_EQ(cmd({"ls", "/copy"}), ok("copy =\n only = \"1\"\n"));
    EXPECT_EQ(cmd({"dump", "/not/there"}), ok("null\n"));
    EXPECT_EQ(cmd({"inject", "/copy", "{"}).status, 2);
    EXPECT_EQ(cmd({"inject", "/copy"}, "").status, 2);
    EXPECT_EQ(cmd({"nodes", "/copy"}), ok("only\n"));
}

TEST_F(DbCmd, UsageEndsWithOne) {
    const std::string usage =
        "usage: db-cmd [OPTION...] ls|read|cat|write|nodes|exists|rm|dump|inject [ARG...]\n";
    EXPECT_EQ(cmd({}), (Result{1, "", usage + "db-cmd: no command given\n"}));
    EXPECT_EQ(cmd({"fetch", "/x"}), (Result{1, "", usage + "db-cmd: fetch: no such command\n"}));
    EXPECT_EQ(cmd({"--bus"}), (Result{1, "", usage + "db-cmd: --bus needs an address\n"}));
    EXPECT_EQ(run("db-write", {"/x"}),
              (Result{1, "", "usage: db-write [OPTION...] PATH VALUE\ndb-write: write takes PATH VALUE\n"}));
    EXPECT_EQ(run("db-ls", {"/x", "/y"}).status, 1);
    EXPECT_EQ(run("db-read", {"-f", "/x"}).status, 1);
    EXPECT_EQ(run("db-read", {}).status, 1);
    EXPECT_EQ(cmd({"exists"}).status, 1);
    EXPECT_EQ(run("db-read", {"--", "-f"}), ok("\n"));
}

TEST_F(DbCmd, WithoutDbdOrBusItEndsWithTwo) {
    dbd.reset();
    const Result noDbd = run("db-read", {"/x"});
    EXPECT_EQ(noDbd.status, 2);
    EXPECT_NE(noDbd.err.find("nobody serves com.citrix.xenclient.db, is dbd running?"), std::string::npos)
        << noDbd.err;
    const Result noBus = run("db-read", {"--bus=unix:path=/nowhere/bus", "/x"});
    EXPECT_EQ(noBus.status, 2);
    EXPECT_NE(noBus.err.find("/nowhere/bus"), std::string::npos) << noBus.err;
    bus.stop();
    EXPECT_EQ(run("db-ls", {"--help"}).status, 0);
    EXPECT_EQ(cmd({"--version"}).status, 0);
}

TEST(DbCmdListing, ManyAndDeepNodesAreListedWhateverTheDaemonsLimitsAre) {
    std::string json;
    for (int level = 0; level < 1000; ++level)
        json += "{\"n\":";
    json += "1" + std::string(1000, '}');
    const std::string text = dbd::listing("/", json, true).text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1001);
    EXPECT_TRUE(text.ends_with("/n = \"1\"\n"));
}

} // namespace
} // namespace xb::test
