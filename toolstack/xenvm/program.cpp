// SPDX-License-Identifier: Apache-2.0
// How xenvm comes up: lock, bus, hypervisor, adoption, objects, name, readiness. And how it goes: the domain
// is never touched.
#include "toolstack/xenvm/program.hpp"

#include "toolstack/control/control.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/timer.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "toolstack/libs/uuid.hpp"
#include "toolstack/xenvm/announcer.hpp"
#include "toolstack/xenvm/service.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/time.h>

namespace xb::xenvm {

namespace {

/// For the bus to notice that our predecessor, which held the lock until just now, is gone.
constexpr std::chrono::seconds nameWait{10};
/// For a predecessor that was killed to let go of its lock.
constexpr std::chrono::seconds lockWait{1};
/// For the last write to xenstore and the last notification.
constexpr std::chrono::seconds farewellLimit{2};

/// Another xenvm serves the VM.
class AlreadyServed : public Error {
public:
    using Error::Error;
};

// A predecessor that was killed may hold the lock a little longer than its bus name: the kernel takes one
// after the other, and by the name's loss xenmgr knows to start us. The alarm ends the wait.
bool lockInTime(int fd) {
    struct sigaction wake {};
    struct sigaction before {};
    wake.sa_handler = [](int) {};
    sigaction(SIGALRM, &wake, &before); // no SA_RESTART: flock is interrupted
    itimerval alarm{};
    alarm.it_value.tv_sec = lockWait.count();
    alarm.it_interval.tv_usec = 100'000; // should the first come before flock waits
    setitimer(ITIMER_REAL, &alarm, nullptr);
    const bool locked = flock(fd, LOCK_EX) == 0;
    const int reason = locked || errno == EINTR ? EWOULDBLOCK : errno;
    alarm = {};
    setitimer(ITIMER_REAL, &alarm, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    errno = reason;
    return locked;
}

// The kernel drops the lock when the process ends, however it ends.
UniqueFd lockVm(const Settings& settings) {
    makeDirectories(settings.stateDirectory, 0700);
    const auto file = settings.stateDirectory / (settings.vm.uuid + ".lock");
    UniqueFd lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock)
        throw systemError("cannot open the lock file " + file.string() + " (see --state-directory)", errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0 || (errno == EWOULDBLOCK && lockInTime(lock.get())))
        return lock;
    if (errno != EWOULDBLOCK)
        throw systemError("cannot lock " + file.string(), errno);
    throw AlreadyServed("another xenvm serves VM " + settings.vm.uuid + ": it holds " + file.string());
}

class Program {
public:
    explicit Program(Settings settings)
        : settings_(std::move(settings)), lock_(lockVm(settings_)), bus_(loop_, settings_.common.bus),
          hypervisor_(xen::openHypervisor(loop_.executor(), settings_.hypervisor)),
          service_(std::make_shared<Service>([this] { quit(); })),
          notify_(std::make_shared<NotifyInterface>()), announcer_(settings_.vm.uuid, service_, notify_),
          vm_(std::make_shared<Vm>(loop_.executor(), *hypervisor_, settings_.vm, announcer_)) {
        service_->attach(vm_);
    }

    int run() {
        loop_.onSignals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
            if (signal == SIGHUP)
                reload();
            else
                quit();
        });
        loop_.spawn("start-up", comeUp());
        const int status = loop_.run();
        vm_->close();
        bus_.flush();
        if (vm_->busy() || (socket_ && socket_->busy())) {
            // Coroutines hang on objects that are about to go, and the look-up of a host name on its server.
            // The kernel cleans up as well: a killed xenvm is no worse.
            if (vm_->busy())
                log::info("left in the middle of an operation; the next xenvm goes on from there");
            std::_Exit(status);
        }
        return status;
    }

private:
    Task<> comeUp() {
        int status = exitInternal;
        std::string failure;
        try {
            co_await vm_->adopt();
            configure();
            const std::string path = "/org/xen/vm/" + uuidToPathElement(settings_.vm.uuid);
            std::string name = "org.xen.vm.uuid_" + uuidToPathElement(settings_.vm.uuid);
            bus_.objects().add(path, service_);
            bus_.objects().add(path, notify_);
            exportControl(bus_);
            co_await ownName(std::move(name));
        } catch (const BadConfiguration& e) {
            status = exitBadConfig;
            failure = e.what();
        } catch (const AlreadyServed& e) {
            status = exitAlreadyServed;
            failure = e.what();
        } catch (const std::exception& e) {
            failure = e.what();
        }
        if (!failure.empty()) {
            log::error("{}", failure);
            loop_.stop(status);
            co_return;
        }
        notifyReady();
        announcer_.serving();
        vm_->begin();
    }

    // What the configuration says about the monitor itself.
    void configure() {
        const Config& config = vm_->config().latest();
        if (config.debug)
            log::setLevel("debug");
        if (!config.output.empty())
            log::warn("output = {}: log lines go to the journal or syslog, see --log-to", config.output);
        const std::string& target = config.notifyTarget;
        if (config.notify == NotifySink::unixSocket)
            socket_ = NotifySocket::toUnix(loop_.executor(), below(settings_.vm.root, target));
        else if (config.notify == NotifySink::tcp)
            socket_ = NotifySocket::toTcp(loop_.executor(), target);
        announcer_.alsoTo(socket_);
    }

    // We hold the lock, so whoever has the name is a predecessor that the bus believes to be alive still.
    Task<> ownName(std::string name) {
        Event freed(loop_.executor());
        auto watch = bus_.onOwnerChanged(name, [&freed](const std::string& owner) {
            if (owner.empty())
                freed.set();
        });
        const auto owner = co_await bus_.owner(name);
        if (owner) {
            const bool gone = co_await freed.waitFor(nameWait);
            if (!gone)
                throw AlreadyServed("another xenvm serves VM " + settings_.vm.uuid + ": " + *owner +
                                    " owns " + name);
        }
        bus_.requestName(name);
    }

    void reload() {
        try {
            vm_->config().load();
            log::info("configuration read again for the next start");
        } catch (const std::exception& e) {
            log::error("the configuration stays as it is: {}", e.what());
        }
    }

    void quit() {
        if (leaving_)
            return;
        leaving_ = true;
        notifyStopping();
        announcer_.hangUp();
        loop_.spawn("farewell", farewell());
        timer_.callAfter(farewellLimit, [this] { loop_.stop(); });
    }

    Task<> farewell() {
        co_await vm_->leave();
        if (socket_)
            co_await socket_->flush();
        timer_.cancel();
        loop_.stop();
    }

    Settings settings_;
    UniqueFd lock_;
    Loop loop_;
    Bus bus_;
    std::unique_ptr<xen::Hypervisor> hypervisor_;
    std::shared_ptr<Service> service_;
    std::shared_ptr<NotifyInterface> notify_;
    Announcer announcer_;
    std::shared_ptr<NotifySocket> socket_; ///< of the configuration, if it has one
    std::shared_ptr<Vm> vm_;
    Timer timer_{loop_.executor()};
    bool leaving_ = false;
};

} // namespace

int serve(Settings settings) {
    try {
        Program program(std::move(settings));
        return program.run();
    } catch (const xen::NotOnXen& e) {
        log::error("{}", e.what());
        return exitNotOnXen;
    } catch (const AlreadyServed& e) {
        log::error("{}", e.what());
        return exitAlreadyServed;
    } catch (const Error& e) {
        log::error("{}", e.what());
        return exitBusLost; // the bus or the hypervisor is not there
    }
}

} // namespace xb::xenvm
