// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_object.hpp"

#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/host_devices.hpp"
#include "xenmgr/host_facts.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace xb::xenmgr {

namespace {

using Property = idl::xenmgr_host::XenmgrHostProperty;

constexpr auto playbackPath = "/audio/playback-pcm";
constexpr auto capturePath = "/audio/capture-pcm";
constexpr auto firstPcm = "00-00";
constexpr auto amtPath = "/system-amt-pt-active";
constexpr auto isoPath = "/xenmgr/isos";
constexpr auto defaultIsoDirectory = "/storage/isos";
constexpr auto reservedGpusPath = "/xenmgr/dh/gpu";

bool isListed(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        if (list.substr(0, end) == wanted)
            return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

} // namespace

HostObject::HostObject(Context& context) : context_(context), names_(context.settings.root) {}

// --- properties ---

Task<> HostObject::ask(HostSource source, HostSnapshot& snapshot) {
    const auto& root = context_.settings.root;
    switch (source) {
    case HostSource::fixed:
        snapshot.uiReady = uiReady_;
        break;
    case HostSource::machine:
        if (!machine_) {
            auto read = [this, &root] { return readMachineFacts(root, names_); };
            machine_ = co_await workers_.run(read);
        }
        snapshot.machine = *machine_;
        break;
    case HostSource::network: {
        auto read = [this, &root] { return readNetworkFacts(root, names_); };
        snapshot.network = co_await workers_.run(read);
        break;
    }
    case HostSource::storage: {
        auto read = [&root] { return readStorageFacts(root); };
        snapshot.storage = co_await workers_.run(read);
        break;
    }
    case HostSource::hypervisor:
        snapshot.hypervisor = co_await context_.hypervisor.hostInfo();
        break;
    case HostSource::database:
        co_await context_.db.fresh();
        snapshot.playbackPcm = context_.db.read(playbackPath, firstPcm);
        snapshot.capturePcm = context_.db.read(capturePath, firstPcm);
        snapshot.amtPassthrough = context_.db.readBool(amtPath, false);
        break;
    }
}

Task<> HostObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    const HostProperty& row = hostProperty(static_cast<Property>(index));
    HostSnapshot snapshot;
    co_await ask(row.source, snapshot);
    row.put(snapshot, sink);
}

Task<> HostObject::readAllProperties(Caller, Message& reply) {
    HostSnapshot snapshot;
    std::array<bool, hostSourceCount> answered{};
    for (std::size_t i = 0; i < hostSourceCount; ++i) {
        try {
            co_await ask(static_cast<HostSource>(i), snapshot);
            answered[i] = true;
        } catch (const Error& e) {
            log::warn("host: GetAll leaves properties out: {}", e.what());
        }
    }
    const auto properties = info().properties;
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const HostProperty& row = hostProperty(static_cast<Property>(i));
        PropertySink sink(reply, properties[i].name);
        if (answered[static_cast<std::size_t>(row.source)])
            row.put(snapshot, sink);
    }
}

Task<> HostObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    switch (static_cast<Property>(index)) {
    case Property::playbackPcm:
        co_await storePcm(playbackPath, value.get<std::string>());
        break;
    case Property::capturePcm:
        co_await storePcm(capturePath, value.get<std::string>());
        break;
    case Property::uiReady:
        uiReady_ = value.get<bool>();
        break;
    default:
        throw Error(errors::propertyReadOnly, std::string(info().properties[index].name) + " is read-only");
    }
}

Task<> HostObject::storePcm(std::string path, std::string id) {
    if (!isSoundDeviceId(id))
        throw Error(errors::invalidArgs,
                    "\"" + id +
                        "\" is not a sound device; list_playback_devices and list_capture_devices name them");
    co_await context_.db.fresh();
    if (!context_.db.exists(path) || context_.db.read(path) != id)
        co_await context_.db.write(std::move(path), std::move(id));
}

// --- what the host has ---

Task<std::int32_t> HostObject::getSecondsFromEpoch(Caller) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    co_return clampedInt(static_cast<std::uint64_t>(std::max<decltype(seconds)>(seconds, 0)));
}

Task<bool> HostObject::isServiceRunning(Caller, std::string service) {
    const auto owner = co_await context_.bus.owner(service);
    co_return owner.has_value();
}

Task<std::vector<std::string>> HostObject::listIsos(Caller) {
    co_await context_.db.fresh();
    auto list = [root = context_.settings.root, directory = context_.db.read(isoPath, defaultIsoDirectory)] {
        return isoNames(root, directory);
    };
    co_return co_await workers_.run(std::move(list));
}

Task<std::vector<std::string>> HostObject::listUiPlugins(Caller, std::string subdir) {
    auto list = [root = context_.settings.root, subdir] { return uiPluginNames(root, subdir); };
    co_return co_await workers_.run(std::move(list));
}

Task<std::vector<StringMap>> HostObject::listPciDevices(Caller) {
    auto list = [this] { return pciDeviceEntries(context_.settings.root, names_); };
    co_return co_await workers_.run(list);
}

