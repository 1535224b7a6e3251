// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/child.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>

namespace xb {
namespace {

Task<> run(Command command, Output& output) {
    output = co_await runCommand(std::move(command));
}

Output runNow(Command command) {
    Loop loop;
    Output output;
    loop.spawn("run", run(std::move(command), output));
    loop.context().run();
    return output;
}

Command shell(std::string script) {
    Command command;
    command.arguments = {"sh", "-c", std::move(script)};
    return command;
}

TEST(RunCommand, CollectsBothStreamsAndTheStatus) {
    const auto output = runNow(shell("echo out; echo err >&2; exit 3"));
    EXPECT_EQ(output.standardOutput, "out\n");
    EXPECT_EQ(output.standardError, "err\n");
    EXPECT_EQ(output.status.code, 3);
    EXPECT_EQ(output.status.text(), "exited with status 3");
}

TEST(RunCommand, TellsSignals) {
    const auto output = runNow(shell("kill -9 $$"));
    EXPECT_EQ(output.status.signal, SIGKILL);
    EXPECT_FALSE(output.status.success());
}

TEST(RunCommand, OutputIsBounded) {
    Loop loop;
    Output output;
    auto task = [](Output& into) -> Task<> {
        into = co_await runCommand(shell("head -c 300000 /dev/zero"), 1000);
    };
    loop.spawn("run", task(output));
    loop.context().run();
    EXPECT_EQ(output.standardOutput.size(), 1000U);
}

TEST(Child, AMissingProgramIsAnError) {
    Loop loop;
    Command command;
    command.arguments = {"/no/such/program"};
    try {
        Child child(loop.executor(), command);
        FAIL() << "started nothing";
    } catch (const Error& e) {
        EXPECT_STREQ(e.what(), "cannot start /no/such/program: No such file or directory");
    }
}

TEST(Child, InheritsNothingButWhatItIsGiven) {
    test::TemporaryDirectory directory;
    const auto file = directory.path() / "secret";
    writeFileAtomically(file, "x");
    UniqueFd leaked(::open(file.c_str(), O_RDONLY)); // deliberately without O_CLOEXEC
    UniqueFd given(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    auto command = shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0 /proc/self/fd/7");
    command.descriptors.emplace_back(given.get(), 7);
    const auto output = runNow(command);
    EXPECT_EQ(output.standardOutput.substr(0, 10), "0 1 2 3 7 ") << "3 is ls's own directory";
    EXPECT_NE(output.standardOutput.find("/dev/null\n" + file.string()), std::string::npos)
        << output.standardOutput;
}

TEST(Child, EnvironmentAndDirectory) {
    test::TemporaryDirectory directory;
    auto command = shell("echo $A-$HOME; pwd");
    command.environment = {{"A", "b"}, {"HOME", "/h"}};
    command.workingDirectory = directory.path();
    EXPECT_EQ(runNow(command).standardOutput, "b-/h\n" + directory.path().string() + "\n");
    command = shell("env | grep -v -e ^PWD -e ^SHLVL -e ^_ -e ^OLDPWD");
    command.cleanEnvironment = true;
    command.environment = {{"ONLY", "this"}};
    EXPECT_EQ(runNow(command).standardOutput, "ONLY=this\n");
}

TEST(Child, SignalReachesItUntilItHasEnded) {
    Loop loop;
    Command command;
    command.arguments = {"sleep", "1000"};
    Child child(loop.executor(), command);
    EXPECT_TRUE(child.signal(SIGTERM));
    ExitStatus status;
    auto task = [](Child& c, ExitStatus& s) -> Task<> { s = co_await c.wait(); };
    loop.spawn("wait", task(child, status));
    loop.context().run();
    EXPECT_EQ(status.signal, SIGTERM);
    EXPECT_FALSE(child.signal(SIGTERM));
    EXPECT_TRUE(child.ended());
}

} // namespace
} // namespace xb
