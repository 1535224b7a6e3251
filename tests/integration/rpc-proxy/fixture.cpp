// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/control_protocol.hpp"

#include <iostream>

namespace xb::test {

const InterfaceInfo& TestService::info() const {
    static constexpr MethodInfo methods[] = {{"echo", "s", "s", &TestService::echo},
                                             {"other", "s", "s", &TestService::echo},
                                             {"silent", "s", "s", &TestService::silent},
                                             {"whoami", "s", "s", &TestService::whoami}};
    static constexpr InterfaceInfo info{serviceName, methods, {}, "", {}};
    return info;
}

Task<> TestService::readProperty(std::size_t, Caller, PropertySink&) {
    throw Error(errors::unknownProperty, "there are no properties");
}

Task<> TestService::writeProperty(std::size_t, Caller, PropertyValue) {
    throw Error(errors::unknownProperty, "there are no properties");
}

Task<> TestService::echo(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
    const auto [text] = call->arguments<std::string>();
    call->reply(text);
    co_return;
}

Task<> TestService::whoami(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
    call->reply(call->caller().uniqueName);
    co_return;
}

Task<> TestService::silent(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call) {
    static_cast<TestService&>(*self).unanswered.push_back(std::move(call));
    co_return;
}

ProxyFixture::ProxyFixture() {
    log::setLevel("warning");
    const std::string emulatorDirectory = directory.path() / "emulator";
    emulator = std::make_unique<Process>(
        directory.path(), "emulator",
        std::vector<std::string>{XEN_EMULATOR, "--directory", emulatorDirectory, "--log-to", "stderr"});
    if (!emulator->waitReady())
        throw Error("no emulator: " + emulator->messages());
    xenstore = xen::connectXenStore(loop.executor(), xen::emulated::xenstoreSocketPath(emulatorDirectory));
    const std::string vm = std::string("/vm/") + uuid;
    runner.await(xenstore->write(vm + "/uuid", uuid));
    runner.await(xenstore->write("/local/domain/7/vm", vm));
    dom0 = std::make_unique<Bus>(loop, bus.address());
    service = std::make_shared<TestService>();
    dom0->objects().add("/", service);
    dom0->requestName(serviceName);
}

ProxyFixture::~ProxyFixture() {
    if (HasFailure() && proxy)
        std::cerr << "--- messages of rpc-proxy:\n" << proxy->messages();
    service->unanswered.clear();
    xenstore.reset();
}

void ProxyFixture::writeRules(const std::string& rules) {
    writeFileAtomically(rulesFile(), rules);
}

void ProxyFixture::startProxy(const std::string& rules, std::vector<std::string> options) {
    writeRules(rules);
    options.insert(options.begin(), {"-d", "7"});
    startProxyWith(std::move(options));
}

void ProxyFixture::startProxyWith(std::vector<std::string> options) {
    std::vector<std::string> arguments{RPC_PROXY,
                                       "--log-to",
                                       "stderr",
                                       "--hypervisor",
                                       "emulated",
                                       "--emulator-directory",
                                       directory.path() / "emulator",
                                       "-i",
                                       "unix:" + socket(),
                                       "-o",
                                       "unix:" + bus.address().substr(std::string("unix:path=").size()),
                                       "-r",
                                       rulesFile()};
    if (!vmRules)
        arguments.emplace_back("--no-vm-rules");
    arguments.insert(arguments.end(), options.begin(), options.end());
    proxy = std::make_unique<Process>(directory.path(), "proxy", arguments);
    ASSERT_TRUE(proxy->waitReady()) << proxy->messages();
}

bool ProxyFixture::proxySays(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        if (proxy->messages().find(text) != std::string::npos)
            return true;
        loop.context().restart();
        loop.context().run_one_for(std::chrono::milliseconds(5)); // a file has no event
    }
    return false;
}

std::string ProxyFixture::ask(Bus& client, const std::string& member, const std::string& text,
                              const std::string& destination) {
    try {
        Message reply = await(client.callMethod(destination, "/", serviceName, member, text));
        std::string answer;
        reply >> answer;
        return answer;
    } catch (const Error& e) {
        return e.name() + ": " + e.what();
    }
}

std::string ProxyFixture::askDriver(Bus& client, const std::string& member, const std::string& argument) {
    try {
        await(client.callMethod(Bus::driverName, Bus::driverPath, Bus::driverName, member, argument));
        return "none";
    } catch (const Error& e) {
        return e.name() + ": " + e.what();
    }
}

void ProxyFixture::callWithoutReading(RawClient& slow, Bus& other) {
    namespace wire = xb::proxy::wire;
    std::string call;
    wire::Header header = wire::methodCall(1000, "/", "org.freedesktop.DBus.Introspectable", "Introspect");
    header.destination = "org.freedesktop.DBus";
    ASSERT_EQ(wire::appendMessage(call, header, ""), std::nullopt);
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += call;
    std::size_t sent = 0;
    for (int blocked = 0; blocked < 3;) {
        const std::size_t now = slow.trySend(std::string_view(many).substr(sent % call.size()));
        sent += now;
        blocked = now == 0 ? blocked + 1 : 0;
        ASSERT_LT(sent, 100U << 20) << "it goes on and on";
        EXPECT_EQ(ask(other, "echo"), "hello");
    }
}

} // namespace xb::test
