// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/disk_sharing.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace xb::xenvm {

namespace {

namespace fs = std::filesystem;

const std::string backends = "/local/domain/0/backend/vbd";

// A disk that some domain has.
struct Use {
    std::string domid;
    std::string device;
    std::string path;
    bool writes = false;
};

// What a path leads to: the device itself, or the file on its file system.
struct Identity {
    bool isDevice = false;
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
};

std::optional<Identity> identify(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0)
        return std::nullopt;
    if (S_ISBLK(status.st_mode))
        return Identity{true, status.st_rdev, 0};
    return Identity{false, status.st_dev, status.st_ino};
}

// "8:1"
std::string numberOf(dev_t device) {
    return fmt::format("{}:{}", major(device), minor(device));
}

std::string firstLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// The device and its partitions, by number.
void addWithPartitions(const fs::path& directory, std::set<std::string>& numbers) {
    numbers.insert(firstLine(directory / "dev"));
    std::error_code ignored; // it may go meanwhile
    for (const auto& entry : fs::directory_iterator(directory, ignored))
        if (fs::exists(entry.path() / "partition", ignored))
            numbers.insert(firstLine(entry.path() / "dev"));
}

// Numbers of the block devices by which dom0 would reach this.
std::set<std::string> devicesOf(const std::string& path, const Identity& identity, const fs::path& system) {
    std::set<std::string> numbers;
    if (identity.isDevice) {
        numbers.insert(numberOf(identity.device));
        addWithPartitions(system / "sys/dev/block" / numberOf(identity.device), numbers);
        return numbers;
    }
    std::error_code ignored; // no loop devices: no numbers
    const std::string file = fs::weakly_canonical(path, ignored).string();
    for (const auto& entry : fs::directory_iterator(system / "sys/block", ignored))
        if (firstLine(entry.path() / "loop/backing_file") == file)
            addWithPartitions(entry.path(), numbers);
    return numbers;
}

struct Mount {
    std::string place;
    bool writable = false;
};

// /proc/self/mountinfo (proc(5)): id, parent, major:minor, root, place, options ...
std::optional<Mount> findMount(const std::set<std::string>& devices, const fs::path& system) {
    std::ifstream table(system / "proc/self/mountinfo");
    std::optional<Mount> found;
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string id;
        std::string parent;
        std::string device;
        std::string root;
        std::string place;
        std::string options;
        if (!(fields >> id >> parent >> device >> root >> place >> options) || !devices.contains(device))
            continue;
        const bool writable = options == "rw" || options.starts_with("rw,");
        if (!found || (writable && !found->writable))
            found = Mount{place, writable};
    }
    return found;
}

// "aio:/path" of qemu's disks.
std::string pathOf(const std::string& params) {
    const auto slash = params.find('/');
    return slash != std::string::npos && slash > 0 && params[slash - 1] == ':' ? params.substr(slash)
                                                                               : params;
}

Task<std::vector<Use>> usesOfOthers(xen::XenStore& store, int own) {
    std::vector<Use> uses;
    const auto domains = co_await store.list(backends);
    for (const auto& domid : domains) {
        if (domid == std::to_string(own))
            continue;
        const std::string home = backends + "/" + domid;
        const auto devices = co_await store.list(home);
        for (const auto& device : devices) {
            const std::string node = home + "/" + device;
            const auto params = co_await store.read(node + "/params");
            if (!params || params->empty())
                continue;
            const auto name = co_await store.read(node + "/dev");
            const auto mode = co_await store.read(node + "/mode");
            uses.push_back({domid, name.value_or(device), pathOf(*params), mode.value_or("w") != "r"});
        }
    }
    co_return uses;
}

void checkDisk(const xen::DiskConfig& disk, const std::vector<Use>& others, const fs::path& system) {
    const auto identity = identify(disk.path);
    if (!identity)
        return; // others say that it is missing
    const auto mount = findMount(devicesOf(disk.path, *identity, system), system);
    if (mount && (disk.writable || mount->writable))
        throw Error(
            fmt::format("disk {}: {} is mounted in dom0 at {}{}; unmount it, or say mode w! if you know "
                        "better",
                        disk.vdev, disk.path, mount->place, mount->writable ? "" : " (read-only)"));
    for (const Use& use : others) {
        if ((!disk.writable && !use.writes) || identify(use.path) != identity)
            continue;
        throw Error(
            fmt::format("disk {}: {} is disk {} of domain {}, {}; take it from there, or say mode w! if "
                        "you know better",
                        disk.vdev, disk.path, use.device, use.domid,
                        use.writes ? "which writes to it" : "which reads it and would find it changed"));
    }
}

} // namespace

Task<> checkSharing(xen::XenStore& store, std::vector<xen::DiskConfig> disks, int own, fs::path system) {
    std::erase_if(disks,
                  [](const xen::DiskConfig& disk) { return disk.path.empty() || disk.backendDomid != 0; });
    if (disks.empty())
        co_return;
    const auto others = co_await usesOfOthers(store, own);
    Workers workers; // storage may hang
    co_await workers.run([&disks, &others, &system] {
        for (const auto& disk : disks)
            checkDisk(disk, others, system);
    });
}

} // namespace xb::xenvm
