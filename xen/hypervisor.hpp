// SPDX-License-Identifier: Apache-2.0
// The hypervisor layer: everything that the platform asks of Xen, in one interface with two implementations.
// `libxl` is the real one; `emulated` speaks with a xen-emulator process that plays Xen, dom0's backends and
// xenconsoled on a machine without Xen. Both pass the same contract tests (tests/unit/xen), and nothing above
// xen/ can tell which it runs on.
//
// All calls are coroutines on the loop; what blocks runs on a thread of the implementation. Failures are
// xb::Error whose text names the domain, the reason and, where libxl printed one, its message.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/domain_config.hpp"
#include "xen/facts.hpp"
#include "xen/xenstore.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::xen {

/// Name of the error of a domain that is not made because memory is short.
inline constexpr const char* notEnoughMemoryError = "org.xenbroker.Error.NotEnoughMemory";

/// What became of a watched domain.
struct DomainEvent {
    enum class Kind {
        shutdown, ///< it stopped: see reason; it still has to be destroyed
        death,    ///< it is gone (destroyed by whomever), or was never there
    };
    Kind kind = Kind::death;
    ShutdownReason reason = ShutdownReason::poweroff;
};

/// Steps of create(), in order.
enum class CreateStep {
    domainMade,  ///< it has a domid and a xenstore home
    devicesMade, ///< backends are connected, the device model runs
};

/// How a guest is asked to stop.
enum class ShutdownRequest { poweroff, reboot, suspend };

/// How a guest is saved.
enum class SaveMode {
    stopped, ///< it stands still from the beginning
    live,    ///< it runs until little is left
};

/// ACPI sleep states that a guest is asked for.
enum class SleepState { s3, s4 };

/// Reports of a watched domain; ends when destroyed.
class DomainWatch {
public:
    virtual ~DomainWatch() = default;
};

class Hypervisor {
public:
    using ProgressHandler = std::function<void(CreateStep, DomId)>;
    using EventHandler = std::function<void(DomainEvent)>;

    virtual ~Hypervisor() = default;

    virtual Task<HostInfo> hostInfo() = 0;
    virtual Task<std::vector<DomainInfo>> domains() = 0;
    /// Nothing when there is no such domain.
    virtual Task<std::optional<DomainInfo>> domain(DomId domid) = 0;
    /// The live domain with this UUID. One that is dying counts as gone.
    virtual Task<std::optional<DomainInfo>> findDomain(std::string uuid) = 0;

    /// Builds a domain and leaves it paused. On failure everything is undone. `progress` is called on the
    /// loop.
    virtual Task<DomId> create(DomainConfig config, ProgressHandler progress) = 0;
    virtual Task<> unpause(DomId domid) = 0;
    virtual Task<> pause(DomId domid) = 0;
    /// Tears the domain down with its devices and device model; done when it is gone. No error if it is gone
    /// already.
    virtual Task<> destroy(DomId domid) = 0;

    /// Asks the guest's PV driver through xenstore and waits for its acknowledgement, at most `limit`. False
    /// when the guest has no PV driver or does not answer: try powerButton() or forceShutdown() then.
    virtual Task<bool> requestShutdown(DomId domid, ShutdownRequest request, std::chrono::seconds limit) = 0;
    /// Presses the ACPI power button of an HVM guest.
    virtual Task<> powerButton(DomId domid) = 0;
    /// The domain stops at once, with this reason, as if it had done so itself.
    virtual Task<> forceShutdown(DomId domid, ShutdownReason reason) = 0;

    /// Calls `handler` on the loop when the domain stops or goes; at once when it already has.
    virtual Task<std::unique_ptr<DomainWatch>> watch(DomId domid, EventHandler handler) = 0;

    /// Path of the pty that the guest's console is on. Throws when the domain has none (yet).
    virtual Task<std::string> consoleTty(DomId domid) = 0;
    /// ACPI S-state of an HVM guest (0, 3, 4, 5); 0 for others.
    virtual Task<int> acpiState(DomId domid) = 0;
    /// KiB that must be free for `config` to start.
    virtual Task<std::uint64_t> memoryNeeded(DomainConfig config) = 0;

    // ---- saving (what an implementation does not override answers NotSupported, here and below)

    /// Suspends the guest, which must have a PV driver for that, and writes it to `stream` (a file, pipe or
    /// socket) in libxl's format. The domain is left stopped for suspend: destroy() or resume() it. When that
    /// fails, the guest goes on, unless it is what failed.
    virtual Task<> save(DomId domid, UniqueFd stream, SaveMode mode);
    /// A domain that save() left goes on where it was.
    virtual Task<> resume(DomId domid);
    /// As create(), with the memory and state of `stream`: one that save() wrote of a domain of this type.
    virtual Task<DomId> restore(DomainConfig config, UniqueFd stream, ProgressHandler progress);
    /// The configuration of the domain in the JSON of the implementation, for the header of a saved file
    /// (saved_domain.hpp).
    virtual Task<std::string> configurationJson(DomId domid);
    /// What configurationJson() wrote (with libxl also what xl did), as far as a DomainConfig has it. Devices
    /// that it has not are refused. The text is hostile.
    virtual Task<DomainConfig> parseConfiguration(std::string json);
    /// Writes an ELF core of the domain, which should be stopped or paused, to the new file `path`.
    virtual Task<> dumpCore(DomId domid, std::string path);

