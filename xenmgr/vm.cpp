// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/vm.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/start_checks.hpp"
#include "xenmgr/vm_properties.hpp"
#include "xenmgr/vm_registry.hpp"
#include "xenmgr/xenvm_config.hpp"
#include "xenmgr/xenvm_links.hpp"

namespace xb::xenmgr {

namespace {

// A guest that reboots or dies over and over is left alone after this many restarts within this time.
constexpr std::size_t restartLimit = 5;
constexpr std::chrono::seconds restartWindow{60};

// The configuration for the monitor, where only it finds it.
void handOver(const std::filesystem::path& file, const std::string& text) {
    try {
        writeFileAtomically(file, text, 0600);
    } catch (const Error& e) {
        throw coded(Code::io, e.what());
    }
}

} // namespace

Vm::Vm(Context& context, std::string uuid)
    : context_(context), uuid_(std::move(uuid)), node_(vmNode(uuid_)),
      objectPath_("/vm/" + uuidToPathElement(uuid_)), timeOffsetKept_(context.bus.loop().executor()),
      operation_(context.bus.loop().executor()), destruction_(context.bus.loop().executor()),
      deviceLock_(context.bus.loop().executor()) {
    timeOffsetKept_.set();
}

std::string Vm::displayName() const {
    const std::string name = context_.db.read(node() + "/name");
    return name.empty() ? uuid_ : name;
}

std::string Vm::describe(const char* operation) const {
    return std::string(operation) + " of VM \"" + displayName() + "\"";
}

int Vm::acpiState() const {
    return asleep_ ? acpiStateOf(VmState::suspended, false)
                   : acpiStateOf(state_, context_.db.readBool(node() + "/hibernated", false));
}

// --- operations ---

Task<idl::xenvm::XenvmClient> Vm::monitor() {
    co_await context_.links.settled(uuid_);
    co_return context_.links.client(uuid_);
}

Task<> Vm::start() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (state_ == VmState::suspended)
        throw coded(Code::badState,
                    describe("start") +
                        ": it is suspended; resume_from_file lets it go on, destroy gives up what was saved");
    if (isRunning(state_)) {
        log::info("VM \"{}\" is {} already: not started again", displayName(), publicWord(state_));
        co_return;
    }
    stopRequested_ = false;
    co_await startLocked();
}

Task<> Vm::startLocked() {
    std::exception_ptr failure;
    try {
        co_await prepareAndStart();
    } catch (const Error&) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    if (state_ == VmState::preCreate || state_ == VmState::rebooted) // nothing runs, and nothing will
        setState(VmState::shutdown, -1);
    std::rethrow_exception(failure);
}

Task<> Vm::prepareAndStart() {
    Bringer bring = [](idl::xenvm::XenvmClient monitor) -> Task<> { co_await monitor.start(false); };
    co_await bringUp("start", std::move(bring));
}

Task<> Vm::bringUp(const char* operation, Bringer bring) {
    co_await timeOffsetKept_.wait();
    co_await context_.db.fresh();
    context_.db.requireAvailable();
    if (!context_.db.exists(node()))
        throw Error("VM " + uuid_ + " is not in the database any more");
    lastError_.clear();
    if (context_.db.readBool(node() + "/hibernated", false))
        co_await context_.db.write(node() + "/hibernated", "false");
    setState(VmState::preCreate, -1);
    try {
        checkBeforeStart(context_, uuid_);
        const std::string text = xenvmConfig(context_, uuid_);
        const auto file = context_.settings.runDirectory / ("xenvm-" + uuid_);
        handOver(file, text);
        co_await configureMonitor(file.string());
        auto client = context_.links.client(uuid_);
        co_await bring(std::move(client));
    } catch (const Error& e) {
        failed(operation, e.what());
        throw operationError(describe(operation), e);
    }
}

// A monitor that has just died seems to be there until the bus says otherwise, at the latest in its answer to
// a call: then another is started, once, and asked again.
Task<> Vm::reachMonitor(std::string file, std::function<Task<>()> ask) {
    for (bool again = true;; again = false) {
        co_await context_.links.ensure(uuid_, file);
        bool gone = false;
        try {
            co_await ask();
        } catch (const Error& e) {
            gone = e.name() == errors::serviceUnknown || e.name() == errors::nameHasNoOwner ||
                   e.name() == errors::noReply;
            if (!gone || !again)
                throw;
        }
        if (!gone)
            co_return;
    }
}

Task<> Vm::configureMonitor(std::string file) {
    std::function<Task<>()> ask = [this, file]() -> Task<> {
        const auto client = context_.links.client(uuid_);
        co_await client.readConfig(file);
    };
    co_await reachMonitor(file, std::move(ask));
}

Task<> Vm::shutdown() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (!isRunning(state_))
        co_return;
    if (asleep_)
        co_await wake(); // asleep it hears nothing
    stopRequested_ = true;
    try {
        const auto client = co_await monitor();
        co_await client.halt(false);
    } catch (const Error& e) {
        if (isRunning(state_)) { // else the guest went down by itself before it was asked
            requestFailed("shutdown", e);
            throw operationError(describe("shutdown"), e);
        }
    }
    stayDown();
}

