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
#include "xen/domain_config.hpp"
#include "xen/facts.hpp"
#include "xen/xenstore.hpp"

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
