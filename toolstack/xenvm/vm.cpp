// SPDX-License-Identifier: Apache-2.0
// The operations of a VM. Each public one takes the lock; the private ones run under it.
#include "toolstack/xenvm/vm.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/xenvm/disk_sharing.hpp"
#include "toolstack/xenvm/domain_builder.hpp"
#include "toolstack/xenvm/errors.hpp"
#include "toolstack/xenvm/pci_assignment.hpp"
#include "toolstack/xenvm/start_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace xb::xenvm {

using std::chrono::steady_clock;

namespace {

// Those that nobody else may use: not of mode w!.
std::vector<xen::DiskConfig> guardedDisks(const Config& config, std::vector<xen::DiskConfig> disks) {
    std::erase_if(disks, [&](const xen::DiskConfig& disk) {
        const auto entry = std::ranges::find(config.disks, disk.vdev, &DiskEntry::device);
        return entry != config.disks.end() && entry->shared;
    });
    return disks;
}

double secondsOf(std::chrono::milliseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

} // namespace

/// While it lives, a destroy is wanted: operations under way give up at their next step.
class Vm::DestroyMark {
public:
    explicit DestroyMark(Vm& vm) : vm_(vm) {
        ++vm_.destroyers_;
        vm_.wake_.set();
    }
    DestroyMark(const DestroyMark&) = delete;
    DestroyMark& operator=(const DestroyMark&) = delete;
    ~DestroyMark() { --vm_.destroyers_; }

private:
    Vm& vm_;
};

/// The answer of the guest to a request, which may come after everybody has stopped waiting.
struct Vm::Acknowledgement {
    bool done = false;
    bool given = false;
    std::exception_ptr failure;
};

Vm::Vm(const Executor& executor, xen::Hypervisor& hypervisor, VmOptions options, VmListener& listener)
    : executor_(executor), hypervisor_(hypervisor), options_(std::move(options)), listener_(listener),
      config_(options_.uuid, options_.configFile, options_.strictConfig),
      mirror_(std::make_shared<StateMirror>(executor, hypervisor.store(), options_.uuid)),
      operations_(executor), wake_(executor),
      pace_(options_.limits.restartSpacing, options_.limits.maxRestartSpacing) {}

// ---- start

Task<> Vm::start(bool paused) {
    const auto self = shared_from_this();
    requireStartable(); // a second start is refused at once, not after the first
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireStartable();
    pace_.forget();
    co_await startLocked(paused);
    co_await mirror_->flush();
}

Task<> Vm::startLocked(bool paused, Intent owed) {
    ++generation_;
    pace_.started(steady_clock::now());
    const bool saved = state() == LifeState::suspended && restoreFrom_;
    std::exception_ptr failure;
    try {
        co_await build(owed);
        if (!paused)
            co_await letRun();
    } catch (const std::exception& e) {
        failure = std::current_exception();
        lastError_ = e.what();
    }
    if (!failure) {
        lastError_.clear();
        co_return;
    }
    co_await abandon(saved ? LifeState::suspended : LifeState::shutdown);
    std::rethrow_exception(failure);
}

Task<> Vm::build(Intent owed) {
    config_.promote();
    config_.requireDevices();
    Translation translation = toDomainConfig(config_.current(), options_.uuid, machineFacts());
    if (!translation.ignored.empty())
        log::info("keys without effect here: {}", fmt::join(translation.ignored, ", "));
    auto files = neededFiles(translation.domain);
    co_await checkFiles(std::move(files));
    auto bootloader = translation.domain.bootloader;
    auto accounts = restrictedAccounts();
    co_await checkBootloader(std::move(bootloader), std::move(accounts));
    auto guarded = guardedDisks(config_.current(), translation.domain.disks);
    co_await checkSharing(hypervisor_.store(), std::move(guarded), -1);
    auto pciDevices = translation.domain.pciDevices;
    co_await checkPciDevices(hypervisor_.store(), std::move(pciDevices), -1, options_.system);
    xen::DomainConfig wanted = translation.domain;
    co_await checkHost(hypervisor_, std::move(wanted), !config_.current().noMemoryCheck);
    throwIfDestroyed();

    if (restoreFrom_)
        enter(LifeState::restoring, owed);
    enter(LifeState::creatingDomain, owed);
    co_await mirror_->flush(); // whoever finds a half-built domain must know it for one
    xen::Hypervisor::ProgressHandler progress = [this, owed](xen::CreateStep step, xen::DomId domid) {
        if (step != xen::CreateStep::domainMade)
            return;
        domid_ = domid;
        enter(LifeState::creatingDevices, owed);
    };
    try {
        if (restoreFrom_)
            domid_ = co_await hypervisor_.restore(std::move(translation.domain), std::move(restoreFrom_),
                                                  std::move(progress));
        else
            domid_ = co_await hypervisor_.create(std::move(translation.domain), std::move(progress));
    } catch (...) {
        domid_.reset(); // create() has undone everything
        throw;
    }
    if (state() == LifeState::creatingDomain)
        enter(LifeState::creatingDevices, owed);
    throwIfDestroyed(); // a build cannot be broken off
    co_await giveShare(std::move(translation.cpus));
    co_await watchDomain();
    enter(LifeState::created, owed);
    co_await mirror_->flush(); // from here on the domain is adopted, not thrown away
    throwIfDestroyed();
}

Task<> Vm::letRun(Intent intent) {
    co_await hypervisor_.unpause(*domid_);
    enter(LifeState::running, intent);
}

// `rest`: what it is then.
Task<> Vm::abandon(LifeState rest) {
    if (domid_) {
        try {
            co_await takeDownForGood();
        } catch (const std::exception& e) {
            report(e.what());
            co_return;
        }
    }
    // A suspended VM of which nothing was built is as it was.
    if (state() != LifeState::shutdown && state() != LifeState::suspended)
        enter(rest);
}

Task<std::uint64_t> Vm::memoryToStart() {
    const auto self = shared_from_this();
    auto translation = toDomainConfig(config_.latest(), options_.uuid, machineFacts());
    co_return co_await hypervisor_.memoryNeeded(std::move(translation.domain));
}

// ---- halt, reboot, destroy

Task<> Vm::halt(bool forced) {
    const auto self = shared_from_this();
    if (!hasDomain(state()))
        refuse("shut down");
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (!domid_)
        co_return; // somebody else was faster
    ++generation_;
    try {
        co_await stopGuest(xen::ShutdownRequest::poweroff, forced, Intent::halt);
        reportStopReason("shut down");
        co_await takeDown();
        enter(LifeState::shutdown);
    } catch (const std::exception& e) {
        failOperation(e);
        throw;
    }
    co_await mirror_->flush();
}

Task<> Vm::reboot(bool forced, bool autoStart) {
    const auto self = shared_from_this();
    if (!hasDomain(state()))
        refuse("reboot");
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (!domid_)
        refuse("reboot");
    ++generation_;
    const Intent intent = autoStart ? Intent::restart : Intent::reboot;
    try {
        co_await stopGuest(xen::ShutdownRequest::reboot, forced, intent);
        reportStopReason("reboot");
        enter(LifeState::rebooting, intent);
        co_await takeDown();
    } catch (const std::exception& e) {
        failOperation(e);
        throw;
    }
    if (autoStart)
        co_await startLocked(false, Intent::restart);
    else
        enter(LifeState::rebooted);
    co_await mirror_->flush();
}

Task<> Vm::destroy() {
    const auto self = shared_from_this();
    DestroyMark mark(*this);
    AsyncMutex::Lock lock = co_await operations_.lock();
    ++generation_;
    if (domid_)
        co_await takeDownForGood();
    if (state() != LifeState::shutdown)
        enter(LifeState::shutdown);
    co_await mirror_->flush();
}

Task<> Vm::stopGuest(xen::ShutdownRequest request, bool forced, Intent intent) {
    if (state() == LifeState::created) // it has never run: nobody to ask
        co_return;
    if (ended_) {
        markStopping(intent);
        co_return;
    }
    recordIntent(intent); // before anything can happen that whoever comes after us would have to explain
    co_await mirror_->flush();
    if (!forced) {
        if (state() == LifeState::paused)
            co_await letRun(intent); // a guest without processors cannot shut down
        const auto asked = steady_clock::now();
        const bool acknowledged = co_await askGuest(request);
        if (!acknowledged && !ended_)
            co_await pressPowerButton();
        markStopping(intent);
        if (ended_)
            co_return;
        const auto& limits = options_.limits;
        if (limits.forceAfter.count() == 0) {
            co_await awaitStop(limits.stop);
            co_return;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(limits.forceAfter - (steady_clock::now() - asked));
        const bool stopped = co_await stopsWithin(left);
        if (stopped)
            co_return;
        log::warn("domain {} has not stopped within {} s; it is stopped by force", *domid_,
                  secondsOf(limits.forceAfter));
    }
    const xen::ShutdownReason reason =
        request == xen::ShutdownRequest::reboot ? xen::ShutdownReason::reboot : xen::ShutdownReason::poweroff;
    co_await hypervisor_.forceShutdown(*domid_, reason);
    markStopping(intent);
    co_await awaitStop(options_.limits.stop);
}

void Vm::markStopping(Intent intent) {
    if (state() == LifeState::running || state() == LifeState::paused)
        enter(LifeState::shutdowning, intent);
}

void Vm::recordIntent(Intent intent) {
    intent_ = intent;
    mirror_->put(state(), intent);
}

// Nothing is under way any more: what the domain does from here on is its own doing. One that has stopped did
// so as it was asked, and react() comes next.
void Vm::failOperation(const std::exception& reason) {
    lastError_ = reason.what();
    if (!ended_)
        recordIntent(Intent::none);
}

Task<bool> Vm::askGuest(xen::ShutdownRequest request) {
    auto answer = std::make_shared<Acknowledgement>();
    spawn(executor_, "request to stop", listenToGuest(shared_from_this(), answer, *domid_, request));
    while (!answer->done && !ended_ && destroyers_ == 0) {
        wake_.clear();
        co_await wake_.wait();
    }
    throwIfDestroyed();
    if (answer->failure && !ended_)
        std::rethrow_exception(answer->failure);
    co_return answer->given;
}

Task<> Vm::listenToGuest(std::shared_ptr<Vm> self, std::shared_ptr<Acknowledgement> answer, xen::DomId domid,
                         xen::ShutdownRequest request) {
    try {
        answer->given =
            co_await self->hypervisor_.requestShutdown(domid, request, self->options_.limits.acknowledge);
    } catch (...) {
        answer->failure = std::current_exception();
    }
    answer->done = true;
    self->wake_.set();
}

Task<> Vm::pressPowerButton() {
    const auto& config = config_.current();
    if (config.type.value_or(config.hvm ? "hvm" : "pv") != "hvm") {
        if (options_.limits.forceAfter.count() > 0)
            co_return;
        throw Error(
            errorNames::didNotShutDown,
            fmt::format("VM {} did not shut down: its guest did not acknowledge the request within {} s; "
                        "force it or destroy it",
                        options_.uuid, options_.limits.acknowledge.count()));
    }
    for (int press = 0; press < powerButtonPresses; ++press) {
        co_await hypervisor_.powerButton(*domid_);
        const bool stopped = co_await stopsWithin(options_.limits.buttonSpacing);
        if (stopped)
            co_return;
    }
}

Task<bool> Vm::stopsWithin(std::chrono::milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (!ended_) {
        throwIfDestroyed();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0)
            co_return false;
        wake_.clear();
        co_await wake_.waitFor(left);
    }
    co_return true;
}

Task<> Vm::awaitStop(std::chrono::milliseconds limit) {
    const bool stopped = co_await stopsWithin(limit);
    if (stopped)
        co_return;
    if (state() == LifeState::shutdowning)
        enter(LifeState::running);
    throw Error(errorNames::didNotShutDown,
                fmt::format("VM {} did not shut down within {} s; force it or destroy it", options_.uuid,
                            secondsOf(limit)));
}

void Vm::reportStopReason(const char* what) {
    if (!ended_ || ended_->kind == xen::DomainEvent::Kind::death)
        return;
    if (ended_->reason == xen::ShutdownReason::crash)
        report("crashed");
    else if (ended_->reason == xen::ShutdownReason::suspend ||
             ended_->reason == xen::ShutdownReason::watchdog)
        report(fmt::format("wrong shutdown reason: the guest was to {} and stopped for {}", what,
                           toString(ended_->reason)));
}

Task<> Vm::takeDown() {
    const xen::DomId domid = *domid_;
    if (nodes_)
        co_await nodes_->lookAgain(); // what the guest set last goes with the domain
    try {
        co_await hypervisor_.destroy(domid);
    } catch (const Error& e) {
        lastError_ = fmt::format("domain {} cannot be taken down: {}", domid, e.what());
        throw Error(e.name(), lastError_);
    }
    close();
    domid_.reset();
    ended_.reset();
    reacted_ = false;
}

// One that is half gone must not be taken for a domain that is paused, by whoever comes after us.
Task<> Vm::takeDownForGood() {
    const Intent before = intent_;
    recordIntent(Intent::destroy);
    co_await mirror_->flush();
    try {
        co_await takeDown();
    } catch (...) {
        recordIntent(before);
        throw;
    }
}

// ---- pause

Task<> Vm::pause() {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("pause");
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (state() != LifeState::running || ended_)
        refuse("pause");
    co_await hypervisor_.pause(*domid_);
    enter(LifeState::paused);
    co_await mirror_->flush();
}

Task<> Vm::unpause() {
    const auto self = shared_from_this();
    const auto possible = [this] { return state() == LifeState::created || state() == LifeState::paused; };
    if (!possible())
        refuse("unpause");
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (!possible() || ended_)
        refuse("unpause");
    co_await letRun();
    co_await mirror_->flush();
}

// ---- shared

void Vm::enter(LifeState next, Intent intent) {
    intent_ = intent;
    if (!life_.enter(next))
        return;
    if (next == LifeState::shutdown)
        config_.promote();
    announce();
}

void Vm::announce() {
    log::info("state {}{}", toString(state()), domid_ ? fmt::format(", domain {}", *domid_) : "");
    mirror_->put(state(), intent_);
    listener_.stateChanged(state(), domid());
}

void Vm::report(const std::string& text) {
    log::error("{}", text);
    lastError_ = text;
    listener_.failed(text);
}

void Vm::refuse(const char* operation) const {
    throw Error(errorNames::badState,
                fmt::format("bad state: VM {} cannot {} in state {}{}", options_.uuid, operation,
                            toString(state()), ended_ ? " (its guest has stopped; destroy it)" : ""));
}

void Vm::requireStartable() const {
    if (!mayStart(state()))
        throw Error(errorNames::alreadyCreated,
                    fmt::format("already created: VM {} is in state {}{}", options_.uuid, toString(state()),
                                domid_ ? fmt::format(" as domain {}", *domid_) : ""));
}

void Vm::throwIfDestroyed() const {
    if (destroyers_ > 0)
        throw Error(fmt::format("VM {} was destroyed meanwhile", options_.uuid));
}

Task<> Vm::leave() {
    const auto self = shared_from_this();
    if (state() == LifeState::shutdown && !busy())
        mirror_->forget();
    co_await mirror_->flush();
}

void Vm::close() {
    watch_.reset();
    if (nodes_)
        nodes_->close();
    nodes_.reset();
    if (consoleLog_)
        consoleLog_->close();
    consoleLog_.reset();
}

} // namespace xb::xenvm
