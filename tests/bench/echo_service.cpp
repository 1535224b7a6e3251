// SPDX-License-Identifier: Apache-2.0
// The yardstick of the measurements: a service with one method that returns its string. Through the bus layer
// that all daemons use, or with --bare on nothing but sd-bus, which shows what the layer costs. Serves until
// the bus goes away.
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/options.hpp"

#include <CLI/CLI.hpp>
#include <systemd/sd-bus.h>

namespace {

class Echo : public xb::Interface {
public:
    const xb::InterfaceInfo& info() const override {
        static constexpr xb::MethodInfo methods[] = {{"echo", "s", "s", &Echo::echo}};
        static constexpr xb::InterfaceInfo info{"org.xenbroker.bench", methods, {}, "", {}};
        return info;
    }
    xb::Task<> readProperty(std::size_t, xb::Caller, xb::PropertySink&) override {
        throw xb::Error(xb::errors::unknownProperty, "the echo service has no properties");
    }
    xb::Task<> writeProperty(std::size_t, xb::Caller, xb::PropertyValue) override {
        throw xb::Error(xb::errors::unknownProperty, "the echo service has no properties");
    }

private:
    static xb::Task<> echo(std::shared_ptr<xb::Interface>, std::shared_ptr<xb::IncomingCall> call) {
        const auto [text] = call->arguments<std::string>();
        call->reply(text);
        co_return;
    }
};

int serve(const std::string& address, const std::string& name) {
    xb::Loop loop;
    xb::Bus bus(loop, address);
    bus.objects().add("/", std::make_shared<Echo>());
    bus.requestName(name);
    xb::notifyReady();
    return loop.run();
}

int bareEcho(sd_bus_message* call, void*, sd_bus_error*) {
    const char* text = nullptr;
    const int r = sd_bus_message_read(call, "s", &text);
    return r < 0 ? r : sd_bus_reply_method_return(call, "s", text);
}

void check(int result, const char* what) {
    if (result < 0)
        throw xb::systemError(what, -result);
}

int serveBare(const std::string& address, const std::string& name) {
    static const sd_bus_vtable table[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_METHOD("echo", "s", "s", bareEcho, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};
    sd_bus* bus = nullptr;
    check(sd_bus_new(&bus), "sd_bus_new");
    check(sd_bus_set_address(bus, address.c_str()), "sd_bus_set_address");
    check(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client");
    check(sd_bus_start(bus), "sd_bus_start");
    check(sd_bus_add_object_vtable(bus, nullptr, "/", "org.xenbroker.bench", table, nullptr), "the vtable");
    check(sd_bus_request_name(bus, name.c_str(), 0), "sd_bus_request_name");
    xb::notifyReady();
    for (;;) {
        const int r = sd_bus_process(bus, nullptr);
        if (r == 0)
            check(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
        else if (r < 0)
            return xb::exitBusLost;
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("bench_echo_service: returns what it is sent; for measurements");
    xb::CommonOptions common;
    bool bare = false;
    xb::addCommonOptions(app, common, false);
    std::string name;
    app.add_flag("--bare", bare, "sd-bus alone");
    app.add_option("--name", name, "its name on the bus")->required();
    return xb::runProgram("bench_echo_service", app, common, argc, argv,
                          [&] { return bare ? serveBare(common.bus, name) : serve(common.bus, name); });
}
