// SPDX-License-Identifier: Apache-2.0
// A VM's domain saved to a file and restored from it, and the sleep of its guest. The monitor does it; here
// is what else it means for the VM.
#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/xenvm_links.hpp"

namespace xb::xenmgr {

namespace {

/// For a guest to fall asleep or to hibernate (contract of sleep and hibernate: errors 227 and 228).
constexpr std::int32_t sleepLimit = 180;

/// A monitor's time-out has a number of its own here.
Error sleepError(const std::string& what, const Error& e, Code timedOut) {
    return e.name() == errors::timeout ? coded(timedOut, what + ": " + e.what()) : operationError(what, e);
}

} // namespace

void Vm::requireRunning(const char* operation) const {
    if (state_ != VmState::running)
        throw coded(Code::badState, describe(operation) + ": it is " + publicWord(state_));
}

void Vm::setAsleep(bool asleep) {
    if (asleep_ == asleep)
        return;
    asleep_ = asleep;
    context_.signals.vmStateChanged(uuid_, publicWord(state_), acpiState());
}

Task<> Vm::suspendToFile(std::string file) {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    requireRunning("suspend");
    stopRequested_ = true;
    try {
        const auto client = co_await monitor();
        co_await client.suspend(file, false);
    } catch (const Error& e) {
        requestFailed("suspend", e);
        throw operationError(describe("suspend"), e);
    }
    log::info("VM \"{}\" is saved in {}", displayName(), file);
}

// The file has the domain's own configuration; the monitor needs the VM's, for what comes after.
Task<> Vm::resumeFromFile(std::string file) {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (isRunning(state_) && state_ != VmState::suspended)
        throw coded(Code::badState, describe("resume") + ": it is " + publicWord(state_));
    const VmState before = state_;
    stopRequested_ = false;
    Bringer bring = [file](idl::xenvm::XenvmClient monitor) -> Task<> {
        co_await monitor.restore(file, false, false);
    };
    std::exception_ptr failure;
    try {
        co_await bringUp("resume", std::move(bring));
    } catch (const Error&) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    if (state_ == VmState::preCreate)
        setState(before == VmState::rebooted ? VmState::shutdown : before, -1);
    std::rethrow_exception(failure);
}

Task<> Vm::sleep() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (asleep_)
        co_return;
    requireRunning("sleep");
    try {
        const auto client = co_await monitor();
        co_await client.s3suspend(sleepLimit);
    } catch (const Error& e) {
        failed("sleep", e.what());
        throw sleepError(describe("sleep"), e, Code::didNotSleep);
    }
    if (state_ == VmState::running)
        setAsleep(true);
}

Task<> Vm::hibernate() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (!isRunning(state_))
        co_return;
    requireRunning("hibernate");
    stopRequested_ = true;
    try {
        const auto client = co_await monitor();
        co_await client.s4suspend(sleepLimit);
    } catch (const Error& e) {
        requestFailed("hibernate", e);
        throw sleepError(describe("hibernate"), e, Code::didNotHibernate);
    }
    co_await context_.db.write(node() + "/hibernated", "true");
    // That it stopped was told when its domain went, before it was known to have hibernated.
    context_.signals.vmStateChanged(uuid_, publicWord(state_), acpiState());
}

Task<> Vm::resume() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    requireRunning("resume");
    co_await wake();
}

// Under the lock of operations.
Task<> Vm::wake() {
    try {
        const auto client = co_await monitor();
        co_await client.trigger("s3resume");
    } catch (const Error& e) {
        failed("resume", e.what());
        throw coded(Code::didNotWake, describe("resume") + ": " + e.what());
    }
    setAsleep(false);
}

} // namespace xb::xenmgr
