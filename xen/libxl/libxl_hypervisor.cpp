// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/libxl_hypervisor.hpp"

#include "toolstack/libs/log.hpp"
#include "xen/libxl/death_watcher.hpp"
#include "xen/libxl/devices.hpp"
#include "xen/libxl/domain_config_builder.hpp"
#include "xen/libxl/domain_creation.hpp"
#include "xen/libxl/domain_info.hpp"
#include "xen/libxl/guest_request.hpp"
#include "xen/libxl/host_operations.hpp"
#include "xen/libxl/hvm_facts.hpp"
#include "xen/libxl/libxl_threads.hpp"
#include "xen/libxl/loop_devices.hpp"
#include "xen/libxl/pci_devices.hpp"
#include "xen/libxl/resources.hpp"
#include "xen/libxl/saving.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace xb::xen {

namespace {

// xenconsoled makes the pty soon after a domain was introduced.
constexpr std::chrono::seconds consoleLimit{5};
// Xen keeps a destroyed domain while somebody maps its memory (xenconsoled lets go a moment later).
constexpr std::chrono::seconds vanishLimit{10};
constexpr std::chrono::milliseconds firstVanishCheck{2};
constexpr std::chrono::milliseconds longestVanishCheck{500};

int libxlReason(ShutdownReason reason) {
    switch (reason) {
    case ShutdownReason::poweroff:
        return LIBXL_SHUTDOWN_REASON_POWEROFF;
    case ShutdownReason::reboot:
        return LIBXL_SHUTDOWN_REASON_REBOOT;
    case ShutdownReason::suspend:
        return LIBXL_SHUTDOWN_REASON_SUSPEND;
    case ShutdownReason::crash:
        return LIBXL_SHUTDOWN_REASON_CRASH;
    case ShutdownReason::watchdog:
        return LIBXL_SHUTDOWN_REASON_WATCHDOG;
    case ShutdownReason::softReset:
        return LIBXL_SHUTDOWN_REASON_SOFT_RESET;
    }
    return LIBXL_SHUTDOWN_REASON_POWEROFF;
}

void destroyDomain(LibxlContext& context, DomId domid) {
    if (!queryDomainState(context, domid))
        return;
    const int code = libxl_domain_destroy(context.get(), domid, nullptr);
    // Somebody else may have been faster.
    if (code == ERROR_DOMAIN_NOTFOUND || (code < 0 && !queryDomainState(context, domid)))
        return;
    context.check("destroying " + domainText(domid), code);
}

// Empty while there is none.
std::string primaryConsole(LibxlContext& context, DomId domid) {
    requireDomain(context, domid);
    char* path = nullptr;
    const int code = libxl_primary_console_get_tty(context.get(), domid, &path);
    std::string result = code == 0 && path ? path : "";
    std::free(path);
    return result;
}

std::uint64_t neededMemory(LibxlContext& context, const DomainConfig& config) {
    LibxlDomainConfig translated;
    translate(config, translated);
    std::uint64_t result = 0;
    context.check(fmt::format("working out the memory that domain '{}' needs", config.name),
                  libxl_domain_need_memory(context.get(), &translated.value, invalidDomid, &result));
    return result;
}

} // namespace

// Coroutines keep the parts that they use alive: they may be resumed after the object is gone.
class LibxlHypervisor final : public Hypervisor {
public:
    LibxlHypervisor(const Executor& executor, std::shared_ptr<XenStore> store)
        : executor_(executor), threads_(std::make_shared<LibxlThreads>(executor)), store_(std::move(store)) {
        query_ = [threads = threads_](DomId domid) {
            return threads->run([domid](LibxlContext& context) { return queryDomainState(context, domid); });
        };
        deaths_ = std::make_shared<DeathWatcher>(executor, store_, query_);
    }
    LibxlHypervisor(const LibxlHypervisor&) = delete;
    LibxlHypervisor& operator=(const LibxlHypervisor&) = delete;
    ~LibxlHypervisor() override { threads_->stop(); }