    // ---- sleep

    /// Asks the guest's PV driver for S3 or S4 and waits for its acknowledgement, as requestShutdown().
    /// NotSupported for S3 of a PV or PVH guest, which could not be woken.
    virtual Task<bool> requestSleep(DomId domid, SleepState state, std::chrono::seconds limit);
    /// Wakes an HVM guest from S3.
    virtual Task<> wake(DomId domid);
    /// Whether the guest has a driver that answers requests (HVM; others always).
    virtual Task<bool> hasPvDriver(DomId domid);

    // ---- memory and processors

    virtual Task<MemoryTarget> memoryTarget(DomId domid);
    /// Asks the guest to come to this. No more than the static maximum; not awaited.
    virtual Task<> setMemoryTarget(DomId domid, std::uint64_t kib);
    /// What the domain may have at most, whatever it asks for. libxl adds 1 MiB for pages of the toolstack,
    /// as it does when it makes a domain: DomainInfo::maxMemoryKib is that much more then.
    virtual Task<> setMaxMemory(DomId domid, std::uint64_t kib);
    virtual Task<std::vector<VcpuInfo>> vcpus(DomId domid);
    /// The first `count` of its virtual CPUs are to be online, the others not.
    virtual Task<> setOnlineVcpus(DomId domid, unsigned count);
    /// CPUs that virtual CPU `vcpu` may run on and should run on; empty: all; nothing: as before.
    virtual Task<> setAffinity(DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                               std::optional<std::vector<unsigned>> soft);
    virtual Task<SchedulerParameters> schedulerParameters(DomId domid);
    virtual Task<> setSchedulerParameters(DomId domid, SchedulerParameters parameters);

    // ---- devices of a live domain. They are named by vdev, devid and address; what is not there throws.

    virtual Task<std::vector<DeviceInfo<DiskConfig>>> disks(DomId domid);
    virtual Task<> addDisk(DomId domid, DiskConfig disk);
    /// `force`: without the guest's consent.
    virtual Task<> removeDisk(DomId domid, std::string vdev, bool force);
    /// Another medium for a CD drive; an empty path ejects.
    virtual Task<> changeMedium(DomId domid, std::string vdev, std::string path);
    virtual Task<std::vector<DeviceInfo<NicConfig>>> nics(DomId domid);
    virtual Task<> addNic(DomId domid, NicConfig nic);
    virtual Task<> removeNic(DomId domid, int devid, bool force);
    virtual Task<std::vector<PciConfig>> pciDevices(DomId domid);
    virtual Task<> addPci(DomId domid, PciConfig device);
    virtual Task<> removePci(DomId domid, PciAddress address, bool force);

    // ---- PCI devices that may be handed out

    virtual Task<std::vector<PciAddress>> assignableDevices();
    /// Takes it from its driver, which is remembered, for pciback.
    virtual Task<> makeAssignable(PciAddress address);
    /// Gives it back to the driver that it had, if `rebind`.
    virtual Task<> makeUnassignable(PciAddress address, bool rebind);

    // ---- host

    /// Xen's console ring.
    virtual Task<std::string> consoleRing();
    /// As if typed at Xen's serial console.
    virtual Task<> sendDebugKeys(std::string keys);
    /// Magic SysRq of a PV guest.
    virtual Task<> sendSysrq(DomId domid, char key);

    // ---- for administrators

    virtual Task<DomainDetails> domainDetails(DomId domid);
    virtual Task<HostDetails> hostDetails();
    virtual Task<> permit(DomId domid, HostResource resource, bool allowed);
    /// `stubdom` may act for `target`, whose device model it runs.
    virtual Task<> setTarget(DomId stubdom, DomId target);
    /// Our own domain's watchdog number `slot` goes off after `seconds` unless it is set again; 0 stops it.
    /// Slot 0 takes a free one. Answers the slot.
    virtual Task<unsigned> setWatchdog(unsigned slot, unsigned seconds);
    /// Whether FLASK refuses, or only logs, what its policy forbids.
    virtual Task<bool> flaskEnforces();
    virtual Task<> setFlaskEnforces(bool enforces);

    virtual XenStore& store() = 0;
};

/// Which implementation a daemon uses (--hypervisor).
struct HypervisorOptions {
    std::string kind = "libxl"; ///< libxl or emulated
    /// emulated: the emulator's run directory (its control socket and xenstored's are below it).
    std::string emulatorDirectory;
};

/// Opens the layer. Throws NotOnXen when libxl finds no Xen or is not in its control domain; xb::Error
/// otherwise.
std::unique_ptr<Hypervisor> openHypervisor(const Executor& executor, const HypervisorOptions& options);

/// "This machine does not run Xen": daemons say so and exit with exitNotOnXen.
class NotOnXen : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace xb::xen
