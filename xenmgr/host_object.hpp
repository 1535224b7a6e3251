// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.xenmgr.host on /host: the physical machine. Facts come from files of the system, read
// on a thread of this object's own, from the hypervisor and from the database. Power actions, CD assignment,
// graphics placement, licences and mixer controls are not there yet (docs/not-supported.md).
#pragma once

#include "idl/xenmgr_host_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/host_pci.hpp"
#include "xenmgr/host_properties.hpp"

#include <optional>
#include <string>
#include <vector>

namespace xb::xenmgr {

class HostObject : public idl::xenmgr_host::XenmgrHostServer {
public:
    explicit HostObject(Context& context);

    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;
    Task<> readAllProperties(Caller caller, Message& reply) override;

    Task<std::int32_t> getSecondsFromEpoch(Caller) override;
    Task<bool> isServiceRunning(Caller, std::string service) override;
    Task<std::vector<std::string>> listIsos(Caller) override;
    Task<std::vector<std::string>> listUiPlugins(Caller, std::string subdir) override;
    Task<std::vector<StringMap>> listPciDevices(Caller) override;
    Task<std::vector<StringMap>> listGpuDevices(Caller) override;
    Task<std::vector<StringMap>> listDiskDevices(Caller) override;
    Task<std::vector<StringMap>> listCdDevices(Caller) override;
    Task<std::vector<StringMap>> listPlaybackDevices(Caller) override;
    Task<std::vector<StringMap>> listCaptureDevices(Caller) override;
    Task<std::vector<StringMap>> listSoundCards(Caller) override;

    // Not there yet (docs/not-supported.md).
    Task<> assignCdDevice(Caller, std::string devid, bool sticky, std::string vmUuid) override;
    Task<> configureGpuPlacement(Caller, std::string id, std::int32_t slot) override;
    Task<> ejectCdDevice(Caller, std::string devid) override;
    Task<std::tuple<bool, std::string>> getCdDeviceAssignment(Caller, std::string devid) override;
    Task<std::int32_t> getGpuPlacement(Caller, std::string id) override;
    Task<std::string> getSoundCardControl(Caller, std::string card, std::string control) override;
    Task<> hibernate(Caller) override;
    Task<std::vector<StringMap>> listSoundCardControls(Caller, std::string card) override;
    Task<> reboot(Caller) override;
    Task<> setLicense(Caller, std::string expiryDate, std::string deviceUuid, std::string hash) override;
    Task<> setSoundCardControl(Caller, std::string card, std::string control, std::string value) override;
    Task<> shutdown(Caller) override;
    Task<> shutdownIdle(Caller) override;
    Task<> sleep(Caller) override;
    Task<> setDisplayhandlerGpu(Caller, std::string gpu) override;
    Task<std::string> getDisplayhandlerGpu(Caller) override;
    Task<std::vector<StringMap>> listGpusForDisplayhandler(Caller) override;

private:
    Task<> ask(HostSource source, HostSnapshot& snapshot);
    Task<> storePcm(std::string path, std::string id);

    Context& context_;
    PciNames names_; ///< used by the worker only
    std::optional<MachineFacts> machine_;
    bool uiReady_ = false;
    Workers workers_; ///< the last member: it ends before what it works with
};

} // namespace xb::xenmgr
