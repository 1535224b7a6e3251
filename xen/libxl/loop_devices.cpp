// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/loop_devices.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::xen {

namespace {

namespace fs = std::filesystem;

const std::string backends = "/local/domain/0/backend/vbd";
constexpr std::chrono::milliseconds firstLockPause{5};
constexpr std::chrono::milliseconds longestLockPause{1000};

// Of the scripts' locking.sh: the lock is an flock on a file that its owner removes at the end, so it counts
// only while the file is still the one of that name.
class HotplugLock {
public:
    explicit HotplugLock(const fs::path& directory) : file_(directory / "block") {}
    HotplugLock(const HotplugLock&) = delete;
    HotplugLock& operator=(const HotplugLock&) = delete;
    ~HotplugLock() {
        if (fd_)
            ::unlink(file_.c_str());
    }

    bool tryTake() {
        std::error_code ignored; // opening tells
        fs::create_directories(file_.parent_path(), ignored);
        UniqueFd fd(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd)
            throw systemError("opening the hotplug scripts' lock " + file_.string(), errno);
        struct stat ours {};
        struct stat named {};
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(fd.get(), &ours) != 0 ||
            ::stat(file_.c_str(), &named) != 0 || ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
            return false;
        fd_ = std::move(fd);
        return true;
    }

private:
    fs::path file_;
    UniqueFd fd_;
};

Task<bool> take(HotplugLock& lock, std::chrono::milliseconds limit) {
    // The kernel tells nobody of the end of an flock who is not asleep in it.
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (auto pause = firstLockPause; !lock.tryTake(); pause = std::min(2 * pause, longestLockPause)) {
        if (std::chrono::steady_clock::now() > deadline)
            co_return false;
        co_await delay(pause);
    }
    co_return true;
}

// "node" of all backends, of any domain.
Task<std::vector<std::string>> nodesInUse(std::shared_ptr<XenStore> store) {
    std::vector<std::string> nodes;
    const auto domains = co_await store->list(backends);
    for (const auto& domain : domains) {
        const auto devices = co_await store->list(backends + "/" + domain);
        for (const auto& device : devices) {
            const auto node = co_await store->read(fmt::format("{}/{}/{}/node", backends, domain, device));
            if (node)
                nodes.push_back(*node);
        }
    }
    co_return nodes;
}

std::string firstLine(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

void detachDevice(const std::string& device) {
    const UniqueFd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd)
        throw systemError("opening " + device, errno);
    if (::ioctl(fd.get(), LOOP_CLR_FD) != 0 && errno != ENXIO)
        throw systemError("detaching " + device, errno);
}

Task<> detachUnused(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                    LoopSuspect suspect, LoopSystem system) {
    HotplugLock lock(system.lockDirectory);
    const bool alone = co_await take(lock, system.lockLimit);
    auto left = attachedLoopDevices(system);
    std::erase_if(left, [&](const LoopDevice& each) { return !suspect(each); });
    if (left.empty())
        co_return;
    if (!alone) {
        log::warn(
            "{} may be left attached to {}: hotplug scripts keep {} locked; see losetup -a, and losetup -d",
            left.front().device, left.front().file, system.lockDirectory.string());
        co_return;
    }
    const auto used = co_await nodesInUse(store);
    for (const auto& each : left) {
        if (std::ranges::find(used, each.device) != used.end())
            continue;
        auto detach = [device = each.device, how = system.detach](LibxlContext&) {
            how ? how(device) : detachDevice(device);
        };
        co_await threads->run(std::move(detach));
        log::warn(
            "{} was still attached to {}, which no domain uses: detached (a hotplug script was killed, or "
            "failed)",
            each.device, each.file);
    }
}

} // namespace

std::vector<LoopDevice> attachedLoopDevices(const LoopSystem& system) {
    std::vector<LoopDevice> found;
    std::error_code ignored; // no such directory: no devices
    for (const auto& entry : fs::directory_iterator(system.block, ignored)) {
        const std::string name = entry.path().filename().string();
        const auto file = firstLine(entry.path() / "loop/backing_file");
        // "autoclear": told to detach itself once it is closed.
        if (name.starts_with("loop") && !file.empty() && firstLine(entry.path() / "loop/autoclear") != "1")
            found.push_back({"/dev/" + name, file});
    }
    std::ranges::sort(found, {}, &LoopDevice::device);
    return found;
}

Task<std::vector<LoopDevice>> loopDevicesOf(std::shared_ptr<XenStore> store, DomId domid, LoopSystem system) {
    const auto home = fmt::format("{}/{}", backends, domid);
    std::vector<std::string> nodes;
    const auto devices = co_await store->list(home);
    for (const auto& device : devices) {
        const auto node = co_await store->read(home + "/" + device + "/node");
        if (node)
            nodes.push_back(*node);
    }
    auto attached = attachedLoopDevices(system);
    std::erase_if(attached, [&](const LoopDevice& each) {
        return std::ranges::find(nodes, each.device) == nodes.end();
    });
    co_return attached;
}

Task<> detachLeftLoopDevices(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                             LoopSuspect suspect, LoopSystem system) {
    try {
        co_await detachUnused(std::move(threads), std::move(store), std::move(suspect), std::move(system));
    } catch (const std::exception& e) {
        log::error("loop devices that hotplug scripts left could not be detached: {}", e.what());
    }
}

} // namespace xb::xen
