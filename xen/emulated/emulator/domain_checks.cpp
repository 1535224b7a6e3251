// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/domain_checks.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/packets.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <set>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace xb::xen::emulated {

namespace {

constexpr std::size_t longestName = 64;
constexpr unsigned mostVcpus = 128;     // HVM_MAX_VCPUS
constexpr std::size_t mostDevices = 64; // of one kind
constexpr std::uint64_t leastMemoryKib = 4096;

[[noreturn]] void refuse(const DomainConfig& config, const std::string& reason) {
    throw Error(errors::invalidArgs, "domain \"" + config.name + "\": " + reason);
}

void checkReadable(const DomainConfig& config, const char* what, const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        throw systemError("domain \"" + config.name + "\": cannot read the " + what + " " + path, errno);
    if (!S_ISREG(status.st_mode))
        refuse(config, std::string("the ") + what + " " + path + " is not a file");
}

// What nothing here plays. An emulated machine's own devices (sound, USB, serial) nobody sees anyway: the
// guest says that it is emulated.
void refuseWhatIsNotEmulated(const DomainConfig& config) {
    const char* what = !config.pciDevices.empty()       ? "PCI pass-through"
                       : !config.hostUsbDevices.empty() ? "USB pass-through"
                       : !config.usbControllers.empty() ? "a USB controller"
                       : config.framebuffer             ? "a framebuffer"
                       : !config.bootloader.empty()     ? "the boot loader pygrub"
                                                        : nullptr;
    if (what)
        throw Error(errors::notSupported, "domain \"" + config.name + "\": " + what +
                                              " is not supported by the emulated hypervisor");
}

} // namespace

const char* typeName(DomainType type) {
    switch (type) {
    case DomainType::pv:
        return "pv";
    case DomainType::pvh:
        return "pvh";
    default:
        return "hvm";
    }
}

void checkNic(const NicConfig& nic) {
    const std::string what = "network card " + std::to_string(nic.devid);
    const auto refuseNic = [&](const std::string& reason) {
        throw Error(errors::invalidArgs, what + ": " + reason);
    };
    const auto mac = parseMac(nic.mac);
    if (nic.devid < 0 || nic.devid > 255)
        refuseNic("the number is not in 0..255");
    if (!mac || isGroup(*mac) || *mac == Mac{})
        refuseNic("\"" + nic.mac + "\" is not the MAC address of a card");
    if (nic.backendDomid == 0 && nic.bridge.empty())
        refuseNic("has no bridge");
    if (nic.rateBytes != 0 && nic.rateIntervalUs == 0)
        refuseNic("its rate has no interval");
    if (nic.backendDomid != 0)
        throw Error(errors::notSupported,
                    what + ": a backend in another domain is not supported by the emulated hypervisor");
}

