// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/start_checks.hpp"

#include "toolstack/libs/files.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/dependencies.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/pci_rules.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_registry.hpp"

#include <array>

#include <unistd.h>

namespace xb::xenmgr {

namespace {

void checkReadable(const Context& context, const std::string& what, const std::string& path) {
    const auto file = below(context.settings.root, path);
    if (::access(file.c_str(), R_OK) != 0)
        throw coded(Code::noSuchFile, what + ": " + systemError(file.string(), errno).what());
}

void checkDisks(const Context& context, const std::string& uuid) {
    for (const auto& disk : disksOf(context.db, uuid)) {
        if (!disk.enabled || disk.isEmptyDrive())
            continue;
        const std::string what = "disk " + disk.id + " (" + disk.device + ") of VM " + uuid;
        if (disk.path.empty())
            throw coded(Code::noSuchFile, what + " has no path");
        checkReadable(context, what, disk.path);
    }
}

void checkBackends(const Context& context, const std::string& uuid) {
    for (const auto& nic : nicsOf(context.db, uuid)) {
        const NicBackend backend = nic.enabled ? backendOf(context.db, uuid, nic) : NicBackend();
        if (backend.wanted.empty())
            continue;
        const auto vm = context.vms.find(backend.uuid);
        if (!vm || vm->domid() <= 0)
            throw coded(Code::networkBackendNotRunning,
                        "NIC " + std::to_string(nic.id) + " of VM " + uuid + " wants " + backend.wanted);
    }
}

// What a VM may be configured to have and this version cannot give it. Without it the guest would not be what
// was asked for: without its devices, or unchecked.
struct Unsupported {
    const char* node; ///< below /vm/<uuid>
    const char* what;
};

constexpr std::array unsupported{
    Unsupported{"gpu", "passing a graphics card to a VM (gpu)"},
    Unsupported{"amt-pt", "passing AMT to a VM (amt-pt)"},
    Unsupported{"measured", "checking the sums of a VM's disks before its start (measured)"},
    Unsupported{"cpuid", "masks of CPU features (cpuid)"},
    Unsupported{"config/passthrough-io", "passing I/O ports to a VM (passthrough-io)"},
    Unsupported{"config/passthrough-mmio", "passing I/O memory to a VM (passthrough-mmio)"},
    Unsupported{"config/kernel-extract", "taking the kernel out of a disk (kernel-extract)"},
    Unsupported{"config/initrd-extract", "taking the initrd out of a disk (initrd-extract)"},
};

void checkSupported(const Db& db, const std::string& uuid) {
    for (const auto& [node, what] : unsupported) {
        const std::string path = vmNode(uuid) + "/" + node;
        const std::string value = db.read(path);
        if (!db.list(path).empty() || (!value.empty() && value != "false"))
            throw notSupported(what);
    }
}

} // namespace

void checkBeforeStart(const Context& context, const std::string& uuid) {
    const Db& db = context.db;
    const std::string config = vmNode(uuid) + "/config";
    checkSupported(db, uuid);
    const std::string type = db.read(config + "/virt-type", "pv");
    if (type != "pv" && type != "pvh" && type != "hvm")
        throw Error(errors::invalidArgs,
                    "virt-type of VM " + uuid + " is \"" + type + "\", not pv, pvh or hvm");
    if (db.readInt(config + "/memory", 0) <= 0)
        throw Error(errors::invalidArgs, "VM " + uuid + " has no memory: set its property memory (MiB)");
    for (const char* name : {"kernel", "initrd"}) {
        const std::string path = db.read(config + "/" + name);
        if (!path.empty())
            checkReadable(context, std::string(name) + " of VM " + uuid, path);
    }
    checkDisks(context, uuid);
    checkBackends(context, uuid);
    checkPciDevices(context, uuid);
}

} // namespace xb::xenmgr
