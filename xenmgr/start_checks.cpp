// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/start_checks.hpp"

#include "toolstack/libs/files.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_registry.hpp"

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
        if (!nic.enabled || nic.backendUuid.empty())
            continue;
        auto backend = context.vms.find(nic.backendUuid);
        if (!backend || !isRunning(backend->state()))
            throw coded(Code::networkBackendNotRunning,
                        "NIC " + std::to_string(nic.id) + " of VM " + uuid + " wants VM " + nic.backendUuid);
    }
}

} // namespace

void checkBeforeStart(const Context& context, const std::string& uuid) {
    const Db& db = context.db;
    const std::string config = vmNode(uuid) + "/config";
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
    if (!db.read(config + "/kernel-extract").empty() || !db.read(config + "/initrd-extract").empty())
        throw notSupported("taking the kernel or initrd out of a disk (kernel-extract, initrd-extract)");
    checkDisks(context, uuid);
    checkBackends(context, uuid);
}

} // namespace xb::xenmgr
