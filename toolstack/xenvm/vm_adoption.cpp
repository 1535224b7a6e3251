// SPDX-License-Identifier: Apache-2.0
// What a VM finds when its monitor starts, and what it does when its domain ends unasked.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenvm/text.hpp"
#include "toolstack/xenvm/vm.hpp"
#include "xen/saved_domain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::xenvm {

using std::chrono::steady_clock;

// ---- at start-up

Task<> Vm::adopt() {
    const auto self = shared_from_this();
    const auto recorded = co_await mirror_->read();
    const auto info = co_await hypervisor_.findDomain(options_.uuid);
    try {
        config_.load();
        config_.promote();
    } catch (const Error& e) {
        if (!info)
            throw; // nothing to look after and nothing to start from
        report(fmt::format("domain {} is looked after without its configuration: {}", info->domid, e.what()));
    }
    if (info)
        co_await adoptDomain(*info, recorded);
    else
        adoptState(recorded);
    if (!recorded.undo.empty()) {
        co_await undo(recorded.undo);
        mirror_->settle();
    }
    co_await mirror_->flush();
}

void Vm::adoptState(StateMirror::Recorded recorded) {
    adopted_ = recorded.state.has_value();
    if (!recorded.state)
        return;
    // A restart that the last xenvm owed stays owed.
    intent_ = recorded.intent == Intent::restart ? Intent::restart : Intent::none;
    if (mayStart(*recorded.state))
        life_.adopt(*recorded.state);
    else if (*recorded.state == LifeState::suspending && recorded.intent == Intent::halt)
        life_.adopt(LifeState::suspended); // the file is complete
    else if (recorded.intent == Intent::restart || recorded.intent == Intent::reboot)
        life_.adopt(LifeState::rebooted);
    if (hasDomain(*recorded.state))
        log::warn("the domain that was {} has gone while nobody looked after it", toString(*recorded.state));
    announce();
}

Task<> Vm::adoptDomain(xen::DomainInfo info, StateMirror::Recorded recorded) {
    adopted_ = true;
    domid_ = info.domid;
    const LifeState last = recorded.state.value_or(LifeState::running);
    const bool building = last == LifeState::creatingDomain || last == LifeState::creatingDevices ||
                          last == LifeState::restoring;
    const bool halfBuilt = building && info.paused && !info.shutdown;
    if (halfBuilt || recorded.intent == Intent::destroy) {
        life_.adopt(last);
        intent_ = recorded.intent;
        const bool gone = co_await takeDownAdopted();
        if (!gone)
            co_return;
        enter(LifeState::shutdown, recorded.intent == Intent::restart ? Intent::restart : Intent::none);
        report(fmt::format("domain {} was {} when its monitor ended; it has been destroyed", info.domid,
                           halfBuilt ? "half built" : "being destroyed"));
        co_return;
    }

    if (last == LifeState::suspending) {
        co_await adoptSave(info, recorded.intent);
        co_return;
    }

    intent_ = recorded.intent;
    if ((last == LifeState::shutdowning || last == LifeState::rebooting) && !info.paused) {
        life_.adopt(LifeState::shutdowning);
        if (intent_ == Intent::none)
            intent_ = Intent::halt;
    } else if (last == LifeState::created && info.paused) {
        life_.adopt(LifeState::created);
    } else {
        life_.adopt(info.paused ? LifeState::paused : LifeState::running);
    }
    log::info("domain {} adopted", info.domid);
    announce();
    co_await watchDomain();
}

