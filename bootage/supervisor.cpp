// SPDX-License-Identifier: Apache-2.0
#include "bootage/supervisor.hpp"

#include "bootage/service_log.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/options.hpp"

#include <algorithm>
#include <csignal>

namespace xb::bootage {

namespace {

Milliseconds since(Supervisor::Clock::time_point then) {
    return std::chrono::duration_cast<Milliseconds>(Supervisor::Clock::now() - then);
}

std::string inSeconds(Milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

} // namespace

// One life of a service.
struct Supervisor::Attempt {
    Attempt(const Executor& executor, const Command& command)
        : child(executor, command), news(executor), over(executor) {}

    Child child;
    Clock::time_point begin = Clock::now();
    std::int64_t logBegin = 0;
    bool ready = false;
    bool dead = false;   // nothing that it says counts any longer
    Event news;          // it got ready, or it is over
    Event over;          // it is dead and reaped
    std::string failure; // why we ended it ourselves
    std::unique_ptr<SocketWatch> socketWatch;
};

struct Supervisor::Unit {
    Unit(const Executor& executor, const Service& itsService, std::size_t itsIndex)
        : service(itsService), index(itsIndex), policy(service.restartLimit), passed(executor),
          finished(executor), gone(executor) {}

    const Service& service;
    std::size_t index;
    RestartPolicy policy;
    std::shared_ptr<Attempt> attempt;
    bool wasReady = false;
    Event passed;   // dependents need not wait for it any longer
    Event finished; // it will not be started again, and does not run
    Event gone;     // stopped, with everything that it left behind
};

// How a life ended.
struct Supervisor::Death {
    bool clean = false; // it ended by itself, successfully
    bool wasReady = false;
    bool notOnXen = false;
    std::string text;
    std::int64_t logBegin = 0;
};

Supervisor::Supervisor(Executor executor, Config config, Reporter& reporter, bool dieWithUs)
    : executor_(std::move(executor)), config_(std::move(config)), graph_(config_), reporter_(reporter),
      dieWithUs_(dieWithUs),
      notify_(executor_, [this](pid_t sender, const Notification& text) { notified(sender, text); }),
      orphans_(executor_), stopRequested_(executor_) {
    for (std::size_t i = 0; i < config_.services.size(); ++i)
        units_.push_back(std::make_unique<Unit>(executor_, config_.services[i], i));
}

Supervisor::~Supervisor() = default;

Task<int> Supervisor::run() {
    for (auto& unit : units_)
        xb::spawn(executor_, unit->service.name, supervise(unit.get()));
    for (auto& unit : units_)
        co_await unit->finished.wait();
    stop("no service is left running", 0);
    for (auto& unit : units_)
        co_await unit->gone.wait();
    // What could not be told to be of any service.
    co_await orphans_.end([](const Process&) { return true; }, Milliseconds(10'000));
    co_return status_;
}

void Supervisor::stop(const std::string& reason, int status) {
    if (stopping())
        return;
    status_ = status;
    reporter_.stopping(reason);
    notifyStopping();
    stopRequested_.set();
    for (auto& unit : units_) {
        unit->passed.set();
        xb::spawn(executor_, "stopping " + unit->service.name, stopUnit(unit.get()));
    }
}

Task<> Supervisor::supervise(Unit* unit) {
    std::string failure;
    try {
        for (std::size_t each : graph_.dependencies(unit->index))
            co_await units_[each]->passed.wait();
        co_await liveAndDie(unit);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        giveUp(*unit, failure, exitFailure);
    unit->finished.set();
}

Task<> Supervisor::liveAndDie(Unit* unit) {
    while (!stopping()) {
        const Death death = co_await live(unit);
        if (stopping())
            break;
        const auto pause = afterDeath(*unit, death);
        if (!pause || stopping())
            break;
        reporter_.restarting(unit->service.name, *pause);
        if (pause->count() > 0)
            co_await stopRequested_.waitFor(*pause);
    }
}

Task<Supervisor::Death> Supervisor::live(Unit* unit) {
    Death death;
    std::shared_ptr<Attempt> attempt;
    try {
        attempt = launch(*unit);
    } catch (const Error& e) {
        death.text = e.what();
    }
    if (!attempt)
        co_return death;
    const pid_t pid = attempt->child.pid();
    xb::spawn(executor_, unit->service.name, watchReadiness(unit, attempt));
    const ExitStatus status = co_await attempt->child.wait();
    notify_.drain(); // what it said before it died
    attempt->dead = true;
    orphans_.removeService(pid);
    orphans_.reap();
    attempt->socketWatch.reset();
    death.clean = status.success() && attempt->failure.empty();
    if (unit->service.readiness == Readiness::exit && death.clean)
        markReady(*unit, *attempt);
    death.wasReady = attempt->ready;
    death.notOnXen = status.code == exitNotOnXen && attempt->failure.empty();
    death.text = attempt->failure.empty() ? status.text() : attempt->failure;
    if (attempt->failure.empty() && !attempt->ready && !stopping() &&
        unit->service.readiness != Readiness::exit)
        death.text += " before it was ready";
    death.logBegin = attempt->logBegin;
    // A successor must not meet what is left of its session; what has one of its own is meant to live on.
    auto inItsSession = [pid](const Process& process) { return process.session == pid; };
    co_await orphans_.end(inItsSession, unit->service.stopTimeout);
    attempt->over.set();
    attempt->news.set();
    co_return death;
}

std::shared_ptr<Supervisor::Attempt> Supervisor::launch(Unit& unit) {
    const Service& service = unit.service;
    if (service.readiness == Readiness::socket && socketState(service.readySocket) == SocketState::open)
        throw Error("cannot be started: something serves " + service.readySocket +
                    " already; end that first");
    Command command;
    command.arguments = service.command;
    command.environment = service.environment;
    command.environment.emplace_back("NOTIFY_SOCKET", notify_.address());
    command.environment.emplace_back(serviceVariable, service.name);
    command.newSession = true;
    command.signalWhenParentDies = dieWithUs_ ? SIGTERM : 0;
    OpenedLog log;
    if (!service.log.empty()) {
        log = openLog(service.log, service.logLimit);
        command.descriptors = {{log.fd.get(), STDOUT_FILENO}, {log.fd.get(), STDERR_FILENO}};
    }
    auto attempt = std::make_shared<Attempt>(executor_, command);
    attempt->logBegin = log.begin;
    orphans_.addService(attempt->child.pid());
    unit.attempt = attempt;
    reporter_.started(service.name, attempt->child.pid());
    return attempt;
}

Task<> Supervisor::watchReadiness(Unit* unit, std::shared_ptr<Attempt> attempt) {
    const Service& service = unit->service;
    if (service.readiness == Readiness::started)
        markReady(*unit, *attempt);
    try {
        // The watch is gone before the attempt is, and with it the reference.
        if (service.readiness == Readiness::socket && !attempt->dead)
            attempt->socketWatch =
                std::make_unique<SocketWatch>(executor_, service.readySocket,
                                              [this, unit, raw = attempt.get()] { markReady(*unit, *raw); });
    } catch (const Error& e) {
        attempt->failure = e.what();
    }
    if (attempt->failure.empty())
        co_await attempt->news.waitFor(service.readyTimeout);
    if (attempt->ready || attempt->dead || stopping())
        co_return;
    if (attempt->failure.empty())
        attempt->failure =
            (service.readiness == Readiness::exit ? "did not end within " : "was not ready within ") +
            inSeconds(service.readyTimeout);
    co_await end(unit, attempt);
}

void Supervisor::notified(pid_t sender, const Notification& notification) {
    for (auto& unit : units_) {
        if (!unit->attempt || unit->attempt->dead || unit->attempt->child.pid() != sender)
            continue;
        if (notification.status)
            reporter_.said(unit->service.name, *notification.status);
        if (notification.ready && unit->service.readiness == Readiness::notify)
            markReady(*unit, *unit->attempt);
        return;
    }
    log::debug("passed over a notification of process {}, which is no service's main process", sender);
}

void Supervisor::markReady(Unit& unit, Attempt& attempt) {
    if (attempt.ready || stopping() || !attempt.failure.empty())
        return;
    attempt.ready = true;
    attempt.news.set();
    reporter_.ready(unit.service.name, since(attempt.begin), unit.wasReady);
    unit.wasReady = true;
    pass(unit);
}

void Supervisor::pass(Unit& unit) {
    if (unit.passed.isSet())
        return;
    unit.passed.set();
    if (stopping() || !std::ranges::all_of(units_, [](const auto& each) { return each->passed.isSet(); }))
        return;
    const auto up = std::ranges::count_if(units_, [](const auto& each) { return each->wasReady; });
    reporter_.allReady(static_cast<std::size_t>(up), units_.size(), since(begin_));
    notifyReady();
}

// Whether and when it is started again.
std::optional<Milliseconds> Supervisor::afterDeath(Unit& unit, const Death& death) {
    const Service& service = unit.service;
    if (service.readiness == Readiness::exit && death.clean)
        return std::nullopt;
    const auto lines =
        service.log.empty() ? std::vector<std::string>{} : lastLines(service.log, death.logBegin);
    const int status = death.notOnXen ? exitNotOnXen : exitFailure;
    const std::string notOnXen = death.notOnXen ? " (not on Xen, or not its control domain)" : "";
    if (!unit.wasReady && !service.optional) {
        reporter_.failed(service.name, death.text + notOnXen, lines);
        stop("service " + service.name + " could not be started", status);
        return std::nullopt;
    }
    if (death.clean && death.wasReady && service.restart != Restart::always) {
        reporter_.ended(service.name, death.text);
        return std::nullopt;
    }
    reporter_.died(service.name, death.text);
    for (const auto& line : lines)
        log::warn("{}: | {}", service.name, line);
    pass(unit); // an optional one that could not be started holds nobody up
    if (death.notOnXen || service.restart == Restart::never) {
        giveUp(unit, death.text + notOnXen + "; it is not restarted", status);
        return std::nullopt;
    }
    const auto pause = unit.policy.next(Clock::now());
    if (!pause)
        giveUp(unit,
               "given up after " + std::to_string(service.restartLimit.count) + " restarts in " +
                   inSeconds(service.restartLimit.time) + "; at last it " + death.text,
               status);
    return pause;
}

void Supervisor::giveUp(Unit& unit, const std::string& text, int status) {
    reporter_.failed(unit.service.name, text, {});
    if (unit.service.optional)
        pass(unit);
    else
        stop("service " + unit.service.name + " is gone", status);
}

// Signals go to the whole process group, whose number is the main process's until that is reaped.
Task<> Supervisor::end(Unit* unit, std::shared_ptr<Attempt> attempt) {
    auto send = [&attempt](int number) {
        if (!attempt->child.ended())
            ::kill(-attempt->child.pid(), number);
    };
    send(unit->service.stopSignal);
    const bool ended = co_await attempt->over.waitFor(unit->service.stopTimeout);
    if (ended)
        co_return;
    if (!attempt->child.ended())
        reporter_.killing(unit->service.name, unit->service.stopTimeout);
    send(SIGKILL);
    co_await attempt->over.wait();
}

Task<> Supervisor::stopUnit(Unit* unit) {
    for (std::size_t each : graph_.dependents(unit->index))
        co_await units_[each]->gone.wait();
    if (unit->attempt && !unit->attempt->over.isSet())
        co_await end(unit, unit->attempt);
    co_await unit->finished.wait();
    auto itsOwn = [name = unit->service.name](const Process& process) { return process.service == name; };
    co_await orphans_.end(itsOwn, unit->service.stopTimeout);
    if (unit->attempt)
        reporter_.stopped(unit->service.name);
    unit->gone.set();
}

} // namespace xb::bootage
