// SPDX-License-Identifier: Apache-2.0
// What it refuses to start with, and clients of other people.
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <csignal>
#include <cstdlib>

namespace xb::test {
namespace {

using testing::HasSubstr;

class ProxyStart : public ProxyFixture {
protected:
    std::string refusal(std::vector<std::string> options, int status = 1) {
        options.insert(options.begin(), {RPC_PROXY, "--log-to", "stderr", "-o",
                                         "unix:" + bus.address().substr(std::string("unix:path=").size())});
        Process process(directory.path(), "refused", std::move(options));
        EXPECT_EQ(process.waitEnd(), status);
        return process.messages();
    }
    /// What a command says that uses the proxy as the system bus.
    std::string output(const std::string& command) {
        const auto file = directory.path() / "output";
        Process process(directory.path(), "command",
                        {"/usr/bin/env", "DBUS_SYSTEM_BUS_ADDRESS=" + proxyAddress(), "/bin/sh", "-c",
                         command + " >" + file.string() + " 2>&1"});
        const auto done = [&process] { return !process.running(); };
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!done() && std::chrono::steady_clock::now() < end) {
            loop.context().restart();
            loop.context().run_one_for(std::chrono::milliseconds(5)); // the service is in this process
        }
        return readFile(file);
    }
};

TEST_F(ProxyStart, IsRefusedWithWhatToDo) {
    EXPECT_THAT(refusal({"-i", "argo:5555"}), HasSubstr("use vchan:PORT"));
    EXPECT_THAT(refusal({"-i", "tcp:5555"}), HasSubstr("say so with -d N"));
    EXPECT_THAT(refusal({"-i", "unix:" + socket(), "--bogus"}, 2), HasSubstr("--bogus"));
    EXPECT_THAT(refusal({"-i", "unix:" + socket(), "-d", "7", "-r", "/no/such/file"}),
                HasSubstr("/no/such/file"));
    writeRules("allow all\nallow nonsense\n");
    EXPECT_THAT(refusal({"-i", "unix:" + socket(), "-d", "7", "-r", rulesFile()}),
                HasSubstr(rulesFile() + ":2:7: "));
    EXPECT_THAT(refusal({"-i", "unix:/no/such/directory/s", "-w"}), HasSubstr("cannot listen"));
}

TEST_F(ProxyStart, EndsWithoutTraces) {
    startProxy("allow all\n");
    EXPECT_TRUE(std::filesystem::exists(socket()));
    proxy->signal(SIGTERM);
    EXPECT_EQ(proxy->waitEnd(), 0);
    EXPECT_FALSE(std::filesystem::exists(socket()));
    startProxy("allow all\n");
    proxy->signal(SIGKILL);
    proxy->waitEnd();
    startProxy("allow all\n"); // over what that one left
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
}

TEST_F(ProxyStart, ServesClientsOfOthers) {
    startProxy("allow all\n");
    EXPECT_THAT(output("busctl --system call org.xenbroker.test / org.xenbroker.test echo s hi"),
                HasSubstr("s \"hi\""));
    EXPECT_THAT(output("gdbus call --system --dest org.xenbroker.test --object-path / --method "
                       "org.xenbroker.test.echo hi"),
                HasSubstr("('hi',)"));
    EXPECT_THAT(
        output(
            "dbus-send --system --print-reply --dest=org.xenbroker.test / org.xenbroker.test.echo string:hi"),
        HasSubstr("string \"hi\""));
    EXPECT_THAT(output("busctl --system list"), HasSubstr("org.xenbroker.test"));
}

} // namespace
} // namespace xb::test