// False when it cannot go: then it is told as it was, and a destroy may succeed later.
Task<bool> Vm::takeDownAdopted() {
    std::string failure;
    try {
        co_await takeDown();
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (failure.empty())
        co_return true;
    announce();
    report(failure);
    co_return false;
}

// "file PATH", "disk xvdb", "nic 1", "moved-nic 1", "pci 0000:02:00.0": what the last xenvm was in the middle
// of.
Task<> Vm::undo(std::string what) {
    const auto space = std::min(what.find(' '), what.size());
    const std::string kind = what.substr(0, space);
    const std::string thing = what.substr(std::min(space + 1, what.size()));
    std::string failure;
    try {
        if (kind == "file") {
            auto remove = [thing] { xen::removeUnfinished(thing); };
            co_await fileWorkers().run(std::move(remove));
        } else if (hasLiveDomain() && kind == "disk") {
            co_await undoDisk(thing);
        } else if (hasLiveDomain() && kind == "pci") {
            co_await undoPci(thing);
        } else if (hasLiveDomain()) {
            co_await undoNic(static_cast<int>(parseInteger(thing).value_or(-1)), kind == "moved-nic");
        }
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report(fmt::format("what was under way when the last monitor ended, {}, cannot be undone: {}",
                           printable(what, 256), failure));
}

Task<> Vm::undoDisk(std::string device) {
    const auto live = co_await hypervisor_.disks(*domid_);
    for (const auto& each : live) {
        if (each.config.vdev != device)
            continue;
        co_await hypervisor_.removeDisk(*domid_, device, true);
        report(fmt::format("disk {} was being added to domain {} when its monitor ended; it has been removed",
                           device, *domid_));
        co_return;
    }
}

Task<> Vm::undoNic(int id, bool moved) {
    const auto plugged = co_await liveNic(id);
    if (plugged)
        co_await hypervisor_.removeNic(*domid_, id, true);
    if (moved) {
        const auto& configured = config_.current().nics;
        const auto entry = std::ranges::find(configured, id, &NicEntry::id);
        if (entry == configured.end())
            throw Error(fmt::format("NIC {} is not in the configuration", id));
        auto before = toNicConfig(*entry, machineFacts());
        co_await hypervisor_.addNic(*domid_, std::move(before));
    }
    if (plugged || moved)
        report(fmt::format("NIC {} was being {} domain {} when its monitor ended; it has been {}", id,
                           moved ? "moved in" : "added to", *domid_, moved ? "put back" : "removed"));
}

void Vm::begin() {
    const auto self = shared_from_this();
    if (!adopted_) {
        const Config& config = config_.current();
        const Startup otherwise = options_.configFile.empty() ? Startup::shutdown : Startup::start;
        const Startup startup = config.startup.value_or(otherwise);
        if (startup == Startup::start || startup == Startup::paused)
            spawn(executor_, "start at start-up", startUp(startup == Startup::paused));
        else if (startup != Startup::shutdown)
            spawn(executor_, "restore at start-up",
                  restoreAtStartUp(config.restoreFile, startup == Startup::restoreDelete));
    } else if (intent_ == Intent::restart && !domid_) {
        spawn(executor_, "restart that was under way", restartLater(generation_));
    } else if (intent_ == Intent::restart && state() == LifeState::created) {
        spawn(executor_, "restart that was under way", finishRestart());
    }
}

Task<> Vm::finishRestart() {
    const auto self = shared_from_this();
    std::string failure;
    try {
        co_await unpause();
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report(failure);
}

Task<> Vm::startUp(bool paused) {
    const auto self = shared_from_this();
    std::string failure;
    try {
        co_await start(paused);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report(failure);
}

// ---- events

Task<> Vm::watchDomain() {
    const xen::DomId domid = *domid_;
    std::weak_ptr<Vm> weak = weak_from_this();
    xen::Hypervisor::EventHandler handler = [weak, domid](xen::DomainEvent event) {
        if (auto vm = weak.lock())
            vm->onDomainEvent(event, domid);
    };
    watch_ = co_await hypervisor_.watch(domid, std::move(handler));
    co_await watchNodes();
    co_await watchConsoleLog();
}

void Vm::onDomainEvent(xen::DomainEvent event, xen::DomId domid) {
    if (domid_ != domid)
        return;
    const bool vanished = event.kind == xen::DomainEvent::Kind::death;
    if (saving_ && !vanished && event.reason == xen::ShutdownReason::suspend)
        return; // as we asked for
    if (!ended_) {
        ended_ = event;
    } else if (vanished && reacted_) {
        ended_ = event; // it had been kept, and somebody took it away
        reacted_ = false;
    } else {
        return;
    }
    wake_.set();
    spawn(executor_, fmt::format("end of domain {}", domid), react(domid));
}

// Whoever asked for the end holds the lock and deals with it: then there is nothing left to do here.
Task<> Vm::react(xen::DomId domid) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (domid_ != domid || !ended_ || reacted_)
        co_return;
    if (ended_->kind == xen::DomainEvent::Kind::shutdown && ended_->reason == xen::ShutdownReason::suspend) {
        // A save that is over may have let it go on before its suspend was told.
        const auto now = co_await hypervisor_.domain(domid);
        if (now && !now->shutdown && !now->dying) {
            ended_.reset();
            co_return;
        }
    }
    if (abandonedSave_ && ended_->kind == xen::DomainEvent::Kind::shutdown &&
        ended_->reason == xen::ShutdownReason::suspend) {
        std::string failure;
        try {
            co_await goOn();
        } catch (const std::exception& e) {
            failure = e.what();
        }
        if (!failure.empty())
            report(failure);
        co_return;
    }
    if (config_.current().enableDump && ended_->kind == xen::DomainEvent::Kind::shutdown &&
        ended_->reason == xen::ShutdownReason::crash)
        co_await dumpCrash(domid);
    reacted_ = true;
    const Reaction reaction = reactionTo(*ended_);
    log::info("domain {} ended: {}", domid,
              ended_->kind == xen::DomainEvent::Kind::death ? "gone" : toString(ended_->reason));
    if (!reaction.error.empty())
        report(reaction.error);
    if (!reaction.tearDown) {
        log::warn("domain {} is kept as it is until it is destroyed", domid);
        co_return;
    }
    // Decided, also for who comes after us and finds no domain any more.
    recordIntent(reaction.restart ? Intent::restart : reaction.shutdown ? Intent::halt : Intent::reboot);
    co_await mirror_->flush();
    std::string failure;
    try {
        co_await takeDown();
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty()) {
        recordIntent(Intent::none);
        report(failure);
        co_return;
    }
    if (reaction.rebooted)
        enter(LifeState::rebooted, reaction.restart ? Intent::restart : Intent::none);
    if (reaction.shutdown)
        enter(LifeState::shutdown, reaction.restart ? Intent::restart : Intent::none);
    if (reaction.restart)
        spawn(executor_, "restart", restartLater(generation_));
}

Reaction Vm::reactionTo(const xen::DomainEvent& event) const {
    const bool asExpected =
        event.kind == xen::DomainEvent::Kind::shutdown &&
        (event.reason == xen::ShutdownReason::poweroff || event.reason == xen::ShutdownReason::reboot);
    if (intent_ == Intent::none || !asExpected)
        return reactTo(event, config_.current(), *domid_);
    // The end of what the last xenvm had begun.
    Reaction reaction;
    reaction.tearDown = true;
    reaction.shutdown = intent_ == Intent::halt || intent_ == Intent::destroy;
    reaction.rebooted = !reaction.shutdown;
    reaction.restart = intent_ == Intent::restart;
    return reaction;
}

Task<> Vm::restartLater(unsigned generation) {
    const auto self = shared_from_this();
    const auto wait = pace_.next(steady_clock::now());
    if (pace_.row() > 1)
        log::warn("restart {} in a row: in {:.1f} s", pace_.row(),
                  std::chrono::duration<double>(wait).count());
    if (wait.count() > 0)
        co_await delay(wait);
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (generation_ != generation || !mayStart(state()))
        co_return;
    try {
        config_.load();
    } catch (const Error& e) {
        log::warn("restarting with the configuration in hand: {}", e.what());
    }
    std::string failure;
    try {
        co_await startLocked(false, Intent::restart);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report(failure);
}

} // namespace xb::xenvm
