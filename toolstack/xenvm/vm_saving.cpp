// SPDX-License-Identifier: Apache-2.0
// Suspending a VM to a file, restoring it, checkpoints, cores, and the sleep of its guest. A file has its
// name only when all of it is on the disk; from then on (Intent::halt in state suspending) the domain is to
// go.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/xenvm/errors.hpp"
#include "toolstack/xenvm/vm.hpp"
#include "xen/saved_domain.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <ctime>
#include <unistd.h>

namespace xb::xenvm {

using std::chrono::steady_clock;

namespace {

constexpr int acpiAsleep = 3;
constexpr int acpiHibernated = 4;
/// Nothing tells of a guest's ACPI state: it is looked at so often.
constexpr std::chrono::milliseconds acpiLook{1000};

std::filesystem::path savedFilePath(const std::filesystem::path& root, const std::string& file) {
    if (!file.starts_with('/') || file.find('\0') != std::string::npos)
        throw Error(errors::invalidArgs,
                    fmt::format("the file \"{}\" of a saved VM must be an absolute path", file.c_str()));
    return below(root, file);
}

} // namespace

// Files are opened, synced and renamed there: a disk may take its time.
Workers& Vm::fileWorkers() {
    if (!fileWorkers_)
        fileWorkers_.emplace(1);
    return *fileWorkers_;
}

/// A save, which may end after everybody has stopped waiting.
struct Vm::SaveOutcome {
    bool done = false;
    std::exception_ptr failure;
};

Task<> Vm::suspend(std::string file, bool live) {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("suspend");
    const auto path = savedFilePath(options_.root, file);
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (state() != LifeState::running || ended_)
        refuse("suspend");
    ++generation_;
    co_await saveTo(path, live);
    // The file is complete: the domain must never run on, also if it cannot go now.
    recordIntent(Intent::halt);
    co_await mirror_->flush();
    co_await takeDown();
    enter(LifeState::suspended);
    co_await mirror_->flush();
}

Task<> Vm::checkpoint(std::string file, bool live) {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("be checkpointed");
    const auto path = savedFilePath(options_.root, file);
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (state() != LifeState::running || ended_)
        refuse("be checkpointed");
    co_await saveTo(path, live);
    co_await goOn();
    co_await mirror_->flush();
}

// Leaves the domain suspended and the file complete, or the guest running and no file.
Task<> Vm::saveTo(std::filesystem::path path, bool live) {
    enter(LifeState::suspending);
    mirror_->owe("file " + path.string());
    co_await mirror_->flush();
    saving_ = true;
    std::exception_ptr failure;
    bool suspended = false;
    try {
        const auto configuration = co_await hypervisor_.configurationJson(*domid_);
        auto make = [path, configuration] { return std::make_shared<xen::SavedFile>(path, configuration); };
        const auto file = co_await fileWorkers().run(std::move(make));
        co_await runSave(file->stream(), live ? xen::SaveMode::live : xen::SaveMode::stopped);
        suspended = true;
        auto finish = [file] { file->finish(); };
        co_await fileWorkers().run(std::move(finish));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure && suspended && destroyers_ == 0) {
        try {
            co_await goOn();
        } catch (const std::exception& e) {
            report(e.what());
        }
    }
    saving_ = false;
    mirror_->settle();
    if (!failure)
        throwIfDestroyed();
    if (failure && destroyers_ == 0 && state() == LifeState::suspending)
        enter(LifeState::running);
    co_await mirror_->flush();
    if (!failure)
        co_return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        lastError_ = e.what();
        throw;
    }
}

Task<> Vm::runSave(UniqueFd stream, xen::SaveMode mode) {
    auto outcome = std::make_shared<SaveOutcome>();
    spawn(executor_, "save", saveInBackground(shared_from_this(), outcome, *domid_, std::move(stream), mode));
    while (!outcome->done && destroyers_ == 0) {
        wake_.clear();
        co_await wake_.wait();
    }
    if (!outcome->done) {
        recordIntent(Intent::destroy);
        co_await mirror_->flush();
        co_await hypervisor_.destroy(*domid_); // which ends the save
        while (!outcome->done) {
            wake_.clear();
            co_await wake_.wait();
        }
    }
    throwIfDestroyed();
    if (outcome->failure)
        std::rethrow_exception(outcome->failure);
}

Task<> Vm::saveInBackground(std::shared_ptr<Vm> self, std::shared_ptr<SaveOutcome> outcome, xen::DomId domid,
                            UniqueFd stream, xen::SaveMode mode) {
    try {
        co_await self->hypervisor_.save(domid, std::move(stream), mode);
    } catch (...) {
        outcome->failure = std::current_exception();
    }
    outcome->done = true;
    self->wake_.set();
}

// The guest of a domain that stands suspended.
Task<> Vm::goOn() {
    co_await hypervisor_.resume(*domid_);
    saving_ = false;
    abandonedSave_ = false;
    ended_.reset();
    reacted_ = false;
    enter(LifeState::running);
}

Task<> Vm::restore(std::string file, bool paused, bool remove) {
    const auto self = shared_from_this();
    requireStartable();
    const auto path = savedFilePath(options_.root, file);
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireStartable();
    if (state() == LifeState::rebooted)
        refuse("be restored");
    auto open = [path] { return std::make_shared<xen::OpenedSavedFile>(xen::openSavedFile(path)); };
    const auto opened = co_await fileWorkers().run(std::move(open));
    restoreFrom_ = std::move(opened->stream);
    std::exception_ptr failure;
    try {
        co_await startLocked(paused);
    } catch (...) {
        failure = std::current_exception();
    }
    restoreFrom_.reset();
    co_await mirror_->flush();
    if (failure)
        std::rethrow_exception(failure);
    if (!remove)
        co_return;
    auto unlink = [path] { return ::unlink(path.c_str()) == 0 ? 0 : errno; };
    const int reason = co_await fileWorkers().run(std::move(unlink));
    if (reason != 0 && reason != ENOENT)
        report(fmt::format("VM {} is restored, but {} cannot be removed: {}", options_.uuid, path.string(),
                           std::generic_category().message(reason)));
}

