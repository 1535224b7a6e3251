// SPDX-License-Identifier: Apache-2.0
// The command line of rpc-proxy.
#pragma once

#include "rpc-proxy/browser/browser_options.hpp"
#include "rpc-proxy/channels/listen.hpp"
#include "rpc-proxy/method_types.hpp"
#include "rpc-proxy/relay/relay_options.hpp"
#include "toolstack/libs/options.hpp"
#include "xen/hypervisor.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace xb::proxy {

/// As they are written.
struct Options {
    CommonOptions common;
    std::string incoming = "vchan:5555";
    std::string outgoing = "unix:/run/dbus/system_bus_socket";
    std::optional<std::uint32_t> domid;
    bool verbose = false;
    std::filesystem::path rules = "/etc/rpc-proxy.rules";
    std::string requestName;
    bool server = false;
    bool noFirewall = false;
    bool noVmRules = false;
    bool sendUuid = false;
    bool ownerName = false;
    bool translate = false;
    bool jsonIn = false;
    bool jsonOut = false;
    bool websocketsIn = false;
    bool autoAuth = false;
    std::string socketMode = "0600";
    std::vector<std::string> ownNames;
    std::filesystem::path checkRules; ///< these two: instead of serving
    std::string explain;
    xen::HypervisorOptions hypervisor;
    xen::DomId emulatedDomain = 0; ///< that this runs in
    std::size_t vchanRingBytes = xen::VchanLimits().ringSize;
    std::optional<std::size_t> clients; ///< these two: unlike what is usual for the transport
    std::optional<std::size_t> clientsPerDomain;
    RelayLimits limits;     ///< the others
    BrowserOptions browser; ///< of these its own limits and who may connect
    MethodTypesLimits types;
};

void addOptions(CLI::App& app, Options& options);

/// What they mean, looked at together.
struct Settings {
    Channel incoming;
    RelayOptions relay;
    /// Where clients speak JSON.
    std::optional<BrowserOptions> browser;
    bool autoAuth = false;
    bool jsonOut = false;
    /// Of the clients, whatever their transport says.
    std::optional<std::uint32_t> domid;
    /// Rules apply, to some clients at least.
    bool filters = true;
    ListenOptions listening;
    /// Address of the bus for the proxy's own questions.
    std::string bus;
};

/// Throws xb::Error (InvalidArgs, NotSupported) that says which option and what to do.
Settings settingsOf(const Options& options);

} // namespace xb::proxy
