// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/options.hpp"

#include "xen/hypervisor_options.hpp"
#include "xen/vchan.hpp"
#include "xen/vchan/messages.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace xb::vchan_proxy {

namespace {

// What libxl calls the ring of a stub domain's QMP.
constexpr std::string_view qmpNode = "/qmp-vchan";
constexpr std::size_t maxMessageBytes = 16 * 1024 * 1024;
constexpr unsigned maxConnectSeconds = 3600;

} // namespace

int Options::descriptor() const {
    int number = -1;
    const char* end = socket.data() + socket.size();
    const auto [last, error] = std::from_chars(socket.data(), end, number);
    return error == std::errc() && last == end && number >= 0 ? number : -1;
}

bool Options::filters() const {
    return qmpFilter == "on" || (qmpFilter == "auto" && !isServer() && node.ends_with(qmpNode));
}

QmpRules Options::qmpRules() const {
    QmpRules rules;
    rules.commands.insert(commands.begin(), commands.end());
    rules.events.insert(events.begin(), events.end());
    rules.limits.messageBytes = messageBytes;
    return rules;
}

void addOptions(CLI::App& app, Options& options) {
    app.add_option("DOMID", options.domid, "the domain at the other end of the vchan")
        ->required()
        ->check(CLI::Range(0, 0x7FEF));
    app.add_option("NODEPATH", options.node, "where the vchan is in xenstore")
        ->required()
        ->check([](const std::string& path) {
            const bool fits = path.starts_with("/") && path.size() <= xen::vchan::maxRingPath;
            return fits ? std::string()
                        : "NODEPATH: an absolute path of at most " + std::to_string(xen::vchan::maxRingPath) +
                              " letters";
        });
    app.add_option("SOCKETPATH", options.socket, "a socket's file, or number of a descriptor")
        ->required()
        ->check([](const std::string& socket) {
            return socket == "-" ? "- is not supported: give a socket" : std::string();
        });
    app.add_option("-m,--mode", options.mode, "of the vchan")
        ->check(CLI::IsMember({"client", "server"}))
        ->capture_default_str();
    app.add_option("-s,--state-path", options.statePath, "says \"running\" in xenstore when ready")
        ->type_name("PATH");
    app.add_flag("-v,--verbose", options.verbose, "as --log-level debug");
    app.add_flag("--qmp-filter{on}", options.qmpFilter, "=on, =off; auto: for .../qmp-vchan")
        ->check(CLI::IsMember({"auto", "on", "off"}));
    app.add_option("--allow-command", options.commands, "also passes")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--allow-event", options.events, "also passes")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--max-message", options.messageBytes, "of QMP, in bytes")
        ->type_name("BYTES")
        ->check(CLI::Range(std::size_t{64}, maxMessageBytes))
        ->capture_default_str();
    app.add_option("--ring-size", options.ringBytes, "each way, as server")
        ->type_name("BYTES")
        ->check(CLI::Range(xen::minVchanRingSize, xen::maxVchanRingSize))
        ->capture_default_str();
    app.add_option("--connect-limit", options.connectSeconds, "seconds to wait for the vchan")
        ->type_name("S")
        ->check(CLI::Range(1U, maxConnectSeconds))
        ->capture_default_str();
    xen::addHypervisorOptions(app, options.hypervisor);
    app.add_option("--emulated-domain", options.emulatedDomain)
        ->check(CLI::Range(0, 0x7FEF))
        ->group(""); // for the emulator alone: docs/vchan.md
    addLogOptions(app, options.common);
}

} // namespace xb::vchan_proxy