Task<> Vm::restoreAtStartUp(std::string file, bool remove) {
    const auto self = shared_from_this();
    std::string failure;
    try {
        co_await restore(std::move(file), false, remove);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report(failure);
}

// What the last xenvm was doing when it ended in state suspending.
Task<> Vm::adoptSave(xen::DomainInfo info, Intent intent) {
    const bool suspended = info.shutdown && info.reason == xen::ShutdownReason::suspend;
    if (intent == Intent::halt && suspended) {
        life_.adopt(LifeState::suspending);
        intent_ = Intent::halt;
        const bool gone = co_await takeDownAdopted();
        if (gone)
            enter(LifeState::suspended);
        co_return;
    }
    life_.adopt(LifeState::running);
    intent_ = Intent::none;
    // It may have been told to suspend, and do so only now.
    abandonedSave_ = !suspended;
    if (suspended) {
        std::string outcome = "it goes on";
        try {
            co_await hypervisor_.resume(info.domid);
        } catch (const std::exception& e) {
            outcome = fmt::format("it cannot go on: {}", e.what());
        }
        report(fmt::format("domain {} was being saved when its monitor ended; {}", info.domid, outcome));
    }
    announce();
    co_await watchDomain();
}

// ---- core dumps

// The policy is carried out whatever comes of this.
Task<> Vm::dumpCrash(xen::DomId domid) {
    std::string failure;
    const auto file = options_.coreDirectory / coreFileName(options_.uuid, std::time(nullptr));
    try {
        const auto info = co_await hypervisor_.domain(domid);
        const std::uint64_t bytes = info ? info->memoryKib * 1024 : 0;
        auto makeRoom = [directory = options_.coreDirectory, limits = options_.coreLimits, bytes] {
            makeRoomForCore(directory, limits, bytes);
        };
        co_await fileWorkers().run(std::move(makeRoom));
        co_await hypervisor_.dumpCore(domid, file.string());
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (failure.empty())
        log::info("the core of domain {} is in {}", domid, file.string());
    else
        report(fmt::format("there is no core of domain {}: {}", domid, failure));
}

// ---- sleep

Task<> Vm::requireSleeper(const char* operation) {
    if (state() != LifeState::running || ended_)
        refuse(operation);
    const bool answers = co_await hypervisor_.hasPvDriver(*domid_);
    if (!answers)
        throw Error(errorNames::noPvDriver,
                    fmt::format("VM {} cannot {}: its guest has no PV driver that could be asked",
                                options_.uuid, operation));
}

Task<> Vm::requestSleep(xen::SleepState wanted, const char* operation) {
    const bool acknowledged = co_await hypervisor_.requestSleep(*domid_, wanted, options_.limits.acknowledge);
    if (!acknowledged)
        throw Error(fmt::format("VM {} did not {}: its guest did not acknowledge the request within {} s",
                                options_.uuid, operation, options_.limits.acknowledge.count()));
}

Task<> Vm::sleep(std::chrono::seconds limit) {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("sleep");
    AsyncMutex::Lock lock = co_await operations_.lock();
    co_await requireSleeper("sleep");
    const int before = co_await hypervisor_.acpiState(*domid_);
    if (before == acpiAsleep)
        co_return; // it would not hear the request
    const auto deadline = steady_clock::now() + limit;
    co_await requestSleep(xen::SleepState::s3, "sleep");
    for (;;) {
        throwIfDestroyed();
        if (ended_)
            throw Error(fmt::format("VM {} did not sleep: its guest has stopped", options_.uuid));
        const int now = co_await hypervisor_.acpiState(*domid_);
        if (now == acpiAsleep)
            co_return;
        if (now == acpiHibernated)
            throw Error(fmt::format("VM {} did not sleep: its guest hibernates", options_.uuid));
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0)
            throw Error(errors::timeout,
                        fmt::format("VM {} did not sleep within {} s", options_.uuid, limit.count()));
        wake_.clear();
        co_await wake_.waitFor(std::min(left, acpiLook));
    }
}

Task<> Vm::hibernate(std::chrono::seconds limit) {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("hibernate");
    AsyncMutex::Lock lock = co_await operations_.lock();
    co_await requireSleeper("hibernate");
    ++generation_;
    recordIntent(Intent::halt); // its end is no reason to start it again
    co_await mirror_->flush();
    try {
        co_await requestSleep(xen::SleepState::s4, "hibernate");
        const bool stopped = co_await stopsWithin(limit);
        if (!stopped)
            throw Error(errors::timeout,
                        fmt::format("VM {} did not hibernate within {} s", options_.uuid, limit.count()));
        markStopping(Intent::halt);
        reportStopReason("hibernate");
        co_await takeDown();
        enter(LifeState::shutdown);
    } catch (const std::exception& e) {
        failOperation(e);
        throw;
    }
    co_await mirror_->flush();
}

Task<> Vm::wakeGuest() {
    const auto self = shared_from_this();
    if (state() != LifeState::running)
        refuse("be woken");
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (state() != LifeState::running || ended_)
        refuse("be woken");
    co_await hypervisor_.wake(*domid_);
}

} // namespace xb::xenvm
