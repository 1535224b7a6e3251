// SPDX-License-Identifier: Apache-2.0
#include "xen/device_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>

namespace xb::xen {

namespace {

// The script that libxl runs when a card names none.
constexpr std::string_view defaultNicScript = "/etc/xen/scripts/vif-bridge";

template <class Number>
Number numberOr(std::string_view text, Number otherwise) {
    Number value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && problem == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

// A device's directory below /libxl.
class Entry {
public:
    std::map<std::string, std::string, std::less<>> leaves;

    std::string get(std::string_view name) const {
        const auto found = leaves.find(name);
        return found == leaves.end() ? "" : found->second;
    }
    // Of "/local/domain/3/backend/..."
    DomId backendDomain() const {
        constexpr std::string_view prefix = "/local/domain/";
        const auto backend = get("backend");
        if (!backend.starts_with(prefix))
            return 0;
        const auto rest = std::string_view(backend).substr(prefix.size());
        return numberOr<DomId>(rest.substr(0, rest.find('/')), 0);
    }
};

struct Found {
    std::uint32_t devid = 0;
    Entry entry;
    int state = 0;
};

Task<std::vector<Found>> listDevices(XenStore& store, DomId domid, std::string kind) {
    const std::string home = "/libxl/" + std::to_string(domid) + "/device/" + kind;
    std::vector<Found> result;
    const auto names = co_await store.list(home);
    for (const auto& name : names) {
        const std::string path = home + "/" + name;
        Found found;
        found.devid = numberOr<std::uint32_t>(name, 0);
        const auto leaves = co_await store.list(path);
        for (const auto& leaf : leaves) {
            const auto value = co_await store.read(path + "/" + leaf);
            if (value)
                found.entry.leaves.emplace(leaf, *value);
        }
        const auto backend = found.entry.get("backend");
        if (backend.empty())
            continue;
        const auto state = co_await store.read(backend + "/state");
        found.state = numberOr(state.value_or(""), 0);
        result.push_back(std::move(found));
    }
    std::ranges::sort(result, {}, &Found::devid);
    co_return result;
}

// "aio:/path" of qemu's disks and "vhd:/path" of block-tap; the others have the path alone.
std::pair<std::string, std::string> splitParams(const std::string& params) {
    constexpr std::array<std::string_view, 6> formats{"aio", "raw", "qcow", "qcow2", "vhd", "qed"};
    const auto colon = params.find(':');
    if (colon != std::string::npos &&
        std::ranges::find(formats, std::string_view(params).substr(0, colon)) != formats.end())
        return {params.substr(0, colon), params.substr(colon + 1)};
    return {"", params};
}

DiskConfig diskOf(const Entry& entry) {
    DiskConfig disk;
    const auto [format, path] = splitParams(entry.get("params"));
    disk.path = path;
    disk.vdev = entry.get("dev");
    disk.writable = entry.get("mode") == "w";
    disk.cdrom = entry.get("device-type") == "cdrom";
    disk.backendDomid = entry.backendDomain();
    disk.backend = format == "qcow2"                                         ? DiskBackend::qcow2
                   : format == "vhd"                                         ? DiskBackend::vhd
                   : entry.get("type") == "phy" && path.starts_with("/dev/") ? DiskBackend::phy
                                                                             : DiskBackend::file;
    return disk;
}

NicConfig nicOf(std::uint32_t devid, const Entry& entry) {
    NicConfig nic;
    nic.devid = static_cast<int>(devid);
    nic.mac = entry.get("mac");
    nic.bridge = entry.get("bridge");
    nic.script = entry.get("script") == defaultNicScript ? "" : entry.get("script");
    nic.backendDomid = entry.backendDomain();
    nic.ip = entry.get("ip");
    nic.ifname = entry.get("vifname");
    const auto rate = entry.get("rate");
    const auto comma = std::min(rate.find(','), rate.size());
    nic.rateBytes = numberOr<std::uint64_t>(std::string_view(rate).substr(0, comma), 0);
    if (nic.rateBytes != 0)
        nic.rateIntervalUs =
            numberOr<std::uint32_t>(std::string_view(rate).substr(std::min(comma + 1, rate.size())), 0);
    return nic;
}

} // namespace

Task<std::vector<DeviceInfo<DiskConfig>>> listDisks(XenStore& store, DomId domid) {
    std::vector<DeviceInfo<DiskConfig>> result;
    const auto found = co_await listDevices(store, domid, "vbd");
    for (const auto& each : found)
        result.push_back({diskOf(each.entry), each.state});
    co_return result;
}

Task<std::vector<DeviceInfo<NicConfig>>> listNics(XenStore& store, DomId domid) {
    std::vector<DeviceInfo<NicConfig>> result;
    const auto found = co_await listDevices(store, domid, "vif");
    for (const auto& each : found)
        result.push_back({nicOf(each.devid, each.entry), each.state});
    co_return result;
}

} // namespace xb::xen