// A guest that was rebooting anyway when it was asked to stop is down as well.
void Vm::stayDown() {
    if (state_ == VmState::rebooted)
        setState(VmState::shutdown, -1);
}

Task<> Vm::reboot() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (!isRunning(state_))
        throw coded(Code::badState, describe("reboot") + ": it is " + publicWord(state_));
    try {
        co_await stopForReboot();
        stopRequested_ = false;
        co_await startLocked();
    } catch (const Error& e) {
        requestFailed("reboot", e);
        stopRequested_ = false; // should it go down yet, then it reboots as was asked
        throw operationError(describe("reboot"), e);
    }
}

// Returns when it is down; also when it went down and its monitor died before it could say so.
Task<> Vm::stopForReboot() {
    const auto client = co_await monitor();
    stopRequested_ = true; // the restart is the caller's, not the event's
    try {
        co_await client.reboot(false, false);
    } catch (const Error&) {
        if (state_ != VmState::rebooted)
            throw;
    }
}

Task<> Vm::destroy() {
    auto self = shared_from_this();
    auto lock = co_await destruction_.lock();
    stopRequested_ = true;
    co_await context_.links.settled(uuid_);
    if (!context_.links.isRunning(uuid_)) {
        setState(VmState::shutdown, -1);
        co_return;
    }
    try {
        const auto client = context_.links.client(uuid_);
        co_await client.destroy();
    } catch (const Error& e) {
        if (state_ != VmState::rebooted) {
            requestFailed("destroy", e);
            throw operationError(describe("destroy"), e);
        }
    }
    stayDown();
}

Task<> Vm::pause() {
    auto self = shared_from_this();
    if (domid_ < 0)
        throw coded(Code::badState, describe("pause") + ": it is " + publicWord(state_));
    try {
        const auto client = co_await monitor();
        co_await client.pause();
    } catch (const Error& e) {
        throw operationError(describe("pause"), e);
    }
}

Task<> Vm::unpause() {
    auto self = shared_from_this();
    if (domid_ < 0)
        co_return;
    try {
        const auto client = co_await monitor();
        co_await client.unpause();
    } catch (const Error& e) {
        throw operationError(describe("unpause"), e);
    }
}

Task<std::string> Vm::console() {
    auto self = shared_from_this();
    if (domid_ < 0)
        throw Error("VM \"" + displayName() + "\" has no console: it is " + publicWord(state_));
    const auto client = co_await monitor();
    co_return co_await client.getConsole();
}

Task<bool> Vm::askMonitor(std::string& word, int& domid, bool& asleep) {
    constexpr std::int32_t acpiAsleep = 3;
    const auto file = context_.settings.runDirectory / ("xenvm-" + uuid_);
    std::uint64_t before = 0;
    std::function<Task<>()> ask = [&]() -> Task<> {
        before = reports_;
        const auto client = context_.links.client(uuid_);
        word = co_await client.getStatus();
        domid = co_await client.getDomid();
        const std::int32_t acpi = co_await client.getAcpiState();
        asleep = acpi == acpiAsleep;
    };
    std::string config = std::filesystem::exists(file) ? file.string() : "";
    co_await reachMonitor(std::move(config), std::move(ask));
    co_return reports_ == before;
}

Task<> Vm::adopt() {
    auto self = shared_from_this();
    std::string word;
    int domid = -1;
    bool asleep = false;
    if (!co_await askMonitor(word, domid, asleep))
        co_return;
    if (auto state = parseVmState(word)) {
        log::info("VM \"{}\" adopted: {}, domid {}", displayName(), word, domid);
        state_ = *state;
        domid_ = domid;
        asleep_ = asleep;
        if (state_ == VmState::rebooted)
            react(state_); // it rebooted while nobody looked
    }
    co_await finishStart();
}

Task<> Vm::dismiss() {
    auto self = shared_from_this();
    // Whoever asked the monitor for something gets the answer first.
    auto operation = co_await operation_.lock();
    auto destruction = co_await destruction_.lock();
    if (auto other = context_.vms.find(uuid_); other && other != self)
        co_return; // somebody made a new VM of that UUID meanwhile
    co_await context_.links.settled(uuid_);
    if (!context_.links.isRunning(uuid_))
        co_return;
    const auto client = context_.links.client(uuid_);
    co_await client.quit();
}

// --- reports ---

void Vm::stateReported(const std::string& word, int domid) {
    ++reports_;
    if (auto state = parseVmState(word))
        setState(*state, domid);
    else
        log::error("VM \"{}\": its monitor reports a state of no meaning: {}", displayName(), word);
}

void Vm::errorReported(const std::string& text) {
    lastError_ = text;
    log::warn("VM \"{}\": {}", displayName(), text);
}