    Task<HostInfo> hostInfo() override { return threads_->run(queryHost); }

    Task<std::vector<DomainInfo>> domains() override { return threads_->run(queryDomains); }

    Task<std::optional<DomainInfo>> domain(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) { return queryDomain(context, domid); });
    }

    Task<std::optional<DomainInfo>> findDomain(std::string uuid) override {
        return threads_->run([uuid](LibxlContext& context) { return queryDomainByUuid(context, uuid); });
    }

    Task<DomId> create(DomainConfig config, ProgressHandler progress) override {
        return createDomain(executor_, threads_, store_, std::move(config), UniqueFd(), std::move(progress));
    }

    Task<> unpause(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) {
            context.check("unpausing " + domainText(domid),
                          libxl_domain_unpause(context.get(), domid, nullptr));
        });
    }

    Task<> pause(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) {
            context.check("pausing " + domainText(domid), libxl_domain_pause(context.get(), domid, nullptr));
        });
    }

    Task<> destroy(DomId domid) override { return destroyAndWait(threads_, store_, query_, domid); }

    Task<bool> requestShutdown(DomId domid, ShutdownRequest request, std::chrono::seconds limit) override {
        return askToStop(executor_, threads_, store_, query_, domid, request, limit);
    }

    Task<> powerButton(DomId domid) override { return pressPowerButton(threads_, store_, domid); }

    Task<> forceShutdown(DomId domid, ShutdownReason reason) override {
        return threads_->run([domid, reason](LibxlContext& context) {
            requireDomain(context, domid);
            if (xc_domain_shutdown(context.control(), domid, libxlReason(reason)) != 0)
                throw systemError("stopping " + domainText(domid), errno);
        });
    }

    Task<std::unique_ptr<DomainWatch>> watch(DomId domid, EventHandler handler) override {
        return DeathWatcher::watch(deaths_, domid, std::move(handler));
    }

    Task<std::string> consoleTty(DomId domid) override {
        return waitForConsole(executor_, threads_, store_, domid);
    }

    Task<int> acpiState(DomId domid) override { return readAcpiState(threads_, store_, domid); }

    Task<std::uint64_t> memoryNeeded(DomainConfig config) override {
        return threads_->run(
            [config = std::move(config)](LibxlContext& context) { return neededMemory(context, config); });
    }

    Task<> save(DomId domid, UniqueFd stream, SaveMode mode) override {
        return saveAndWatch(threads_, deaths_, domid, std::move(stream), mode);
    }

    Task<> resume(DomId domid) override { return resumeAndWatch(threads_, deaths_, domid); }

    Task<DomId> restore(DomainConfig config, UniqueFd stream, ProgressHandler progress) override {
        if (!stream)
            return withoutStream();
        return createDomain(executor_, threads_, store_, std::move(config), std::move(stream),
                            std::move(progress));
    }

    Task<std::string> configurationJson(DomId domid) override {
        return threads_->run(
            [domid](LibxlContext& context) { return xen::configurationJson(context, domid); });
    }

    Task<DomainConfig> parseConfiguration(std::string json) override {
        return threads_->run([json = std::move(json)](LibxlContext& context) {
            return xen::parseConfiguration(context, json);
        });
    }

    Task<> dumpCore(DomId domid, std::string path) override {
        return dumpDomainCore(threads_, domid, std::move(path));
    }

    Task<bool> requestSleep(DomId domid, SleepState state, std::chrono::seconds limit) override {
        return askToSleep(executor_, threads_, store_, query_, domid, state, limit);
    }

    Task<> wake(DomId domid) override { return wakeDomain(threads_, store_, domid); }

    Task<bool> hasPvDriver(DomId domid) override { return xen::hasPvDriver(threads_, store_, domid); }

    Task<std::vector<DeviceInfo<DiskConfig>>> disks(DomId domid) override { return devices().disks(domid); }
    Task<> addDisk(DomId domid, DiskConfig disk) override {
        return devices().addDisk(domid, std::move(disk));
    }
    Task<> removeDisk(DomId domid, std::string vdev, bool force) override {
        return devices().removeDisk(domid, std::move(vdev), force);
    }
    Task<> changeMedium(DomId domid, std::string vdev, std::string path) override {
        return devices().changeMedium(domid, std::move(vdev), std::move(path));
    }
    Task<std::vector<DeviceInfo<NicConfig>>> nics(DomId domid) override { return devices().nics(domid); }
    Task<> addNic(DomId domid, NicConfig nic) override { return devices().addNic(domid, std::move(nic)); }
    Task<> removeNic(DomId domid, int devid, bool force) override {
        return devices().removeNic(domid, devid, force);
    }

    // ---- PCI devices (pci_devices.hpp)

    Task<std::vector<PciConfig>> pciDevices(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) { return queryPciDevices(context, domid); });
    }
    Task<> addPci(DomId domid, PciConfig device) override {
        return threads_->run([domid, device](LibxlContext& context) { plugPci(context, domid, device); });
    }
    Task<> removePci(DomId domid, PciAddress address, bool force) override {
        return threads_->run([=](LibxlContext& context) { unplugPci(context, domid, address, force); });
    }
    Task<std::vector<PciAddress>> assignableDevices() override {
        return threads_->run(queryAssignableDevices);
    }
    Task<> makeAssignable(PciAddress address) override {
        return threads_->run([address](LibxlContext& context) { makeDeviceAssignable(context, address); });
    }
    Task<> makeUnassignable(PciAddress address, bool rebind) override {
        return threads_->run(
            [=](LibxlContext& context) { makeDeviceUnassignable(context, address, rebind); });
    }

    // ---- memory, processors and host (resources.hpp)

    Task<MemoryTarget> memoryTarget(DomId domid) override {
        return readMemoryTarget(threads_, store_, domid);
    }
    Task<> setMemoryTarget(DomId domid, std::uint64_t kib) override {
        return threads_->run([=](LibxlContext& context) { changeMemoryTarget(context, domid, kib); });
    }
    Task<> setMaxMemory(DomId domid, std::uint64_t kib) override {
        return threads_->run([=](LibxlContext& context) { changeMaxMemory(context, domid, kib); });
    }
    Task<std::vector<VcpuInfo>> vcpus(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) { return queryVcpus(context, domid); });
    }
    Task<> setOnlineVcpus(DomId domid, unsigned count) override {
        return threads_->run([=](LibxlContext& context) { changeOnlineVcpus(context, domid, count); });
    }
    Task<> setAffinity(DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                       std::optional<std::vector<unsigned>> soft) override {
        return threads_->run(
            [=](LibxlContext& context) { changeAffinity(context, domid, vcpu, hard, soft); });
    }
    Task<SchedulerParameters> schedulerParameters(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) { return queryScheduler(context, domid); });
    }
    Task<> setSchedulerParameters(DomId domid, SchedulerParameters parameters) override {
        return threads_->run([=](LibxlContext& context) { changeScheduler(context, domid, parameters); });
    }
    Task<std::string> consoleRing() override { return threads_->run(readConsoleRing); }
    Task<> sendDebugKeys(std::string keys) override {
        return threads_->run([keys](LibxlContext& context) { pressDebugKeys(context, keys); });
    }
    Task<> sendSysrq(DomId domid, char key) override {
        return threads_->run([=](LibxlContext& context) { pressSysrq(context, domid, key); });
    }

    // ---- for administrators (host_operations.hpp)

    Task<DomainDetails> domainDetails(DomId domid) override {
        return threads_->run([domid](LibxlContext& context) { return queryDomainDetails(context, domid); });
    }

    Task<HostDetails> hostDetails() override { return threads_->run(queryHostDetails); }

    Task<> permit(DomId domid, HostResource resource, bool allowed) override {
        return threads_->run([domid, resource, allowed](LibxlContext& context) {
            permitResource(context, domid, resource, allowed);
        });
    }

    Task<> setTarget(DomId stubdom, DomId target) override {
        auto allow = [stubdom, target](LibxlContext& context) { setTargetOf(context, stubdom, target); };
        return setTargetAndTell(threads_, store_, allow, stubdom, target);
    }

    Task<unsigned> setWatchdog(unsigned slot, unsigned seconds) override {
        return threads_->run(
            [slot, seconds](LibxlContext& context) { return setOwnWatchdog(context, slot, seconds); });
    }

    Task<bool> flaskEnforces() override { return threads_->run(queryFlaskEnforces); }

    Task<> setFlaskEnforces(bool enforces) override {
        return threads_->run([enforces](LibxlContext& context) { changeFlaskEnforces(context, enforces); });
    }

    XenStore& store() override { return *store_; }

