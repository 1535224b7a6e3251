// SPDX-License-Identifier: Apache-2.0
// Clients in other domains, over vchan: a proxy in dom0 listens on a port, and in each domain, which the
// emulator runs, one of its own leads the domain's programs there.
#include "fixture.hpp"

#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/options.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/emulated_hypervisor.hpp"
#include "xen/vchan.hpp"

#include <csignal>
#include <iostream>
#include <set>

#include <fmt/format.h>

namespace xb::test {
namespace {

namespace wire = proxy::wire;

using namespace std::string_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string allowAll = "allow all\n";

class ProxyVchan : public ProxyFixture {
protected:
    struct Domain {
        xen::DomId domid = 0;
        std::string uuid;
    };

    ProxyVchan() : hypervisor(xen::openEmulated(loop.executor(), emulatorDirectory())) {
        writeFileAtomically(directory.path() / "kernel", "not a kernel");
    }
    ~ProxyVchan() override {
        if (HasFailure()) {
            for (const auto& guest : guests)
                std::cerr << "--- messages of a guest's rpc-proxy:\n" << guest->messages();
        }
        guests.clear();
    }

    std::string emulatorDirectory() const { return directory.path() / "emulator"; }
    Domain startDomain() {
        xen::DomainConfig config;
        config.uuid = randomUuid();
        config.name = config.uuid.substr(0, 8);
        config.kernel = directory.path() / "kernel";
        config.memoryKib = 32 * 1024;
        Domain domain{0, config.uuid};
        domain.domid =
            runner.await(hypervisor->create(std::move(config), [](xen::CreateStep, xen::DomId) {}));
        runner.await(hypervisor->unpause(domain.domid));
        return domain;
    }
    /// In dom0.
    void startListening(const std::string& rules, std::vector<std::string> options = {}) {
        writeRules(rules);
        options.insert(options.begin(), {"-i", "vchan:5555"});
        startProxyWith(std::move(options));
    }
    /// In the domain; a D-Bus address for its programs.
    std::string startGuestProxy(const Domain& domain, std::vector<std::string> options = {}) {
        const std::string name = "guest" + std::to_string(guests.size());
        const std::string file = directory.path() / name;
        std::vector<std::string> arguments{RPC_PROXY,
                                           "--log-to",
                                           "stderr",
                                           "-w",
                                           "-i",
                                           "unix:" + file,
                                           "-o",
                                           "vchan:5555:0",
                                           "--hypervisor",
                                           "emulated",
                                           "--emulator-directory",
                                           emulatorDirectory(),
                                           "--emulated-domain",
                                           std::to_string(domain.domid),
                                           "--bus",
                                           "unix:path=/no/such/bus"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        guests.push_back(std::make_unique<Process>(directory.path(), name, arguments));
        EXPECT_TRUE(guests.back()->waitReady()) << guests.back()->messages();
        return "unix:path=" + file;
    }
    std::unique_ptr<Bus> connectTo(const std::string& address) {
        return std::make_unique<Bus>(loop, address);
    }
    static std::string fileOf(const std::string& address) { return address.substr("unix:path="s.size()); }
    std::vector<std::string> namesOnTheBus() {
        Message reply =
            await(dom0->callMethod(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
        std::vector<std::string> names;
        reply >> names;
        return names;
    }
    bool guestSays(const std::string& text) {
        return eventually([&] { return guests.back()->messages().find(text) != std::string::npos; });
    }

    std::unique_ptr<xen::Hypervisor> hypervisor;
    std::vector<std::unique_ptr<Process>> guests; ///< the proxies in domains
};

TEST_F(ProxyVchan, CallsPassOrAreDenied) {
    startListening(basics + "allow inc-method-call destination org.xenbroker.test member echo\n"s);
    const Domain domain = startDomain();
    const auto guest = connectTo(startGuestProxy(domain));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    const std::string large(100'000, 'x'); // many times a ring
    EXPECT_EQ(ask(*guest, "echo", large), large);
    EXPECT_THAT(ask(*guest, "other"), StartsWith(errors::accessDenied));
    EXPECT_TRUE(proxySays(fmt::format("domain {} (connection 1)", domain.domid)));
    EXPECT_THAT(namesOnTheBus(),
                Contains(StartsWith(fmt::format("com.citrix.xenclient.guest.domid_{}.c", domain.domid))));
}

TEST_F(ProxyVchan, ADomainIsWhatTheHypervisorSaysNotWhatItsClientsSay) {
    const Domain one = startDomain();
    const Domain other = startDomain();
    startListening(basics + fmt::format("allow dom-uuid {} member echo\nallow dom-id {} member other\n",
                                        one.uuid, other.domid));
    // They say in their own domain that they are dom0, or the other one, and authenticate as root.
    const auto first = connectTo(startGuestProxy(one, {"-d", std::to_string(other.domid)}));
    const auto second = connectTo(startGuestProxy(other, {"-d", "0"}));
    EXPECT_EQ(ask(*first, "echo"), "hello");
    EXPECT_THAT(ask(*first, "other"), StartsWith(errors::accessDenied));
    EXPECT_THAT(ask(*second, "echo"), StartsWith(errors::accessDenied));
    EXPECT_EQ(ask(*second, "other"), "hello");
}

TEST_F(ProxyVchan, ANewDomainIsNotTheOneBefore) {
    const Domain before = startDomain();
    startListening(basics + "allow dom-uuid "s + before.uuid + " member echo\n");
    EXPECT_EQ(ask(*connectTo(startGuestProxy(before)), "echo"), "hello");
    runner.await(hypervisor->destroy(before.domid));
    const Domain after = startDomain();
    EXPECT_THAT(ask(kept(connectTo(startGuestProxy(after))), "echo"), StartsWith(errors::accessDenied));
}

TEST_F(ProxyVchan, TheDomainOfTheCommandLineHolds) {
    const Domain domain = startDomain();
    startListening(basics + "allow dom-id 7 member echo\n"s, {"-d", "7"});
    const auto guest = connectTo(startGuestProxy(domain));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(namesOnTheBus(), Contains(StartsWith("com.citrix.xenclient.guest.domid_7.c")));
}

TEST_F(ProxyVchan, ManyClientsOfADomainAtOnce) {
    startListening(allowAll);
    const std::string address = startGuestProxy(startDomain());
    std::vector<std::unique_ptr<Bus>> clients;
    for (int i = 0; i < 12; ++i)
        clients.push_back(connectTo(address));
    std::set<std::string> names;
    for (const auto& client : clients)
        names.insert(ask(*client, "whoami"));
    EXPECT_EQ(names.size(), clients.size());
    for (int round = 0; round < 5; ++round) {
        for (const auto& client : clients)
            EXPECT_EQ(ask(*client, "echo"), "hello");
    }
}

TEST_F(ProxyVchan, TheDeathOfADomainEndsItsClientsAlone) {
    startListening(allowAll);
    const Domain dying = startDomain();
    const Domain living = startDomain();
    RawClient client(fileOf(startGuestProxy(dying)));
    client.hello();
    const auto other = connectTo(startGuestProxy(living));
    EXPECT_EQ(ask(*other, "echo"), "hello");
    const std::string name = client.uniqueName();
    ASSERT_TRUE(await(dom0->owner(name)));
    runner.await(hypervisor->destroy(dying.domid));
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(eventually([&] { return !await(dom0->owner(name)); }));
    EXPECT_EQ(ask(*other, "echo"), "hello");
}

TEST_F(ProxyVchan, ClientsComeBackAfterTheProxyOfDom0) {
    startListening(allowAll);
    const std::string address = startGuestProxy(startDomain());
    RawClient client(fileOf(address));
    client.hello();
    proxy->signal(SIGKILL);
    proxy->waitEnd();
    EXPECT_TRUE(client.ended());
    startListening(allowAll);
    EXPECT_EQ(ask(kept(connectTo(address)), "echo"), "hello");
}

TEST_F(ProxyVchan, ADomainHasItsLimitOfConnections) {
    startListening(allowAll, {"--max-clients-per-domain", "2"});
    const std::string address = startGuestProxy(startDomain());
    auto first = connectTo(address);
    auto second = connectTo(address);
    RawClient third(fileOf(address));
    third.authenticate();
    EXPECT_TRUE(third.ended());
    EXPECT_TRUE(guestSays("the limit of a domain is 2"));
    EXPECT_EQ(ask(kept(connectTo(startGuestProxy(startDomain()))), "echo"), "hello")
        << "others have their own";
    const std::string name = ask(*second, "whoami");
    second.reset();
    ASSERT_TRUE(eventually([&] { return !await(dom0->owner(name)); }));
    EXPECT_EQ(ask(kept(connectTo(address)), "echo"), "hello");
    EXPECT_EQ(ask(*first, "echo"), "hello");
}

TEST_F(ProxyVchan, OneThatDoesNotReadSlowsItselfOnly) {
    startListening(allowAll, {"--max-queue-bytes", "65536"});
    const Domain domain = startDomain();
    RawClient slow(fileOf(startGuestProxy(domain, {"--max-queue-bytes", "65536"})));
    slow.hello();
    const auto other = connectTo("unix:path=" + (directory.path() / "guest0").string());
    callWithoutReading(slow, *other);
}

/// A domain's program that speaks for itself.
class VchanClient {
public:
    VchanClient(LoopRunner& runner, std::unique_ptr<xen::VchanStream> stream)
        : runner_(runner), stream_(std::move(stream)) {}

    void send(std::string_view bytes) {
        while (!bytes.empty())
            bytes.remove_prefix(runner_.await(stream_->writeSome(bytes)));
    }
    std::string receiveText(std::size_t size) {
        std::string text(size, '\0');
        std::size_t got = 0;
        while (got < size) {
            const std::size_t more = runner_.await(stream_->readSome(std::span(text).subspan(got)));
            if (more == 0)
                return text.substr(0, got);
            got += more;
        }
        return text;
    }
    std::string receiveLine() {
        std::string line;
        while (!line.ends_with("\r\n")) {
            const std::string next = receiveText(1);
            if (next.empty())
                return line + "(end)";
            line += next;
        }
        return line;
    }
    Received receive() {
        std::string bytes = receiveText(wire::prologueBytes);
        wire::Header header;
        wire::Extent extent{};
        if (wire::readPrologue(bytes, wire::maxMessageBytes, header, extent))
            throw Error("the proxy sent what is no message");
        bytes += receiveText(extent.end - bytes.size());
        return Received(bytes);
    }

private:
    LoopRunner& runner_;
    std::unique_ptr<xen::VchanStream> stream_;
};

TEST_F(ProxyVchan, DescriptorsDoNotCrossDomains) {
    startListening(allowAll);
    const Domain domain = startDomain();
    const auto connector =
        xen::openVchanConnector(loop.executor(), {"emulated", emulatorDirectory(), domain.domid});
    VchanClient client(runner, runner.await(connector->connect(0, 5555, patience)));
    client.send("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\n"s);
    EXPECT_THAT(client.receiveLine(), StartsWith("OK "));
    EXPECT_THAT(client.receiveLine(), StartsWith("ERROR "));
    std::string bytes = "BEGIN\r\n";
    wire::Header hello = wire::methodCall(1, "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
    hello.destination = "org.freedesktop.DBus";
    ASSERT_EQ(wire::appendMessage(bytes, hello, ""), std::nullopt);
    wire::Header call = wire::methodCall(2, "/", serviceName, "echo");
    call.destination = serviceName;
    call.unixFds = 1;
    ASSERT_EQ(wire::appendMessage(bytes, call, ""), std::nullopt);
    client.send(bytes);
    for (;;) {
        const Received message = client.receive();
        if (message.view.replySerial != 2U)
            continue;
        EXPECT_EQ(message.error(), errors::notSupported);
        EXPECT_EQ(message.text(), "descriptors are not passed here");
        break;
    }
    RawClient local(fileOf(startGuestProxy(domain))); // and the proxy of the domain says so itself
    local.send("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\n"s);
    EXPECT_THAT(local.receiveText("\r\n"), StartsWith("OK "));
    EXPECT_THAT(local.receiveText("\r\n"), StartsWith("ERROR "));
}

TEST_F(ProxyVchan, WhatADomainSentLastArrives) {
    startListening(allowAll);
    const std::string address = startGuestProxy(startDomain());
    int heard = 0;
    SignalMatch match;
    match.member = "last";
    const Subscription subscription = dom0->onSignal(match, [&heard](const Message&) { ++heard; });
    {
        RawClient guest(fileOf(address));
        guest.hello();
        const wire::Header header = wire::signal(1, "/", "a.b", "last");
        for (int i = 0; i < 50; ++i)
            guest.sendMessage(header, std::string(1000, 'x'));
    }
    EXPECT_TRUE(runner.waitFor([&heard] { return heard == 50; }));
}

TEST_F(ProxyVchan, TheDomainToConnectToMayBeNamedByItsVm) {
    startListening(allowAll);
    const Domain domain = startDomain();
    const std::string zeros = "00000000-0000-0000-0000-000000000000";
    EXPECT_EQ(ask(kept(connectTo(startGuestProxy(domain, {"-o", "vchan:5555:" + zeros}))), "echo"), "hello");
    const std::string nobody = randomUuid();
    RawClient lost(fileOf(startGuestProxy(domain, {"-o", "vchan:5555:" + nobody})));
    lost.authenticate();
    EXPECT_TRUE(lost.ended());
    EXPECT_TRUE(guestSays("cannot connect to vchan:5555:" + nobody + ": no domain runs with the uuid"));
    // One that runs is found, and the emulator has no rings between domains.
    RawClient other(fileOf(startGuestProxy(domain, {"-o", "vchan:5555:" + startDomain().uuid})));
    other.authenticate();
    EXPECT_TRUE(other.ended());
    EXPECT_TRUE(guestSays("emulated domains connect to domain 0 only"));
}

TEST_F(ProxyVchan, NobodyWhoListensIsToldApartFromNobodyThere) {
    RawClient client(fileOf(startGuestProxy(startDomain(), {"--handshake-timeout", "500"})));
    client.authenticate();
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(guestSays("has not got a connection to the bus within 500 ms"));
}

TEST_F(ProxyVchan, IsRefusedWithWhatToDo) {
    startListening(allowAll);
    const auto refusal = [this](std::vector<std::string> options, int status) {
        options.insert(options.begin(), {RPC_PROXY, "--log-to", "stderr", "-r", rulesFile(), "-o",
                                         "unix:" + fileOf(bus.address())});
        Process process(directory.path(), "refused", std::move(options));
        EXPECT_EQ(process.waitEnd(), status);
        return process.messages();
    };
    const std::vector<std::string> emulated{"--hypervisor", "emulated", "--emulator-directory",
                                            emulatorDirectory()};
    auto options = emulated;
    options.insert(options.end(), {"-i", "vchan:5555"});
    EXPECT_THAT(refusal(options, 1), HasSubstr("vchan port 5555 is taken"));
    options = emulated;
    options.insert(options.end(), {"-w", "-i", "unix:" + socket(), "-o", "vchan:5555:0"});
    EXPECT_THAT(refusal(options, 1), HasSubstr("--emulated-domain"));
    if (!std::filesystem::exists("/dev/xen/evtchn")) {
        EXPECT_THAT(refusal({"-i", "vchan:5555"}, exitNotOnXen),
                    HasSubstr("only --hypervisor emulated works"));
        EXPECT_THAT(refusal({"-w", "-i", "unix:" + socket(), "-o", "vchan:5555:0"}, exitNotOnXen),
                    HasSubstr("no vchan: "));
    }
}

} // namespace
} // namespace xb::test