void Vm::timeOffsetReported(int seconds) {
    timeOffset_ = seconds;
    if (!timeOffsetKept_.isSet())
        return;
    timeOffsetKept_.clear();
    context_.bus.loop().spawn("keeping the clock of VM " + uuid_, keepTimeOffset());
}

// One write at a time, so that the last report wins.
Task<> Vm::keepTimeOffset() {
    auto self = shared_from_this();
    const VmProperty* property = findVmProperty("time-offset");
    while (timeOffset_) {
        const int seconds = *std::exchange(timeOffset_, std::nullopt);
        try {
            PropertyContent content = seconds;
            co_await writeVmProperty(context_, self, *property, std::move(content));
            log::info("VM \"{}\": its guest set the clock; time-offset is {} s now", displayName(), seconds);
        } catch (const std::exception& e) {
            log::error("VM \"{}\": the time-offset {} of its guest's clock cannot be kept: {}", displayName(),
                       seconds, e.what());
        }
    }
    timeOffsetKept_.set();
}

void Vm::setState(VmState state, int domid) {
    const bool changed = state != state_;
    state_ = state;
    domid_ = domid;
    if (!changed)
        return;
    asleep_ = false;
    log::info("VM \"{}\" is {} (domid {})", displayName(), internalWord(state), domid);
    // A reboot is announced as a shutdown; its restart follows.
    if (state != VmState::preCreate)
        context_.signals.notify(uuid_,
                                std::string("vm:state:") +
                                    internalWord(state == VmState::rebooted ? VmState::shutdown : state));
    context_.signals.vmStateChanged(uuid_, publicWord(state), acpiState());
    react(state);
}

void Vm::react(VmState state) {
    if (state == VmState::running)
        lastError_.clear();
    if (stopRequested_)
        return;
    if (state == VmState::rebooted)
        context_.bus.loop().spawn("restarting VM " + uuid_, restartAfterReboot());
    else if (state == VmState::shutdown && context_.db.readBool(node() + "/keep-alive", false) &&
             !operation_.locked())
        context_.bus.loop().spawn("restarting VM " + uuid_, restartKeptAlive());
}

bool Vm::restartsTooOften() {
    const auto now = std::chrono::steady_clock::now();
    while (!restarts_.empty() && now - restarts_.front() > restartWindow)
        restarts_.pop_front();
    restarts_.push_back(now);
    if (restarts_.size() <= restartLimit)
        return false;
    failed("restart", "it stopped " + std::to_string(restarts_.size()) + " times within " +
                          std::to_string(restartWindow.count()) +
                          " s; start it by hand once the reason is mended");
    return true;
}

Task<> Vm::restartAfterReboot() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (state_ != VmState::rebooted)
        co_return;
    if (restartsTooOften()) {
        setState(VmState::shutdown, -1);
        co_return;
    }
    log::info("VM \"{}\" rebooted: starting it again", displayName());
    co_await startLocked();
}

Task<> Vm::restartKeptAlive() {
    auto self = shared_from_this();
    auto lock = co_await operation_.lock();
    if (state_ != VmState::shutdown || stopRequested_ || restartsTooOften())
        co_return;
    log::info("VM \"{}\" is kept alive: starting it again", displayName());
    co_await startLocked();
}

void Vm::monitorGone() {
    if (!isRunning(state_))
        return;
    log::warn("VM \"{}\": its monitor died while the VM is {}; starting another to adopt it", displayName(),
              publicWord(state_));
    context_.bus.loop().spawn("adopting VM " + uuid_, recover());
}

Task<> Vm::recover() {
    auto self = shared_from_this();
    if (restartsTooOften())
        co_return;
    std::string word;
    int domid = -1;
    bool asleep = false;
    if (co_await askMonitor(word, domid, asleep)) {
        stateReported(word, domid);
        setAsleep(asleep);
    }
    co_await finishStart();
}

// A monitor that died between building the domain and letting it run: nobody else will.
Task<> Vm::finishStart() {
    if (state_ != VmState::created)
        co_return;
    log::info("VM \"{}\": built when its monitor died; letting it run", displayName());
    try {
        const auto client = context_.links.client(uuid_);
        co_await client.unpause();
    } catch (const Error& e) {
        if (state_ == VmState::created)
            failed("start", e.what());
    }
}

// A monitor that answered is not stopping the guest any more: what the guest does next is its own doing. One
// that did not answer may be, or its successor.
void Vm::requestFailed(const std::string& what, const Error& e) {
    failed(what, e.what());
    const bool answered = e.name() != errors::timeout && e.name() != errors::noReply &&
                          e.name() != errors::serviceUnknown && e.name() != errors::disconnected;
    if (answered)
        stopRequested_ = false;
}

void Vm::failed(const std::string& what, const std::string& reason) {
    lastError_ = what + ": " + reason;
    log::warn("VM \"{}\": {} failed: {}", displayName(), what, reason);
}

} // namespace xb::xenmgr
