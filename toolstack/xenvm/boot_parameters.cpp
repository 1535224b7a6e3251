// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/boot_parameters.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace xb::xenvm {

namespace {

constexpr std::string_view nfsDevice = "/dev/nfs";
// HOST_NAME_MAX of Linux.
constexpr std::size_t maxHostname = 64;
// NFS_MAXPATHLEN of Linux's nfsroot.
constexpr std::size_t maxNfsPath = 1024;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(errors::invalidArgs, why);
}

// ip=<client>:<server>:<gateway>:<netmask>:<hostname>:<device>:<autoconf>. The first card alone: the kernel
// would take the answer of whichever network is fastest.
std::string networkParameter(const Config& config) {
    const bool any = config.dhcp || !config.ip.empty() || !config.hostname.empty();
    if (!any)
        return {};
    return fmt::format("ip={}:{}:{}:{}:{}:eth0:{}", config.ip, config.nfsServer, config.gateway,
                       config.netmask, config.hostname, config.dhcp ? "dhcp" : "off");
}

void checkContradictions(const Config& config) {
    const bool hasNetwork = config.dhcp || !config.ip.empty();
    for (const auto& [key, value] :
         {std::pair("netmask", &config.netmask), std::pair("gateway", &config.gateway)})
        if (!value->empty() && !hasNetwork)
            refuse(fmt::format("{} = {} needs an address: say ip = ADDRESS or dhcp = dhcp", key, *value));
    if (config.nfsRoot.empty()) {
        if (!config.nfsServer.empty() && !hasNetwork)
            refuse("nfs_server needs a network: say ip = ADDRESS or dhcp = dhcp");
        return;
    }
    if (!config.rootDevice.empty() && config.rootDevice != nfsDevice &&
        !config.rootDevice.starts_with(std::string(nfsDevice) + " "))
        refuse(fmt::format("root = {} and nfs_root = {} contradict each other; remove one, or say root = {}",
                           config.rootDevice, config.nfsRoot, nfsDevice));
    if (!hasNetwork)
        refuse("nfs_root needs a network: say ip = ADDRESS or dhcp = dhcp");
    if (config.nfsServer.empty() && !config.dhcp)
        refuse("nfs_root needs the address of its server: say nfs_server = ADDRESS, or dhcp = dhcp if that "
               "tells it");
}

} // namespace

std::string kernelCommandLine(const Config& config) {
    checkContradictions(config);
    std::string line = config.cmdline;
    const auto add = [&line](std::string_view key, std::string_view value) {
        if (!value.empty())
            line += fmt::format("{}{}{}", line.empty() ? "" : " ", key, value);
    };
    add("", networkParameter(config));
    add("root=", config.rootDevice.empty() && !config.nfsRoot.empty() ? nfsDevice : config.rootDevice);
    if (!config.nfsRoot.empty())
        add("nfsroot=", config.nfsServer.empty() ? config.nfsRoot : config.nfsServer + ":" + config.nfsRoot);
    add("", config.extra);
    return line;
}

std::string_view bootParameterOf(const Config& config) {
    const std::array<std::pair<std::string_view, const std::string*>, 8> texts{
        {{"root", &config.rootDevice},
         {"extra", &config.extra},
         {"ip", &config.ip},
         {"netmask", &config.netmask},
         {"gateway", &config.gateway},
         {"hostname", &config.hostname},
         {"nfs_server", &config.nfsServer},
         {"nfs_root", &config.nfsRoot}}};
    const auto set = std::ranges::find_if(texts, [](const auto& text) { return !text.second->empty(); });
    if (set != texts.end())
        return set->first;
    return config.dhcp ? "dhcp" : "";
}

std::string checkIpv4(std::string_view text) {
    in_addr address{};
    if (text.find('\0') != std::string_view::npos ||
        inet_pton(AF_INET, std::string(text).c_str(), &address) != 1)
        return fmt::format("\"{}\" is not an address of the form 192.0.2.1", text);
    return {};
}

std::string checkHostname(std::string_view text) {
    const bool fits = text.size() <= maxHostname && std::ranges::all_of(text, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                 c == '-' || c == '.';
                      });
    if (!fits)
        return fmt::format("hostname \"{}\" is not made of at most {} letters, digits, dashes and dots", text,
                           maxHostname);
    return {};
}

std::string checkNfsPath(std::string_view text) {
    if (!text.starts_with('/') || text.size() > maxNfsPath ||
        text.find_first_of(" \t\"") != std::string_view::npos)
        return fmt::format("nfs_root \"{}\" is not an absolute path without blanks and quotes", text);
    return {};
}

} // namespace xb::xenvm
