// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/vm_wait.hpp"

#include "toolstack/xec/command.hpp"
#include "toolstack/xec/progress.hpp"
#include "toolstack/xec/value_printer.hpp"
#include "toolstack/xec/vms.hpp"

#include <algorithm>
#include <array>
#include <deque>

namespace xb::xec {

struct Goal {
    std::string_view method;
    std::string_view state;
    /// The VM must have left its state before: reboot.
    bool mustDepart;
    /// The guest takes part and may take its time.
    bool guestDriven;
};

namespace {

constexpr std::array goals{
    Goal{"start", "running", false, false}, Goal{"shutdown", "stopped", false, true},
    Goal{"reboot", "running", true, true},  Goal{"destroy", "stopped", false, false},
    Goal{"pause", "paused", false, false},  Goal{"unpause", "running", false, false},
};

constexpr std::array<std::string_view, 6> transitions{"creating", "stopping",   "rebooting",
                                                      "rebooted", "suspending", "restoring"};

const Goal* findGoal(std::string_view method) {
    const auto found =
        std::find_if(goals.begin(), goals.end(), [&](const Goal& g) { return g.method == method; });
    return found == goals.end() ? nullptr : &*found;
}

// A locked VM is a stopped one.
bool isState(std::string_view state, std::string_view wanted) {
    return state == wanted || (wanted == "stopped" && state == "locked");
}

// What xenmgr announces about one VM, and whether xenmgr is there.
class Watch {
public:
    Watch(Client& client, std::string path, Progress& progress)
        : changed_(client.bus().loop().executor()), path_(std::move(path)), progress_(progress) {
        SignalMatch match;
        match.sender = client.service();
        match.path = "/";
        match.interface = xenmgrInterface;
        match.member = "vm_state_changed";
        signal_ = client.bus().onSignal(match, [this](Message message) { onState(std::move(message)); });
        owner_ = client.bus().onOwnerChanged(client.service(), [this](std::string owner) {
            gone_ = gone_ || owner.empty();
            changed_.set();
        });
    }

    Event& changed() { return changed_; }
    bool gone() const { return gone_; }
    void forget() { states_.clear(); }
    std::deque<std::string> take() {
        changed_.clear();
        return std::exchange(states_, {});
    }

private:
    void onState(Message message) {
        if (message.signature() != "sosi")
            return;
        auto [uuid, path, state, acpi] =
            readBody<std::string, ObjectPath, std::string, std::int32_t>(message);
        if (path != path_)
            return;
        progress_.show(state);
        states_.push_back(std::move(state));
        changed_.set();
    }

    Event changed_;
    std::string path_;
    Progress& progress_;
    std::deque<std::string> states_;
    bool gone_ = false;
    Subscription signal_;
    Subscription owner_;
};

Task<VmMoment> readMoment(Client& client, std::string path) {
    VmMoment moment;
    Vm vm;
    for (const char* property : {"state", "domid"}) {
        Value value = co_await client.get(path, vmInterface, property);
        vm.properties.emplace(property, std::move(value));
    }
    moment.state = vm.text("state");
    moment.domid = vm.domid();
    co_return moment;
}

Task<std::string> lastError(Client& client, std::string path) {
    try {
        std::vector<Value> none;
        const auto reply = co_await client.call(path, "org.xenbroker.vm", "get_last_error", std::move(none));
        if (reply.size() == 1 && !printValue(reply[0]).empty())
            co_return printValue(reply[0]);
    } catch (const Error&) {
        // A service without that interface: the state must do.
    }
    co_return "no reason is known";
}

using Clock = std::chrono::steady_clock;

std::optional<Clock::time_point> deadlineOf(const VmOptions& options) {
    if (!options.wait->limit)
        return std::nullopt;
    return Clock::now() + *options.wait->limit;
}

// Waits for a change; false when `deadline` passes or, if there is one, `grace` is over.
Task<bool> waitForChange(Watch& watch, std::optional<Clock::time_point> deadline, bool grace) {
    std::optional<Clock::duration> limit;
    if (deadline)
        limit = std::max(Clock::duration::zero(), *deadline - Clock::now());
    if (grace)
        limit = std::min(limit.value_or(settleTime), Clock::duration(settleTime));
    if (!limit) {
        co_await watch.changed().wait();
        co_return true;
    }
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(*limit);
    co_return co_await watch.changed().waitFor(rounded);
}

Task<> waitForGoal(Client& client, Watch& watch, Judge& judge, std::optional<Clock::time_point> deadline,
                   std::string path, std::string method) {
    for (;;) {
        for (const std::string& state : watch.take())
            judge.announced(state);
        if (watch.gone())
            throw Error(errors::serviceUnknown,
                        client.service() + " went away while " + path + " was waited for");
        const VmMoment moment = co_await readMoment(client, path);
        const Judge::Verdict verdict = judge.now(moment);
        if (verdict == Judge::Verdict::reached)
            co_return;
        bool changed = false;
        if (verdict != Judge::Verdict::failed)
            changed = co_await waitForChange(watch, deadline, verdict == Judge::Verdict::unsettled);
        if (changed)
            continue;
        const std::string text =
            method + " of " + path + ": the VM is " + moment.state + ", not " + std::string(judge.goal());
        if (verdict != Judge::Verdict::failed && deadline && Clock::now() >= *deadline)
            throw Error(errors::timeout, text + ", when the time of --wait is over");
        const std::string reason = co_await lastError(client, path);
        throw Error(errors::failed, text + ": " + reason);
    }
}

} // namespace

bool canWaitFor(std::string_view method) {
    return findGoal(method) != nullptr;
}

Judge::Judge(std::string_view method, VmMoment before)
    : goal_(findGoal(method)), before_(std::move(before)) {}

std::string_view Judge::goal() const {
    return goal_->state;
}

void Judge::see(const std::string& state) {
    departed_ = departed_ || state != before_.state;
    reached_ = reached_ || (isState(state, goal_->state) && (departed_ || !goal_->mustDepart));
}

void Judge::announced(const std::string& state) {
    see(state);
}

Judge::Verdict Judge::now(const VmMoment& moment) {
    departed_ = departed_ || moment.domid != before_.domid;
    see(moment.state);
    if (reached_)
        return Verdict::reached;
    if (std::find(transitions.begin(), transitions.end(), moment.state) != transitions.end())
        return Verdict::underWay;
    if (departed_ && !goal_->mustDepart)
        return Verdict::failed;
    if (goal_->guestDriven && moment.state == before_.state)
        return Verdict::underWay;
    return Verdict::unsettled;
}

Task<std::string> callAndWait(Client& client, VmOptions options, std::string path) {
    if (options.positional.size() != 1 || !canWaitFor(options.positional[0]))
        throw UsageError("--wait goes with one of start, shutdown, reboot, destroy, pause, unpause");
    const std::string method = options.positional[0];
    const auto deadline = deadlineOf(options);
    Progress progress(client.bus().loop(), options.name.value_or(path) + ": " + method);
    Watch watch(client, path, progress);
    const VmMoment before = co_await readMoment(client, path);
    progress.show(before.state);
    watch.forget();
    auto timeout = options.timeout;
    if (options.wait->limit)
        timeout = timeout ? std::min(*timeout, *options.wait->limit) : *options.wait->limit;
    Client limited(client.bus(), client.service(), timeout);
    Words none;
    std::string output = co_await callMethod(limited, options.common(), path, method, std::move(none));
    Judge judge(method, before);
    co_await waitForGoal(client, watch, judge, deadline, path, method);
    co_return output;
}

} // namespace xb::xec
