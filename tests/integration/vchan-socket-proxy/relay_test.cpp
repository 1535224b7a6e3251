// SPDX-License-Identifier: Apache-2.0
// The proxy as server in dom0, in front of a device model that the test plays, and as client in an emulated
// domain, where the test is the toolstack. (Emulated domains open dom0's rings only; who filters does not
// depend on that.)
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulated_hypervisor.hpp"
#include "xen/emulated/emulator_control.hpp"
#include "xen/xenstore_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/local/stream_protocol.hpp>

#include <csignal>
#include <sys/stat.h>

namespace xb::test {
namespace {

using Protocol = asio::local::stream_protocol;
using testing::HasSubstr;

const std::string greeting = "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n";
const std::string question = "{\"execute\":\"query-status\",\"id\":1}\r\n";
const std::string state = "/local/domain/0/qmp-state";

timeval patienceOfSockets() {
    return {patience.count(), 0};
}

class VchanProxy : public testing::Test {
protected:
    VchanProxy()
        : emulator(XEN_EMULATOR), hypervisor(xen::openEmulated(loop.executor(), emulator.directory())),
          model(context, Protocol::endpoint(file("model"))) {
        writeFileAtomically(file("kernel"), "not a kernel");
        xen::DomainConfig config;
        config.uuid = randomUuid();
        config.name = "stub";
        config.kernel = file("kernel");
        config.memoryKib = 32 * 1024;
        domid = runner.await(hypervisor->create(std::move(config), [](xen::CreateStep, xen::DomId) {}));
        runner.await(hypervisor->unpause(domid));
    }

    std::string file(const std::string& name) const { return directory.path() / name; }
    std::unique_ptr<Process> start(const std::string& name, std::vector<std::string> options, xen::DomId peer,
                                   const std::string& socket) {
        std::vector<std::string> arguments{VCHAN_PROXY,         "--log-to", "stderr",
                                           "--hypervisor",      "emulated", "--emulator-directory",
                                           emulator.directory()};
        arguments.insert(arguments.end(), options.begin(), options.end());
        arguments.insert(arguments.end(), {std::to_string(peer), "/local/domain/0/qmp", file(socket)});
        auto process = std::make_unique<Process>(directory.path(), name, arguments);
        EXPECT_TRUE(process->waitReady()) << process->messages();
        return process;
    }
    void startBoth(std::vector<std::string> options) {
        server = start("server", {"--mode=server"}, domid, "model");
        options.insert(options.end(), {"--state-path=" + state, "--emulated-domain", std::to_string(domid)});
        client = start("client", options, 0, "toolstack");
    }
    struct Ends {
        Protocol::socket toolstack;
        Protocol::socket model;
    };
    Ends connect() {
        Protocol::socket one(context);
        one.connect(Protocol::endpoint(file("toolstack")));
        Protocol::socket other = model.accept();
        for (auto* socket : {&one, &other}) {
            const timeval limit = patienceOfSockets();
            ::setsockopt(socket->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        }
        return {std::move(one), std::move(other)};
    }
    static void send(Protocol::socket& socket, const std::string& text) {
        ASSERT_EQ(::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// That many bytes; fewer at the end of the stream.
    static std::string receive(Protocol::socket& socket, std::size_t size) {
        std::string text(size, '\0');
        const auto got = ::recv(socket.native_handle(), text.data(), size, MSG_WAITALL);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }
    static void pass(Protocol::socket& from, Protocol::socket& to, const std::string& text) {
        send(from, text);
        EXPECT_EQ(receive(to, text.size()), text);
    }

    Loop loop;
    LoopRunner runner{loop};
    TemporaryDirectory directory;
    xen::EmulatorControl emulator;
    std::unique_ptr<xen::Hypervisor> hypervisor;
    asio::io_context context;
    Protocol::acceptor model;
    xen::DomId domid = 0;
    std::unique_ptr<Process> server;
    std::unique_ptr<Process> client;
};

TEST_F(VchanProxy, RelaysBothWaysAgainAndAgainAndCleansUp) {
    startBoth({});
    EXPECT_EQ(runner.await(hypervisor->store().read(state)), "running");
    struct stat found {};
    ASSERT_EQ(::stat(file("toolstack").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
    for (int i = 0; i < 3; ++i) {
        auto ends = connect();
        pass(ends.toolstack, ends.model, std::string(50000, 'a'));
        pass(ends.model, ends.toolstack, std::string(50000, 'b'));
        (i == 1 ? ends.model : ends.toolstack).close();
        EXPECT_EQ(receive(i == 1 ? ends.toolstack : ends.model, 1), "");
    }
    client->signal(SIGHUP); // as libxl does
    EXPECT_EQ(client->waitEnd(), 0) << client->messages();
    EXPECT_NE(::stat(file("toolstack").c_str(), &found), 0);
    EXPECT_EQ(runner.await(hypervisor->store().read(state)), std::nullopt);
    client = start("again", {"--emulated-domain", std::to_string(domid)}, 0, "toolstack");
    auto ends = connect();
    pass(ends.toolstack, ends.model, "still there");
    server->signal(SIGTERM);
    EXPECT_EQ(server->waitEnd(), 0) << server->messages();
    EXPECT_EQ(receive(ends.toolstack, 1), "");
}

TEST_F(VchanProxy, QmpIsFiltered) {
    startBoth({"--qmp-filter"});
    {
        auto ends = connect();
        pass(ends.model, ends.toolstack, greeting);
        pass(ends.toolstack, ends.model, question);
        pass(ends.model, ends.toolstack, "{\"return\":{},\"id\":1}\r\n");
        send(ends.model, "{\"return\":{},\"id\":1}\r\n"); // nobody asked
        EXPECT_EQ(receive(ends.toolstack, 1), "");
        EXPECT_EQ(receive(ends.model, 1), "");
    }
    {
        auto ends = connect();
        pass(ends.model, ends.toolstack, greeting);
        send(ends.toolstack, "{\"execute\":\"migrate\"}\r\n");
        EXPECT_EQ(receive(ends.model, 1), "");
    }
    auto ends = connect();
    pass(ends.model, ends.toolstack, greeting);
    EXPECT_THAT(client->messages(), HasSubstr("it answers what was not asked"));
    EXPECT_THAT(client->messages(), HasSubstr("the command migrate is not allowed"));
}

} // namespace
} // namespace xb::test
