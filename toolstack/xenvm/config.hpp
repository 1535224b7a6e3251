// SPDX-License-Identifier: Apache-2.0
// The configuration of one VM as its file says it (grammar: config_parser.hpp): plain values with the
// defaults of absent keys. Memory is in MiB as in the file. Nothing here touches the machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xb::xenvm {

/// What becomes of a domain that ended by itself.
enum class Policy { restart, destroy, preserve };

/// What xenvm does with the VM when it starts (key startup).
enum class Startup { start, paused, shutdown, restore, restoreDelete };

/// Where notifications go (key notify). dbus is always served, whatever this says.
enum class NotifySink { none, unixSocket, tcp, dbus };

/// Most entries of one list key that are taken; a list is as long as a hostile file can make it otherwise.
inline constexpr std::size_t maxListEntries = 256;
/// Ids of NICs are below this (virtual interface numbers of the frontend).
inline constexpr int maxNics = 32;

/// disk = physpath:phystype:virtpath:mode:devtype:snapshot[:k=v...]
struct DiskEntry {
    std::string text; ///< as it was written
    std::string path;
    std::string type; ///< phy, file, aio, qcow, vhd, vdi
    std::string device;
    bool writable = false;
    bool shared = false; ///< mode w!: also if somebody else uses it
    bool cdrom = false;
    std::string snapshot;
    int backendDomid = 0;
    std::string keyDirectory;
    std::string keyFile;
    std::string cipher;
    std::optional<int> keySize;
};

/// nic = k=v,k=v...
struct NicEntry {
    std::string text;
    int id = -1; ///< -1: not given; assignNics() chooses
    std::string network;
    std::string bridge;
    std::string mac; ///< assignNics() makes it valid
    std::string model;
    bool wireless = false;
    int backendDomid = 0;
    std::string script;               ///< hotplug script; empty: that of the hypervisor layer
    std::string ip;                   ///< of the guest, for scripts that want it
    std::string ifname;               ///< of dom0's end; empty: vif<domid>.<id>
    std::uint64_t rateBytes = 0;      ///< that the guest may send in each interval; 0: without limit
    std::uint32_t rateIntervalUs = 0; ///< us
};

/// pci = id[,bind],DDDD:BB:SS.F[,k=v...]
struct PciEntry {
    std::string text;
    int id = 0;
    bool bind = false;
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    unsigned function = 0;
    std::optional<bool> msiTranslate;
    std::optional<bool> powerManagement;
    bool permissive = false; ///< the guest may write all of its configuration space
    std::optional<int> guestSlot;
};

/// usbctrl = k=v,k=v...
struct UsbControllerEntry {
    std::string text;
    std::string type; ///< pv, qusb, devicemodel; empty: the hypervisor layer chooses
    unsigned version = 0;
    unsigned ports = 0;
};

/// usbdev = hostbus=N,hostaddr=N
struct UsbDeviceEntry {
    std::string text;
    unsigned hostBus = 0;
    unsigned hostAddress = 0;
};

/// A list entry that is checked and kept as its text: cpuid, cpus-affinity, passthrough ranges, watches.
using TextList = std::vector<std::string>;
/// k or k=v.
using PairList = std::vector<std::pair<std::string, std::string>>;

struct Config {
    std::optional<std::string> uuid;
    std::optional<std::string> name;
    /// nothing: start when a file was given.
    std::optional<Startup> startup;
    std::string restoreFile;
    bool debug = false;
    std::string output;
    bool noMemoryCheck = false;
    NotifySink notify = NotifySink::none;
    std::string notifyTarget;
    Policy onHalt = Policy::destroy;
    Policy onRestart = Policy::restart;
    Policy onCrash = Policy::destroy;
    bool enableDump = false; ///< of the core, before onCrash

    bool hvm = false;
    std::optional<std::string> type; ///< pv, pvh or hvm; says more than `hvm`
    bool hap = true;
    std::string kernel;
    std::optional<std::string> initrd;
    std::string cmdline;
    std::optional<std::string> bios; ///< seabios or ovmf
    std::string bootloader;          ///< pygrub, or nothing

    // Parts of the kernel's command line (boot_parameters.hpp).
    std::string rootDevice;
    std::string extra;
    bool dhcp = false;
    std::string ip;
    std::string netmask;
    std::string gateway;
    std::string hostname;
    std::string nfsServer;
    std::string nfsRoot;

    std::optional<std::int64_t> memory; ///< MiB
    std::optional<std::int64_t> memoryMax;
    std::int64_t extraMaxMemory = 0;
    std::int64_t vcpus = 1;
    std::optional<std::int64_t> coresPerSocket;
    TextList cpuAffinity;
    std::optional<std::int64_t> cpuWeight;
    std::optional<std::int64_t> cpuCap; ///< in hundredths of a CPU
    TextList cpuid;

    bool pae = false;
    bool apic = false;
    bool acpi = false;
    bool nx = false;
    bool acpiPassthrough = false;
    bool smbiosPassthrough = false;
    std::string smbiosOemTypes;
    bool diskInfoPassthrough = false;
    bool viridian = false;
    bool nested = false;
    bool cpuidSignature = false;
    std::optional<std::int64_t> timerMode;
    std::optional<std::int64_t> hpet;
    std::optional<std::int64_t> vptAlign;
    std::optional<std::string> timeOffset = "0";
    bool localtime = false; ///< the clock begins with dom0's local time

    std::string boot = "cd";
    std::optional<std::int64_t> videoram = 0; ///< MiB
    std::string display = "none";
    std::string serial;
    std::optional<std::string> sound;
    bool usb = true;
    std::optional<std::int64_t> usbVersion;
    TextList usbDevices; ///< emulated ones
    bool vsnd = false;
    bool vkbd = false;
    bool vfb = false;
    bool v4v = false;

    bool qemuPv = true;
    std::string deviceModelVersion = "qemu-xen";
    std::string deviceModelPath;
    std::int64_t deviceModelTimeout = 30; ///< s
    PairList extraHvm;
    std::optional<std::string> cdromPassthrough;
    std::int64_t powerManagement = 0;
    std::int64_t oemFeatures = 0;
    std::int64_t injectSci = 0;
    PairList platform;
    std::optional<std::string> flaskLabel;

    std::optional<std::string> stubdom;
    std::int64_t stubdomMemory = 128; ///< MiB
    std::string stubdomKernel = "/usr/lib/xen/boot/stubdomain-bzImage";
    std::string stubdomInitrd = "/usr/lib/xen/boot/stubdomain-initramfs";
    std::string stubdomCmdline = "init=/init xen_blkfront.max=8";
    std::optional<std::string> stubdomFlaskLabel;

    std::int64_t vtpmBackend = 0;
    std::optional<std::int64_t> vtpmInstance;
    std::int64_t pciMsiTranslate = 1;
    std::int64_t pciPowerManagement = 1;
    std::optional<std::string> pciScript;
    TextList passthroughIo;
    TextList passthroughMmio;
    TextList extraLocalWatches;
    TextList extraVmWatches;
    bool xciService = false;
    bool disableMigrate = false;

    std::vector<DiskEntry> disks;
    std::vector<NicEntry> nics;
    std::vector<PciEntry> pcis;
    std::vector<UsbControllerEntry> usbControllers;
    std::vector<UsbDeviceEntry> hostUsbDevices;
};

/// "restart", "destroy", "preserve".
const char* toString(Policy policy);

} // namespace xb::xenvm
