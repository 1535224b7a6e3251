// SPDX-License-Identifier: Apache-2.0
// rpc-proxy, the filter between domains: leads D-Bus clients of one domain to the bus of another, and lets
// through what the rules allow.
#include "rpc-proxy/browser/auto_auth_stream.hpp"
#include "rpc-proxy/browser/browser_channel.hpp"
#include "rpc-proxy/browser/json_bus_stream.hpp"
#include "rpc-proxy/channels/connector.hpp"
#include "rpc-proxy/channels/listen.hpp"
#include "rpc-proxy/identity.hpp"
#include "rpc-proxy/method_types.hpp"
#include "rpc-proxy/options.hpp"
#include "rpc-proxy/own_name.hpp"
#include "rpc-proxy/relay/relay.hpp"
#include "rpc-proxy/rules_commands.hpp"
#include "rpc-proxy/rules_in_force.hpp"
#include "rpc-proxy/service.hpp"
#include "rpc-proxy/vm_rules.hpp"
#include "rpc-proxy/well_known_names.hpp"
#include "rpc-proxy/xenmgr_properties.hpp"
#include "toolstack/control/control.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <optional>

namespace {

namespace proxy = xb::proxy;

void reload(proxy::RulesInForce& rules, const std::filesystem::path& file) {
    try {
        rules.reload();
        xb::log::info("the rules of {} are in force", file.string());
    } catch (const xb::Error& e) {
        xb::log::error("the rules stay as they were:\n{}", e.what());
    }
}

// Browsers are told that this ends, and have a moment to take what is left for them.
xb::Task<> takeLeave(xb::Loop& loop, proxy::Relay& relay, proxy::BrowserChannel& browsers) {
    xb::notifyStopping();
    relay.endAll();
    co_await browsers.allGone();
    loop.stop();
}

xb::Task<std::unique_ptr<proxy::Stream>> connectForJson(xb::Executor executor, proxy::Connect connect,
                                                        proxy::JsonBusLimits limits) {
    auto stream = co_await connect();
    co_return std::make_unique<proxy::JsonBusStream>(executor, std::move(stream), limits);
}

proxy::Connect speakingJson(const xb::Executor& executor, const proxy::RelayOptions& relay) {
    proxy::JsonBusLimits limits;
    limits.textBytes = relay.limits.messageBytes;
    limits.messageBytes = relay.limits.messageBytes;
    limits.queueBytes = relay.limits.queueBytes;
    return [executor, connect = relay.connect, limits] { return connectForJson(executor, connect, limits); };
}

int serve(const proxy::Options& options, const std::filesystem::path& rulesFile) {
    proxy::Settings settings = proxy::settingsOf(options);
    xb::Loop loop;
    std::optional<xb::Bus> bus;
    std::optional<proxy::RulesInForce> rules;
    std::optional<proxy::XenmgrProperties> xenmgr;
    std::optional<proxy::VmRules> vmRules;
    proxy::VmProperties* properties = nullptr;
    std::optional<proxy::WellKnownNames> names;
    std::optional<proxy::MethodTypes> types;
    std::optional<proxy::BrowserChannel> browsers;
    if (settings.filters || options.server || options.translate || settings.browser) {
        bus.emplace(loop, settings.bus);
        if (settings.relay.guestNames)
            proxy::takeOwnName(*bus);
    }
    if (settings.filters || options.server)
        properties = &xenmgr.emplace(*bus);
    if (properties != nullptr && !options.noVmRules)
        properties = &vmRules.emplace(*bus, *properties, [&rules](const std::string& uuid, auto ofVm) {
            rules->setVm(uuid, std::move(ofVm));
        });
    if (options.translate) {
        names.emplace(*bus);
        settings.relay.translate = [&names](std::string_view unique) { return names->of(unique); };
    }
    if (settings.browser) {
        types.emplace(*bus, options.types);
        browsers.emplace(loop.executor(), *settings.browser,
                         [&types](std::string destination, std::string path) {
                             return types->of(std::move(destination), std::move(path));
                         });
    }
    const proxy::Over over = [&loop](const std::string& why) {
        if (why.empty())
            xb::log::info("the conversation is over");
        else
            xb::log::error("no clients can come any more: {}", why);
        loop.stop(why.empty() ? 0 : xb::exitFailure);
    };
    settings.relay.connect =
        proxy::makeConnect(loop.executor(), settings.relay.outgoing, settings.listening.vchan,
                           settings.relay.limits.handshake, [over] { over(""); });
    if (settings.jsonOut)
        settings.relay.connect = speakingJson(loop.executor(), settings.relay);
    proxy::Identity identity(loop.executor(), options.hypervisor);
    proxy::Relay relay(
        loop.executor(), settings.relay, [&identity](std::uint32_t domid) { return identity.of(domid); },
        properties);
    if (settings.relay.firewall || options.server) {
        rules.emplace(rulesFile, [&relay](auto set) { relay.setRules(std::move(set)); });
        relay.setRules(rules->get());
    }
    auto listener = proxy::listen(loop.executor(), settings.incoming, settings.listening, over);
    listener->start([&relay, &settings, &browsers](proxy::Arrival arrival) {
        if (browsers)
            arrival = browsers->take(std::move(arrival));
        else if (settings.autoAuth)
            arrival.stream = std::make_unique<proxy::AutoAuthStream>(std::move(arrival.stream));
        const std::uint32_t domid = settings.domid.value_or(arrival.domid.value_or(0));
        relay.accept(std::move(arrival), domid);
    });
    loop.onSignals({SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
        if (signal == SIGHUP) {
            if (rules)
                reload(*rules, rulesFile);
            return;
        }
        const bool first = std::exchange(listener, nullptr) != nullptr;
        if (first && browsers)
            loop.spawn("taking leave of browsers", takeLeave(loop, relay, *browsers));
        else
            loop.stop();
    });
    std::optional<proxy::Service> service;
    if (options.server) {
        service.emplace(*bus, *rules, identity, properties, relay);
        xb::exportControl(*bus);
        bus->requestName(proxy::serviceName);
    }
    xb::notifyReady();
    xb::log::info("leading clients of {} to {}{}", settings.incoming.text(), settings.relay.outgoing.text(),
                  settings.relay.firewall ? "" : ", without rules");
    return loop.run();
}

int run(const proxy::Options& options) {
    if (!options.checkRules.empty()) {
        fmt::print("{}", proxy::checkRules(options.checkRules));
        return 0;
    }
    const auto rulesFile = xb::below(options.common.root, options.rules);
    if (!options.explain.empty()) {
        fmt::print("{}", proxy::explainMessage(rulesFile, options.explain));
        return 0;
    }
    try {
        return serve(options, rulesFile);
    } catch (const xb::xen::NotOnXen& e) {
        xb::log::error("{}", e.what());
        return xb::exitNotOnXen;
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Leads D-Bus clients of other domains to a bus; lets through what rules allow.",
                 "rpc-proxy");
    proxy::Options options;
    proxy::addOptions(app, options);
    return xb::runProgram("rpc-proxy", app, options.common, argc, argv, [&options] { return run(options); });
}