std::uint64_t checkDisk(const DiskConfig& disk) {
    const std::string what = "disk " + disk.vdev;
    if (disk.path.empty()) {
        if (disk.cdrom)
            return 0;
        throw Error(errors::invalidArgs, what + " has no path");
    }
    if (disk.backendDomid != 0)
        throw Error(errors::notSupported,
                    what + ": a backend in another domain is not supported by the emulated hypervisor");
    if (disk.backend == DiskBackend::qcow2 || disk.backend == DiskBackend::vhd)
        throw Error(errors::notSupported, what + ": " + disk.path +
                                              " is qcow2 or vhd, which the emulated hypervisor does not "
                                              "read: convert it with qemu-img convert -O raw");
    UniqueFd fd(::open(disk.path.c_str(), (disk.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        throw systemError(what + ": cannot open " + disk.path, errno);
    if (disk.backend == DiskBackend::phy && !S_ISBLK(status.st_mode))
        throw Error(errors::invalidArgs, what + ": " + disk.path + " is not a block device");
    if (disk.backend == DiskBackend::file && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        throw Error(errors::invalidArgs, what + ": " + disk.path + " is neither a file nor a block device");
    std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
    if (S_ISBLK(status.st_mode) && ::ioctl(fd.get(), BLKGETSIZE64, &size) != 0)
        throw systemError(what + ": cannot tell the size of " + disk.path, errno);
    return size;
}

void checkDomainConfig(const DomainConfig& config) {
    refuseWhatIsNotEmulated(config);
    if (config.name.empty() || config.name.size() > longestName ||
        config.name.find('/') != std::string::npos ||
        std::any_of(config.name.begin(), config.name.end(),
                    [](char c) { return static_cast<unsigned char>(c) < ' '; }))
        refuse(config, "a name has 1 to " + std::to_string(longestName) + " letters and no slash");
    if (!isUuid(config.uuid))
        refuse(config, "\"" + config.uuid + "\" is not a UUID");
    if (config.vcpus == 0 || config.vcpus > mostVcpus)
        refuse(config, std::to_string(config.vcpus) + " vCPUs is not in 1.." + std::to_string(mostVcpus));
    if (config.memoryKib < leastMemoryKib || config.memoryKib > (1ULL << 40))
        refuse(config, std::to_string(config.memoryKib) + " KiB of memory is too little or too much");
    if (config.maxMemoryKib != 0 && config.maxMemoryKib < config.memoryKib)
        refuse(config, "the most memory is less than the memory");
    if (config.stubDomain.wanted) {
        if (config.type != DomainType::hvm)
            refuse(config, "only an HVM domain has a device model that could run in a stub domain");
        checkReadable(config, "kernel of the stub domain", config.stubDomain.kernel);
        if (!config.stubDomain.ramdisk.empty())
            checkReadable(config, "ramdisk of the stub domain", config.stubDomain.ramdisk);
        if (config.stubDomain.memoryKib < leastMemoryKib)
            refuse(config, "its stub domain has too little memory");
    }
    if (config.type != DomainType::hvm && config.kernel.empty())
        refuse(config, "a PV or PVH domain needs a kernel");
    if (!config.kernel.empty())
        checkReadable(config, "kernel", config.kernel);
    if (!config.ramdisk.empty())
        checkReadable(config, "ramdisk", config.ramdisk);
    if (config.disks.size() > mostDevices || config.nics.size() > mostDevices)
        refuse(config, "more than " + std::to_string(mostDevices) + " disks or network cards");
    std::set<std::uint32_t> numbers;
    for (const auto& disk : config.disks) {
        if (!numbers.insert(diskDeviceNumber(disk.vdev)).second)
            refuse(config, "two disks are " + disk.vdev);
        checkDisk(disk);
    }
    std::set<int> cards;
    for (const auto& nic : config.nics) {
        checkNic(nic);
        if (!cards.insert(nic.devid).second)
            refuse(config, "two network cards have the number " + std::to_string(nic.devid));
    }
}

std::uint64_t memoryNeededKib(const DomainConfig& config) {
    const std::uint64_t most = std::max(config.memoryKib, config.maxMemoryKib);
    std::uint64_t needed = config.memoryKib + config.videoMemoryKib;
    if (config.type == DomainType::pv)
        needed += 1024;
    else
        needed += 2048 + 4 * (256 * static_cast<std::uint64_t>(config.vcpus) + 2 * (most / 1024));
    constexpr std::uint64_t granule = 2048;
    return (needed + granule - 1) / granule * granule;
}

std::uint64_t stubMemoryNeededKib(const DomainConfig& config) {
    if (!config.stubDomain.wanted)
        return 0;
    DomainConfig stub;
    stub.memoryKib = config.stubDomain.memoryKib;
    return memoryNeededKib(stub);
}

std::uint32_t diskDeviceNumber(const std::string& vdev) {
    const auto unknown = [&] {
        return Error(errors::invalidArgs, "\"" + vdev + "\" is not a disk's name: say xvda, sda or hda");
    };
    const std::size_t prefix = vdev.starts_with("xvd")                            ? 3
                               : vdev.starts_with("hd") || vdev.starts_with("sd") ? 2
                                                                                  : 0;
    if (prefix == 0 || vdev.size() != prefix + 1 || vdev[prefix] < 'a' || vdev[prefix] > 'z')
        throw unknown();
    const auto index = static_cast<std::uint32_t>(vdev[prefix] - 'a');
    if (prefix == 3)
        return index < 16 ? (202u << 8) | (index << 4) : (1u << 28) | (index << 8);
    if (vdev[0] == 's' && index < 16)
        return (8u << 8) | (index << 4);
    if (vdev[0] == 'h' && index < 4)
        return ((index < 2 ? 3u : 22u) << 8) | ((index & 1) << 6);
    throw unknown();
}

} // namespace xb::xen::emulated
