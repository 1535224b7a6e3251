// SPDX-License-Identifier: Apache-2.0
// vchan-socket-proxy: relays a local socket to a vchan, and keeps a stub domain's device model from confusing
// the toolstack. libxl can start it in place of Xen's program of this name.
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/vchan-socket-proxy/options.hpp"
#include "toolstack/vchan-socket-proxy/proxy.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulated_rings.hpp"
#include "xen/vchan/domains.hpp"
#include "xen/vchan_xen/xen_rings.hpp"

#include <CLI/CLI.hpp>
#include <csignal>

namespace {

namespace proxy = xb::vchan_proxy;
namespace xen = xb::xen;

proxy::ProxySettings settingsOf(const proxy::Options& options) {
    proxy::ProxySettings settings;
    settings.server = options.isServer();
    settings.domid = options.domid;
    settings.node = options.node;
    settings.descriptor = options.descriptor();
    if (settings.descriptor < 0)
        settings.socketFile = options.socket;
    settings.statePath = options.statePath;
    settings.ringSize = options.ringBytes;
    settings.connectLimit = std::chrono::seconds(options.connectSeconds);
    if (options.filters())
        settings.passages = [rules = options.qmpRules(), server = options.isServer()] {
            return proxy::filtered(rules, server);
        };
    return settings;
}

xb::Task<> serve(xb::Loop& loop, proxy::Proxy& relays) {
    try {
        co_await relays.run([] { xb::notifyReady(); });
        loop.stop();
    } catch (const std::exception& e) {
        xb::log::error("{}", e.what());
        loop.stop(xb::exitFailure);
    }
}

xb::Task<> end(xb::Loop& loop, proxy::Proxy& relays) {
    try {
        co_await relays.stop();
    } catch (const std::exception& e) { // the node may be in a tree that is gone
        xb::log::debug("{}", e.what());
    }
    loop.stop();
}

int serveWith(const proxy::Options& options) {
    const bool emulated = options.hypervisor.kind == "emulated";
    const auto& directory = options.hypervisor.emulatorDirectory;
    if (emulated && directory.empty())
        throw xb::Error(xb::errors::invalidArgs, "the emulated hypervisor needs --emulator-directory");
    const auto reason = emulated             ? std::string()
                        : options.isServer() ? xen::vchan::whyNoServer("/")
                                             : xen::vchan::whyNoConnector("/");
    if (!reason.empty())
        throw xen::NotOnXen("no vchan: " + reason);
    xb::Loop loop;
    const auto store = std::make_shared<xen::XenStoreClient>(
        loop.executor(), emulated ? xen::emulated::xenstoreSocketPath(directory) : "");
    const auto rings = emulated
                           ? xen::vchan::makeEmulatedRings(loop.executor(), directory, options.emulatedDomain)
                           : xen::vchan::makeXenRings(loop.executor(), store);
    proxy::Proxy relays(loop.executor(), settingsOf(options), rings, store);
    // xenvchan itself does not notice that a domain has died.
    const auto domains = std::make_shared<xen::vchan::Domains>(
        loop.executor(), store, [](xen::DomId) {},
        [&relays](xen::DomId domid) { relays.domainIsGone(domid); });
    if (options.domid != 0 && !emulated)
        loop.spawn("watching domains", xen::vchan::Domains::start(domains));
    // libxl ends it with SIGHUP.
    loop.onSignals({SIGTERM, SIGINT, SIGHUP}, [&](int) { loop.spawn("ending", end(loop, relays)); });
    loop.spawn("proxy", serve(loop, relays));
    const int status = loop.run();
    domains->stop();
    return status;
}

int run(const proxy::Options& options) {
    if (options.verbose)
        xb::log::setLevel("debug");
    try {
        return serveWith(options);
    } catch (const xen::NotOnXen& e) {
        xb::log::error("{}", e.what());
        return xb::exitNotOnXen;
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Relays a local socket to a vchan; filters QMP.", "vchan-socket-proxy");
    proxy::Options options;
    proxy::addOptions(app, options);
    return xb::runProgram("vchan-socket-proxy", app, options.common, argc, argv,
                          [&options] { return run(options); });
}