Task<std::vector<StringMap>> HostObject::listGpuDevices(Caller) {
    auto list = [this] { return gpuEntries(context_.settings.root, names_); };
    auto entries = co_await workers_.run(list);
    co_await context_.db.fresh();
    const std::string reserved = context_.db.read(reservedGpusPath);
    std::erase_if(entries, [&reserved](StringMap& entry) { return isListed(reserved, entry["addr"]); });
    int index = 0;
    for (auto& entry : entries) {
        const int placement = context_.db.readInt("/xenmgr/gpu-placement/" + entry["addr"], index++);
        entry["placement"] = std::to_string(placement);
    }
    co_return entries;
}

Task<std::vector<StringMap>> HostObject::listDiskDevices(Caller) {
    auto list = [root = context_.settings.root] { return diskDeviceEntries(root); };
    co_return co_await workers_.run(std::move(list));
}

Task<std::vector<StringMap>> HostObject::listCdDevices(Caller) {
    auto list = [root = context_.settings.root] { return cdDeviceEntries(root); };
    auto entries = co_await workers_.run(std::move(list));
    co_await context_.db.fresh();
    for (auto& entry : entries) {
        std::string node = entry["id"];
        std::ranges::replace(node, ':', '_');
        const std::string owner = context_.db.read("/xenmgr/cdassign/" + node);
        entry["vm"] = owner;
        entry["vm-sticky"] = std::string(1, owner.empty() ? '0' : '1'); // of a literal GCC 12 warns at -O2
    }
    co_return entries;
}

Task<std::vector<StringMap>> HostObject::listPlaybackDevices(Caller) {
    auto list = [root = context_.settings.root] {
        return soundDeviceEntries(root, SoundDirection::playback);
    };
    co_return co_await workers_.run(std::move(list));
}

Task<std::vector<StringMap>> HostObject::listCaptureDevices(Caller) {
    auto list = [root = context_.settings.root] { return soundDeviceEntries(root, SoundDirection::capture); };
    co_return co_await workers_.run(std::move(list));
}

Task<std::vector<StringMap>> HostObject::listSoundCards(Caller) {
    auto list = [root = context_.settings.root] { return soundCardEntries(root); };
    co_return co_await workers_.run(std::move(list));
}

// --- not there yet ---

namespace {

Error missing(const char* method) {
    return notSupported(std::string("com.citrix.xenclient.xenmgr.host.") + method);
}

} // namespace

// Each is a coroutine, so that the error is thrown where it is awaited.
Task<> HostObject::assignCdDevice(Caller, std::string, bool, std::string) {
    throw missing("assign_cd_device");
    co_return;
}
Task<> HostObject::configureGpuPlacement(Caller, std::string, std::int32_t) {
    throw missing("configure_gpu_placement");
    co_return;
}
Task<> HostObject::ejectCdDevice(Caller, std::string) {
    throw missing("eject_cd_device");
    co_return;
}
Task<std::tuple<bool, std::string>> HostObject::getCdDeviceAssignment(Caller, std::string) {
    throw missing("get_cd_device_assignment");
    co_return std::tuple<bool, std::string>();
}
Task<std::int32_t> HostObject::getGpuPlacement(Caller, std::string) {
    throw missing("get_gpu_placement");
    co_return 0;
}
Task<std::string> HostObject::getSoundCardControl(Caller, std::string, std::string) {
    throw missing("get_sound_card_control");
    co_return "";
}
Task<> HostObject::hibernate(Caller) {
    throw missing("hibernate");
    co_return;
}
Task<std::vector<StringMap>> HostObject::listSoundCardControls(Caller, std::string) {
    throw missing("list_sound_card_controls");
    co_return std::vector<StringMap>();
}
Task<> HostObject::reboot(Caller) {
    throw missing("reboot");
    co_return;
}
Task<> HostObject::setLicense(Caller, std::string, std::string, std::string) {
    throw missing("set_license");
    co_return;
}
Task<> HostObject::setSoundCardControl(Caller, std::string, std::string, std::string) {
    throw missing("set_sound_card_control");
    co_return;
}
Task<> HostObject::shutdown(Caller) {
    throw missing("shutdown");
    co_return;
}
Task<> HostObject::shutdownIdle(Caller) {
    throw missing("shutdown_idle");
    co_return;
}
Task<> HostObject::sleep(Caller) {
    throw missing("sleep");
    co_return;
}
Task<> HostObject::setDisplayhandlerGpu(Caller, std::string) {
    throw missing("set_displayhandler_gpu");
    co_return;
}
Task<std::string> HostObject::getDisplayhandlerGpu(Caller) {
    throw missing("get_displayhandler_gpu");
    co_return "";
}
Task<std::vector<StringMap>> HostObject::listGpusForDisplayhandler(Caller) {
    throw missing("list_gpus_for_displayhandler");
    co_return std::vector<StringMap>();
}

} // namespace xb::xenmgr
