// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/options.hpp"

#include "rpc-proxy/relay/client_names.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/hypervisor_options.hpp"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace xb::proxy {

namespace {

// A UUID, to see what comes of a name.
constexpr auto nobody = "00000000-0000-0000-0000-000000000000";

template <class Value>
CLI::Option* addLast(CLI::App& app, const char* names, Value& value, const char* text) {
    return app.add_option(names, value, text)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void addLimits(CLI::App& app, Options& options) {
    RelayLimits& limits = options.limits;
    auto* group = app.add_option_group("Limits");
    group->add_option("--max-clients", options.clients, "clients at once")
        ->check(CLI::PositiveNumber)
        ->default_str(fmt::format("{}", limits.clients));
    group->add_option("--max-clients-per-domain", options.clientsPerDomain, "of them from one domain")
        ->check(CLI::PositiveNumber)
        ->default_str(fmt::format("{}", limits.clientsPerDomain));
    group->add_option("--max-message-bytes", limits.messageBytes, "size of one message")
        ->check(CLI::Range(std::uint32_t{1024}, wire::maxMessageBytes))
        ->capture_default_str();
    group->add_option("--max-queue-bytes", limits.queueBytes, "what waits for one side that does not read")
        ->capture_default_str();
    group->add_option("--max-pending-calls", limits.pendingCalls, "unanswered calls of one client")
        ->capture_default_str();
    group->add_option("--vchan-ring-bytes", options.vchanRingBytes, "memory of a vchan, each way")
        ->check(CLI::Range(xen::minVchanRingSize, xen::maxVchanRingSize))
        ->type_name("N")
        ->capture_default_str();
    group
        ->add_option_function<unsigned>(
            "--handshake-timeout",
            [&limits](unsigned ms) { limits.handshake = std::chrono::milliseconds(ms); },
            "from connecting to the end of Hello")
        ->type_name("MS")
        ->default_str(fmt::format("{}", limits.handshake.count()));
}

CLI::Option* addMilliseconds(CLI::App& app, const char* name, std::chrono::milliseconds& time,
                             const char* text) {
    return app
        .add_option_function<unsigned>(
            name, [&time](unsigned ms) { time = std::chrono::milliseconds(ms); }, text)
        ->type_name("MS")
        ->default_str(fmt::format("{}", time.count()));
}

void addBrowsers(CLI::App& app, Options& options) {
    WebSocketOptions& socket = options.browser.socket;
    auto* group = app.add_option_group("Browsers");
    group
        ->add_option("--allow-origin", socket.access.origins,
                     "pages that may connect besides those of this machine and of the same host")
        ->type_name("ORIGIN");
    group->add_option("--allow-host", socket.access.hosts, "names of this machine that browsers may use")
        ->type_name("NAME");
    group->add_option("--max-text-bytes", socket.messageBytes, "size of one JSON message of a browser")
        ->check(CLI::Range(std::size_t{1024}, std::size_t{wire::maxMessageBytes}))
        ->capture_default_str();
    group->add_option("--max-request-bytes", socket.requestBytes, "size of the HTTP request of a browser")
        ->check(CLI::Range(256U, 1U << 20))
        ->capture_default_str();
    group->add_option("--max-cached-objects", options.types.objects, "objects whose methods are remembered")
        ->capture_default_str();
    group->add_option("--max-cached-bytes", options.types.bytes, "memory for that")->capture_default_str();
    addMilliseconds(*group, "--idle-timeout", options.browser.idle,
                    "until a silent browser is asked whether it is there, and then for its answer; 0: never");
    addMilliseconds(*group, "--farewell-timeout", socket.farewell,
                    "for a browser to take what is left for it");
    addMilliseconds(*group, "--introspection-timeout", options.types.time,
                    "for an object to tell its methods");
}

std::pair<std::string, std::string> ownName(const std::string& text) {
    const std::size_t colon = text.find(':');
    std::string type = colon == std::string::npos ? "" : text.substr(0, colon);
    std::string name = colon == std::string::npos ? text : text.substr(colon + 1);
    if (name.empty() || name == "*")
        throw Error(errors::invalidArgs,
                    fmt::format("--own-name {}: [TYPE:]NAME is meant, where NAME may end "
                                "in * but is not just that",
                                text));
    return {std::move(type), std::move(name)};
}

mode_t modeOf(const std::string& text) {
    unsigned mode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (error != std::errc() || end != text.data() + text.size() || mode > 0777)
        throw Error(errors::invalidArgs,
                    fmt::format("--socket-mode {}: an octal number up to 0777 is meant", text));
    return mode;
}

// What a path is in a D-Bus address.
std::string busAddress(const std::string& file) {
    std::string address = "unix:path=";
    for (const char c : file) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-_/.\\*").find(c) != std::string_view::npos;
        address += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    return address;
}

void refuseNonsense(const Options& options) {
    const std::pair<bool, const char*> nonsense[] = {
        {options.websocketsIn && !options.jsonIn,
         "--websockets-in without --json-in: WebSockets carry JSON, say both"},
        {options.websocketsIn && !options.autoAuth,
         "--websockets-in without --auto-auth: browsers cannot authenticate, say both"},
        {options.sendUuid && options.autoAuth,
         "--uuid with --auto-auth: it is told in the authentication, which there is none of"},
    };
    for (const auto& [said, text] : nonsense) {
        if (said)
            throw Error(errors::invalidArgs, text);
    }
}

// Who a client is comes from its transport, or from -d. A unix socket is for programs of this domain, unless
// it is said otherwise.
void decideWhoIsFiltered(const Options& options, Settings& settings) {
    const Channel::Kind kind = settings.incoming.kind;
    const std::string channel = settings.incoming.text();
    settings.filters = false;
    if (options.noFirewall)
        return;
    if (kind == Channel::Kind::vchan && !options.domid)
        settings.filters = true;
    else if (options.domid)
        settings.filters = *options.domid != 0;
    else if (kind != Channel::Kind::unixSocket)
        throw Error(errors::invalidArgs,
                    fmt::format("channel {}: nothing tells which domain such clients belong "
                                "to: say so with -d N",
                                channel));
    if (!settings.filters && kind != Channel::Kind::unixSocket)
        log::warn("channel {}: everybody who can connect counts as dom0, for which there are no rules",
                  channel);
}

} // namespace

void addOptions(CLI::App& app, Options& options) {
    addCommonOptions(app, options.common, true);
    addLast(app, "-i,-l,--incoming-channel,--listen-channel", options.incoming, "of clients")
        ->type_name("CHANNEL")
        ->capture_default_str();
    addLast(app, "-o,-f,--outgoing-channel,--forward-channel", options.outgoing, "where they are led")
        ->type_name("CHANNEL");
    addLast(app, "-d,--incoming-domain", options.domid, "the domain that all clients belong to")
        ->type_name("N")
        ->check(CLI::Range(0, 0x7FEF));
    app.add_flag("-v,--verbose", options.verbose, "logs what passes, too");
    addLast(app, "-r,--rules", options.rules, "the rules")->type_name("FILE")->capture_default_str();
    addLast(app, "-n,--request-name", options.requestName, "the name that clients get when they ask for one")
        ->type_name("NAME");
    app.add_flag("-s,--server", options.server, "serves com.citrix.xenclient.rpc_proxy");
    app.add_flag("-w,--no-firewall", options.noFirewall, "lets everything through");
    app.add_flag("--no-vm-rules", options.noVmRules, "there is no database with rules of VMs");
    app.add_flag("-u,--uuid", options.sendUuid, "tells clients their UUID");
    app.add_flag("--owner-name", options.ownerName, "GetNameOwner answers the name itself");
    app.add_flag("--translate-anonymous-dests", options.translate,
                 "well-known names in place of unique ones");
    app.add_flag("--json-in", options.jsonIn, "clients speak JSON");
    app.add_flag("--json-out", options.jsonOut, "JSON is spoken to the bus");
    app.add_flag("--websockets-in", options.websocketsIn, "clients speak WebSocket");
    app.add_flag("--auto-auth", options.autoAuth, "clients do not authenticate");
    addLast(app, "--socket-mode", options.socketMode, "of the file of unix:FILE")
        ->type_name("OCTAL")
        ->capture_default_str();
    app.add_option("--own-name", options.ownNames, "a name that guests may own (of VMs of that type)")
        ->type_name("NAME");
    addLast(app, "--check-rules", options.checkRules, "says what is suspicious in FILE, and ends")
        ->type_name("FILE");
    addLast(app, "--explain", options.explain, "says which rule decides about a message, and ends")
        ->type_name("MESSAGE");
    xen::addHypervisorOptions(app, options.hypervisor);
    addLast(app, "--emulated-domain", options.emulatedDomain, "the emulated domain that this runs in")
        ->type_name("N")
        ->check(CLI::Range(0, 0x7FEF))
        ->group(""); // for the emulator alone: docs/vchan.md
    addLimits(app, options);
    addBrowsers(app, options);
}

Settings settingsOf(const Options& options) {
    refuseNonsense(options);
    Settings settings;
    settings.incoming = listenChannel(options.incoming);
    settings.relay.outgoing = connectChannel(options.outgoing);
    settings.domid = options.domid;
    decideWhoIsFiltered(options, settings);
    settings.listening.socket.mode = modeOf(options.socketMode);
    settings.listening.vchan.kind = options.hypervisor.kind;
    settings.listening.vchan.emulatorDirectory = options.hypervisor.emulatorDirectory;
    settings.listening.vchan.ownDomid = options.emulatedDomain;
    settings.listening.vchanLimits.ringSize = options.vchanRingBytes;
    settings.listening.vchanLimits.handshakeTime = options.limits.handshake;
    settings.bus = options.common.bus;
    if (settings.bus.empty() && settings.relay.outgoing.kind == Channel::Kind::unixSocket)
        settings.bus = busAddress(settings.relay.outgoing.file);
    settings.relay.firewall = !options.noFirewall;
    settings.relay.verbose = options.verbose;
    settings.relay.guestNames = !options.noFirewall;
    settings.relay.limits = options.limits;
    if (options.clients)
        settings.relay.limits.clients = settings.listening.vchanLimits.connections = *options.clients;
    if (options.clientsPerDomain)
        settings.relay.limits.clientsPerDomain = settings.listening.vchanLimits.connectionsPerDomain =
            *options.clientsPerDomain;
    settings.relay.clientName = options.requestName;
    if (!options.requestName.empty() && !wire::isWellKnownName(clientName(options.requestName, nobody)))
        throw Error(
            errors::invalidArgs,
            fmt::format("--request-name {}: a bus name is meant, with $UUID in it", options.requestName));
    settings.relay.answerNames = options.ownerName;
    for (const std::string& each : options.ownNames)
        settings.relay.ownNames.insert(ownName(each));
    std::string guid = randomUuid();
    std::erase(guid, '-');
    settings.relay.sasl.guid = guid;
    settings.relay.uid = ::getuid();
    settings.autoAuth = options.autoAuth;
    settings.jsonOut = options.jsonOut;
    settings.relay.tellUuid = options.sendUuid;
    if (options.jsonIn) {
        settings.browser = options.browser;
        settings.browser->webSockets = options.websocketsIn;
        settings.browser->authenticates = !options.autoAuth;
        settings.browser->socket.handshake = options.limits.handshake;
        settings.browser->queueBytes = options.limits.queueBytes;
        settings.browser->messageBytes = options.limits.messageBytes;
    }
    return settings;
}

} // namespace xb::proxy
