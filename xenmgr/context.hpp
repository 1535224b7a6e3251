// SPDX-License-Identifier: Apache-2.0
// What the parts of xenmgr share: where things are, and the few services that every part needs. Owned by the
// Service (service.hpp); parts keep a reference and outlive nothing.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "xen/hypervisor.hpp"

#include <filesystem>
#include <string>

namespace xb::xenmgr {

class Db;
class VmRegistry;
class XenvmLinks;

/// Places and programs; every one is an option of main.
struct Settings {
    /// Stands for / of all files named in the configuration.
    std::filesystem::path root = "/";
    std::filesystem::path templates;
    /// Private (0700): configurations handed to xenvm.
    std::filesystem::path runDirectory = "/run/xenbroker/xenmgr";
    std::filesystem::path diskDirectory = "/storage/disks";
    std::filesystem::path xenvmProgram;
    std::string busAddress;
    xen::HypervisorOptions hypervisor;
    /// The user as which rpc-proxy runs; see GuestCallers.
    std::string proxyUser;
    /// Log level handed on to xenvm.
    std::string logLevel = "info";
};

/// The signals of com.citrix.xenclient.xenmgr, as the parts see them. Config changes of one VM are gathered:
/// the signal leaves half a second after the last (contract of the classic interface).
class Signals {
public:
    virtual ~Signals() = default;
    virtual void vmCreated(const std::string& uuid) = 0;
    virtual void vmDeleted(const std::string& uuid) = 0;
    virtual void vmNameChanged(const std::string& uuid) = 0;
    virtual void vmTransferChanged(const std::string& uuid) = 0;
    virtual void vmConfigChanged(const std::string& uuid) = 0;
    virtual void vmStateChanged(const std::string& uuid, const std::string& publicState, int acpiState) = 0;
    virtual void notify(const std::string& uuid, const std::string& message) = 0;
    virtual void configChanged() = 0;
    virtual void languageChanged() = 0;
};

struct Context {
    Bus& bus;
    const Settings& settings;
    Db& db;
    Signals& signals;
    xen::Hypervisor& hypervisor;
    XenvmLinks& links;
    VmRegistry& vms;
    /// Held while slots are handed out or exchanged, and while a VM is made.
    AsyncMutex& slots;
};

/// The db node of a VM.
inline std::string vmNode(const std::string& uuid) {
    return "/vm/" + uuid;
}

} // namespace xb::xenmgr