private:
    LibxlDevices devices() const { return {threads_, store_}; }

    static Task<> destroyAndWait(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                 DeathWatcher::Query query, DomId domid) {
        LoopSystem system;
        const auto loops = co_await loopDevicesOf(store, domid, system);
        auto destroyIt = [domid](LibxlContext& context) { destroyDomain(context, domid); };
        co_await threads->run(destroyIt);
        LoopSuspect suspect = [loops](const LoopDevice& each) {
            return std::ranges::find(loops, each) != loops.end();
        };
        if (std::ranges::any_of(attachedLoopDevices(system), suspect))
            co_await detachLeftLoopDevices(threads, store, suspect, system);
        // Nothing tells of the end of a dying domain; mostly it is gone by now.
        const auto deadline = std::chrono::steady_clock::now() + vanishLimit;
        for (auto pause = firstVanishCheck;; pause = std::min(2 * pause, longestVanishCheck)) {
            const auto info = co_await query(domid);
            if (!info || !info->dying)
                co_return;
            if (std::chrono::steady_clock::now() > deadline) {
                log::warn("{} is destroyed, but Xen keeps it: its memory is still mapped somewhere",
                          domainText(domid));
                co_return;
            }
            co_await delay(pause);
        }
    }

    static Task<> setTargetAndTell(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                   std::function<void(LibxlContext&)> allow, DomId stubdom, DomId target) {
        co_await threads->run(std::move(allow));
        // Where the stub domain's device model looks for whom it serves.
        const auto node = fmt::format("/local/domain/{}/target", stubdom);
        const auto value = std::to_string(target);
        co_await store->write(node, value);
    }

    static Task<bool> askToStop(Executor executor, std::shared_ptr<LibxlThreads> threads,
                                std::shared_ptr<XenStore> store, DeathWatcher::Query query, DomId domid,
                                ShutdownRequest request, std::chrono::seconds limit) {
        const bool answers = co_await xen::hasPvDriver(threads, store, domid);
        if (!answers)
            co_return false;
        co_return co_await requestOfGuest(executor, store, query, domid, request, limit);
    }

    static Task<bool> askToSleep(Executor executor, std::shared_ptr<LibxlThreads> threads,
                                 std::shared_ptr<XenStore> store, DeathWatcher::Query query, DomId domid,
                                 SleepState state, std::chrono::seconds limit) {
        const bool hvm = co_await isHvm(threads, store, domid);
        if (state == SleepState::s3 && !hvm)
            throw Error(errors::notSupported, domainText(domid) + " cannot sleep: only HVM guests do");
        const bool answers = co_await xen::hasPvDriver(threads, store, domid);
        if (!answers)
            co_return false;
        // Left by the last waking: it would end this sleep at once.
        co_await store->remove(fmt::format("/local/domain/{}/wakeup-req", domid));
        co_return co_await requestSleepOfGuest(executor, store, query, domid, state, limit);
    }

    static Task<DomId> withoutStream() {
        throw Error(errors::invalidArgs, "restoring needs a stream");
        co_return 0;
    }

    static Task<> saveAndWatch(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<DeathWatcher> deaths,
                               DomId domid, UniqueFd stream, SaveMode mode) {
        std::exception_ptr failure;
        try {
            co_await saveDomain(threads, domid, std::move(stream), mode);
        } catch (...) {
            failure = std::current_exception();
        }
        if (!failure)
            co_return;
        deaths->resumed(domid); // the guest goes on: its next stop is news
        std::rethrow_exception(failure);
    }

    static Task<> resumeAndWatch(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<DeathWatcher> deaths,
                                 DomId domid) {
        co_await resumeDomain(threads, domid);
        deaths->resumed(domid);
    }

    static Task<> pressPowerButton(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                   DomId domid) {
        const bool hvm = co_await isHvm(threads, store, domid);
        if (!hvm)
            throw Error(errors::notSupported, domainText(domid) + " has no power button: it is not HVM");
        auto press = [domid](LibxlContext& context) {
            context.check("pressing the power button of " + domainText(domid),
                          libxl_send_trigger(context.get(), domid, LIBXL_TRIGGER_POWER, 0, nullptr));
        };
        co_await threads->run(press);
    }

    static Task<int> readAcpiState(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                   DomId domid) {
        const bool hvm = co_await isHvm(threads, store, domid);
        if (!hvm)
            co_return 0;
        auto ask = [domid](LibxlContext& context) {
            return static_cast<int>(hvmParameter(context, domid, HVM_PARAM_ACPI_S_STATE));
        };
        co_return co_await threads->run(ask);
    }

    // The pty's path is written by xenconsoled, or by qemu for the serial port.
    static Task<std::string> waitForConsole(Executor executor, std::shared_ptr<LibxlThreads> threads,
                                            std::shared_ptr<XenStore> store, DomId domid) {
        const bool hvm = co_await isHvm(threads, store, domid);
        const auto node = fmt::format("/local/domain/{}/{}", domid, hvm ? "serial/0/tty" : "console/tty");
        auto findTty = [domid](LibxlContext& context) { return primaryConsole(context, domid); };
        auto changed = std::make_shared<Event>(executor);
        auto onChange = [changed](const std::string&) { changed->set(); };
        const auto nodeWatch = co_await store->watch(node, onChange);
        const auto deadline = std::chrono::steady_clock::now() + consoleLimit;
        for (;;) {
            changed->clear();
            const auto value = co_await store->read(node);
            if (value && !value->empty()) {
                const auto tty = co_await threads->run(findTty);
                if (!tty.empty())
                    co_return tty;
            }
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            if (left.count() <= 0 || !co_await changed->waitFor(left))
                throw Error(fmt::format("{} has no console yet: {} is empty (does xenconsoled run?)",
                                        domainText(domid), node));
        }
    }

    Executor executor_;
    std::shared_ptr<LibxlThreads> threads_;
    std::shared_ptr<XenStore> store_;
    DeathWatcher::Query query_;
    std::shared_ptr<DeathWatcher> deaths_;
};

std::unique_ptr<Hypervisor> openLibxl(const Executor& executor) {
    const auto missing = whyNotOnXen();
    if (!missing.empty())
        throw NotOnXen("this is not a Xen control domain: " + missing);
    // Boot loaders in dom0 read what a guest has on its disk: libxl then runs them as a user without rights,
    // and only then (xl(1), LIBXL_BOOTLOADER_RESTRICT). Set while there are no other threads.
    ::setenv("LIBXL_BOOTLOADER_RESTRICT", "1", 1);
    // Says early what would fail later: a xenstored that is away, libraries of another version than Xen's.
    LibxlContext context;
    queryHost(context);
    return std::make_unique<LibxlHypervisor>(executor, connectXenStore(executor, ""));
}

} // namespace xb::xen
