// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/emulator.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulator/backends.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"
#include "xen/emulated/emulator/domain_tree.hpp"
#include "xen/emulated/emulator/hot_devices.hpp"
#include "xen/emulated/emulator/saved_stream.hpp"
#include "xen/emulated/shared_layout.h"

#include <algorithm>
#include <csignal>
#include <filesystem>

namespace xb::xen::emulated {

namespace {

// The first id that is not a domain's (DOMID_FIRST_RESERVED).
constexpr DomId firstReservedDomId = 0x7ff0;

std::string nameOf(const Domain& domain) {
    return "domain " + std::to_string(domain.domid) + " \"" + domain.config.name + "\"";
}

} // namespace

Emulator::Emulator(const Executor& executor, EmulatorOptions options)
    : executor_(executor), options_(std::move(options)), vchans_(executor, options_.directory),
      xenstoredGone_(executor) {}

Emulator::~Emulator() = default;

Task<> Emulator::start(std::function<void(std::string)> onLost) {
    removeFiles(false); // what an emulator that was killed has left
    makeDirectories(options_.directory + "/domains", 0700);
    co_await xenstored_.start(options_);
    spawn(executor_, "xenstored", watchXenstored(std::move(onLost)));
    store_ = std::make_unique<XenStoreClient>(executor_, xenstoreSocketPath(options_.directory));
    co_await writeControlDomain(*store_);
    backends_ = std::make_unique<Backends>(executor_, options_, *store_, faults_);
    co_await backends_->start();
    hotDevices_ = std::make_unique<HotDevices>(executor_, options_, *store_, *backends_);
    vchans_.start();
}

Task<> Emulator::watchXenstored(std::function<void(std::string)> onLost) {
    const auto status = co_await xenstored_.wait();
    xenstoredGone_.set();
    if (!stopping_)
        onLost("xenstored " + status.text());
}

Task<> Emulator::stop() {
    stopping_ = true;
    vchans_.close();
    endTransfers();
    const auto all = domains_;
    for (const auto& [domid, domain] : all)
        domain->kill();
    for (const auto& [domid, domain] : all)
        if (domain->hasProcess())
            co_await domain->exited.wait();
    xenstored_.kill();
    if (store_)
        co_await xenstoredGone_.wait();
    domains_.clear();
    removeFiles(!options_.keepLogs);
}

// Everything that this program makes, by name: the directory may hold what is somebody else's.
void Emulator::removeFiles(bool all) {
    for (const char* name : {"control", "domains", "events", "vchan", "xenstored", "console"}) {
        if (!all && std::string_view(name) == "console")
            continue;
        std::error_code error;
        std::filesystem::remove_all(options_.directory + "/" + name, error);
        if (error)
            log::error("cannot remove {}/{}: {}", options_.directory, name, error.message());
    }
}

std::uint64_t Emulator::freeMemoryKib() const {
    std::uint64_t taken = options_.controlDomainMemoryMib * 1024;
    for (const auto& [domid, domain] : domains_)
        taken += domain->resources.takenKib();
    const std::uint64_t total = options_.memoryMib * 1024;
    return total > taken ? total - taken : 0;
}

HostInfo Emulator::hostInfo() const {
    HostInfo info;
    info.totalMemoryKib = options_.memoryMib * 1024;
    info.freeMemoryKib = freeMemoryKib();
    info.cpus = options_.cpus;
    info.version = "4.17.7-emulated";
    info.capabilities = "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64";
    info.hvm = true;
    info.directIo = options_.directIo;
    return info;
}

std::vector<DomainInfo> Emulator::domains() const {
    DomainInfo control;
    control.uuid = "00000000-0000-0000-0000-000000000000";
    control.name = "Domain-0";
    control.memoryKib = control.maxMemoryKib = options_.controlDomainMemoryMib * 1024;
    control.vcpus = options_.cpus;
    std::vector<DomainInfo> result{control};
    for (const auto& [domid, domain] : domains_)
        result.push_back(domain->info());
    return result;
}

Emulator::DomainPtr Emulator::existing(DomId domid) const {
    const auto found = domains_.find(domid);
    if (found == domains_.end())
        throw Error("there is no domain " + std::to_string(domid));
    return found->second;
}

Emulator::DomainPtr Emulator::running(DomId domid) const {
    auto domain = existing(domid);
    if (!domain->running() || !domain->hasProcess())
        throw Error(nameOf(*domain) + " is not running: it " +
                    (domain->dying      ? "is being destroyed"
                     : domain->shutdown ? "has shut down"
                                        : "is being built"));
    return domain;
}

void Emulator::checkClash(const DomainConfig& config) const {
    for (const auto& [domid, domain] : domains_) {
        if (domain->dying)
            continue;
        if (domain->config.uuid == config.uuid)
            throw Error("domain \"" + config.name + "\": " + nameOf(*domain) + " has the UUID " +
                        config.uuid + " already");
        if (domain->config.name == config.name)
            throw Error("domain \"" + config.name + "\": " + nameOf(*domain) + " has this name already");
    }
}

// Upwards, and only then again from the start: a number is not used again at once.
DomId Emulator::allocateDomId() {
    if (domains_.size() >= options_.maxDomains)
        throw Error(errors::limitsExceeded,
                    "there are " + std::to_string(options_.maxDomains) + " domains already (--max-domains)");
    while (nextDomId_ >= firstReservedDomId || nextDomId_ == 0 || domains_.contains(nextDomId_))
        nextDomId_ = nextDomId_ >= firstReservedDomId ? 1 : nextDomId_ + 1;
    return nextDomId_++;
}

Task<DomId> Emulator::create(DomainConfig config, Hypervisor::ProgressHandler progress, std::string state) {
    if (stopping_)
        throw Error("the emulator is ending");
    std::transform(config.uuid.begin(), config.uuid.end(), config.uuid.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    checkDomainConfig(config);
    checkClash(config);
    const std::uint64_t needed = memoryNeededKib(config) + stubMemoryNeededKib(config);
    if (faults_.take(Faults::noMemory) || needed > freeMemoryKib())
        throw Error(notEnoughMemoryError,
                    "domain \"" + config.name + "\": not enough memory: " + std::to_string(needed) +
                        " KiB requested, " + std::to_string(freeMemoryKib()) + " KiB available");
    const DomId domid = allocateDomId();
    const auto domain = std::make_shared<Domain>(executor_, options_, domid, std::move(config));
    const bool restoring = !state.empty();
    if (restoring)
        domain->beginWith(state);
    domain->onSuspended = [this, weak = std::weak_ptr(domain)] {
        if (const auto self = weak.lock())
            onSuspended(self);
    };
    domains_.emplace(domid, domain);
    domain->onMemoryRequest([this](Domain& asking, std::uint64_t kib) { return grantMemory(asking, kib); });
    const auto lock = co_await domain->lifeCycle.lock();
    std::exception_ptr failure;
    try {
        co_await build(domain, std::move(progress), restoring);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await tearDown(domain);
        std::rethrow_exception(failure);
    }
    log::info("{} is built, {} KiB", nameOf(*domain), domain->resources.takenKib());
    co_return domid;
}

Task<> Emulator::build(DomainPtr domain, Hypervisor::ProgressHandler progress, bool restoring) {
    const DomId domid = domain->domid;
    vchans_.addDomain(domid);
    co_await writeDomain(*store_, domid, domain->config, domain->console->tty());
    progress(CreateStep::domainMade, domid);
    domain->startProcess([this, weak = std::weak_ptr(domain)](const ExitStatus& status) {
        if (const auto self = weak.lock())
            onExit(self, status);
    });
    co_await writeDevices(*store_, domid, domain->config);
    for (const auto& id : devicesOf(domain->config))
        co_await backends_->waitUntilReady(domid, id, options_.deviceLimit);
    if (domain->config.stubDomain.wanted)
        co_await startStubDomain(domain, restoring);
    if (faults_.take(Faults::slowBuild))
        co_await delay(faults_.time(Faults::slowBuild));
    if (faults_.take(Faults::createFailsLate))
        throw Error(nameOf(*domain) + ": injected fault " + Faults::createFailsLate);
    if (!domain->running())
        throw Error(nameOf(*domain) + " ended while it was being built");
    progress(CreateStep::devicesMade, domid);
}

// How a process's end looks from the hypervisor.
void Emulator::onExit(const DomainPtr& domain, const ExitStatus& status) {
    if (domain->dying || stopping_)
        return;
    if (domain->shutdown) {
        log::warn("{}: its process {} while it stood suspended", nameOf(*domain), status.text());
        return;
    }
    const int code = status.code.value_or(-1) - XB_EXIT_SHUTDOWN;
    const bool stoppedItself = code >= 0 && code <= static_cast<int>(ShutdownReason::softReset);
    domain->reason = domain->forced  ? *domain->forced
                     : stoppedItself ? static_cast<ShutdownReason>(code)
                                     : ShutdownReason::crash;
    domain->shutdown = true;
    if (!stoppedItself && !domain->forced)
        log::warn("{}: its process {}", nameOf(*domain), status.text());
    log::info("{} has shut down: {}", nameOf(*domain), toString(domain->reason));
    domain->writeState(domain->reason == ShutdownReason::crash ? 'c' : 's');
    xenstored_.raiseDomainVirq();
    domain->setStopped();
    onEvent_(domain->domid, DomainEvent{DomainEvent::Kind::shutdown, domain->reason});
}

Task<> Emulator::unpause(DomId domid) {
    const auto domain = running(domid);
    co_await domain->unpause();
}

Task<> Emulator::pause(DomId domid) {
    const auto domain = running(domid);
    co_await domain->pause();
}

Task<> Emulator::destroy(DomId domid) {
    const auto found = domains_.find(domid);
    if (domid == 0)
        throw Error(errors::invalidArgs, "domain 0 cannot be destroyed");
    if (found == domains_.end())
        co_return;
    const auto domain = found->second;
    const auto lock = co_await domain->lifeCycle.lock();
    if (!domain->gone.isSet())
        co_await tearDown(domain);
}

// Called with the domain's lifeCycle held.
Task<> Emulator::tearDown(DomainPtr domain) {
    domain->dying = true;
    domain->setStopped();
    if (const auto transfer = domain->transfer.lock())
        transfer->raise();
    domain->kill();
    if (domain->hasProcess())
        co_await domain->exited.wait();
    if (domain->stubDomain)
        co_await destroy(*domain->stubDomain);
    if (faults_.take(Faults::slowDestroy))
        co_await delay(faults_.time(Faults::slowDestroy));
    backends_->dropDomain(domain->domid);
    vchans_.removeDomain(domain->domid);
    domain->writeState('d');
    xenstored_.raiseDomainVirq();
    std::exception_ptr failure;
    try {
        co_await removeDomain(*store_, domain->domid, domain->config.uuid);
    } catch (...) {
        failure = std::current_exception();
    }
    domain->console->close();
    domains_.erase(domain->domid);
    domain->gone.set();
    log::info("{} is destroyed", nameOf(*domain));
    onEvent_(domain->domid, DomainEvent{DomainEvent::Kind::death, domain->reason});
    if (failure)
        std::rethrow_exception(failure);
}

Task<bool> Emulator::requestShutdown(DomId domid, std::string word, std::chrono::seconds limit) {
    const auto domain = running(domid);
    if (domain->config.type == DomainType::hvm && !domain->pvDriver)
        co_return false;
    const std::string node = domainPath(domid) + "/control/shutdown";
    co_await store_->write(node, word);
    // The guest acknowledges by emptying the node; a guest that stops has understood as well.
    const auto acknowledged = std::make_shared<Event>(executor_);
    auto check = [this, node, acknowledged](const std::string&) {
        auto look = [](Emulator* self, std::string path, std::shared_ptr<Event> event) -> Task<> {
            const auto value = co_await self->store_->read(path);
            if (!value || value->empty())
                event->set();
        };
        spawn(executor_, "reading " + node, look(this, node, acknowledged));
    };
    const auto watch = co_await store_->watch(node, std::move(check));
    domain->alsoWhenStopped(acknowledged);
    if (!domain->running())
        co_return true;
    if (co_await acknowledged->waitFor(limit))
        co_return true;
    if (domain->running())
        co_await store_->write(node, "");
    co_return false;
}

void Emulator::powerButton(DomId domid) {
    const auto domain = running(domid);
    if (domain->config.type != DomainType::hvm)
        throw Error(errors::notSupported, nameOf(*domain) + " is not HVM: it has no power button");
    domain->pressPowerButton();
}

Task<> Emulator::forceShutdown(DomId domid, ShutdownReason reason) {
    const auto domain = existing(domid);
    if (!domain->running())
        co_return;
    domain->forced = reason;
    domain->kill();
    co_await domain->stopped.wait();
}

Task<> Emulator::addDisk(DomId domid, DiskConfig disk) {
    return hotDevices_->addDisk(running(domid), std::move(disk));
}

Task<> Emulator::removeDisk(DomId domid, std::string vdev, bool force) {
    return hotDevices_->removeDisk(running(domid), std::move(vdev), force);
}

Task<> Emulator::changeMedium(DomId domid, std::string vdev, std::string path) {
    return hotDevices_->changeMedium(running(domid), std::move(vdev), std::move(path));
}

Task<> Emulator::addNic(DomId domid, NicConfig nic) {
    return hotDevices_->addNic(running(domid), std::move(nic));
}

Task<> Emulator::removeNic(DomId domid, std::uint32_t devid, bool force) {
    return hotDevices_->removeNic(running(domid), devid, force);
}

} // namespace xb::xen::emulated
