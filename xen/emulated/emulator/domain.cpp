// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/domain.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"
#include "xen/emulated/shared_layout.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace xb::xen::emulated {

namespace {

constexpr off_t pageSize = 4096;

void makeFile(const std::string& path, off_t size) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd || ::ftruncate(fd.get(), size) != 0)
        throw systemError("cannot make " + path, errno);
}

std::uint64_t cpuTimeOf(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
        return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// Waiting for a child to stop blocks (for microseconds).
Workers& stopWaiters() {
    static Workers threads(1);
    return threads;
}

} // namespace

Domain::Domain(const Executor& executor, const EmulatorOptions& options, DomId id, DomainConfig given)
    : domid(id), config(std::move(given)), resources(config), lifeCycle(executor), devices(executor),
      exited(executor), stopped(executor), gone(executor), executor_(executor), pausing_(executor),
      options_(options), directory_(options.directory + "/domains/" + std::to_string(id)),
      hypercalls_(executor) {
    try {
        makeDirectories(directory_ + "/grants", 0700);
        makeFile(directory_ + "/store", pageSize);
        if (::mkfifo((directory_ + "/event").c_str(), 0600) != 0)
            throw systemError("cannot make " + directory_ + "/event", errno);
        const std::string logs = options.directory + "/console";
        makeDirectories(logs, 0700);
        console =
            std::make_shared<Console>(executor, logs + "/" + config.name + ".log", options.consoleLimits);
        writeState('r');
    } catch (...) {
        removeFiles();
        throw;
    }
    console->start();
}

Domain::~Domain() {
    kill();
    console->close();
    removeFiles();
}

void Domain::removeFiles() {
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    if (error)
        log::error("cannot remove {}: {}", directory_, error.message());
}

// In place: xenstored may look at any moment, and one byte is written at once.
void Domain::writeState(char letter) {
    const std::string path = directory_ + "/state";
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd)
        throw systemError("cannot open " + path, errno);
    writeAll(fd.get(), std::string(1, letter), path);
}

void Domain::startProcess(std::function<void(ExitStatus)> onExit) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw systemError("cannot make a socket", errno);
    hypercalls_.assign(ends[0]);
    const UniqueFd guestEnd(ends[1]);
    const UniqueFd consoleEnd = console->takeGuestEnd();
    Command command;
    command.arguments = {options_.guest,        "--directory", options_.directory,    "--domid",
                         std::to_string(domid), "--type",      typeName(config.type), "--kernel",
                         config.kernel,         "--ramdisk",   config.ramdisk,        "--cmdline",
                         config.cmdline};
    command.cleanEnvironment = true;
    command.workingDirectory = "/";
    command.descriptors = {{consoleEnd.get(), STDIN_FILENO},
                           {consoleEnd.get(), STDOUT_FILENO},
                           {guestEnd.get(), XB_HYPERCALL_FD}};
    command.signalWhenParentDies = SIGKILL;
    command.newSession = true;
    child_.emplace(executor_, command);
    readHypercalls();
    spawn(executor_, "domain " + std::to_string(domid), waitForExit(shared_from_this(), std::move(onExit)));
}

Task<> Domain::waitForExit(std::shared_ptr<Domain> self, std::function<void(ExitStatus)> onExit) {
    const auto status = co_await self->child_->wait();
    self->exited_ = true;
    self->exited.set();
    onExit(status);
}

void Domain::readHypercalls() {
    auto onReadable = [weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self)
            return;
        std::string text(XB_LONGEST_HYPERCALL, '\0');
        const ssize_t size =
            ::recv(self->hypercalls_.native_handle(), text.data(), text.size(), MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN))
            return; // the guest has ended
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        self->onHypercall(text);
        self->readHypercalls();
    };
    hypercalls_.async_wait(asio::posix::stream_descriptor::wait_read, std::move(onReadable));
}

// A guest says what it likes: the numbers are bounded here.
void Domain::onHypercall(const std::string& text) {
    const auto space = text.find(' ');
    const std::string verb = text.substr(0, space);
    const std::uint64_t number =
        space == std::string::npos ? 0 : std::strtoull(text.c_str() + space + 1, nullptr, 10);
    if (verb == "pv")
        pvDriver = true;
    else if (verb == "acpi")
        acpiState = static_cast<int>(std::min<std::uint64_t>(number, 5));
    else if ((verb == "vcpu-up" || verb == "vcpu-down") && number < resources.vcpus.size())
        resources.setOnline(static_cast<unsigned>(number), verb == "vcpu-up");
    else if (text.starts_with("suspend\n") && onSuspended) {
        savedState = text.substr(text.find('\n') + 1);
        onSuspended();
    } else if (verb == "memory" && memoryHandler_ && !dying)
        answer("memory " + std::to_string(memoryHandler_(*this, number)));
}

// What a guest does not take is its own loss; it may have ended, or never read.
void Domain::answer(const std::string& word) {
    try {
        sendWord(word);
    } catch (const Error& e) {
        log::debug("{}", e.what());
    }
}

void Domain::sendWord(const std::string& word) {
    if (::send(hypercalls_.native_handle(), word.data(), word.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
        hasProcess())
        throw systemError("domain " + std::to_string(domid) + " does not take \"" +
                              word.substr(0, word.find('\n')) + "\"",
                          errno);
}

// Before its first unpause the process waits for a word; later it is stopped and continued.
Task<> Domain::unpause() {
    const auto lock = co_await pausing_.lock();
    if (!paused_)
        co_return;
    paused_ = false;
    if (std::exchange(started_, true))
        child_->signal(SIGCONT);
    else
        sendWord(std::exchange(firstWord_, {}));
}

void Domain::resumeGuest() {
    sendWord("resume");
    savedState.clear();
    shutdown = false;
    stopped.clear();
    writeState('r');
}

Task<> Domain::pause() {
    const auto lock = co_await pausing_.lock();
    if (std::exchange(paused_, true))
        co_return;
    child_->signal(SIGSTOP);
    auto untilStopped = [pid = child_->pid()] {
        siginfo_t what{};
        while (::waitid(P_PID, static_cast<id_t>(pid), &what, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
               errno == EINTR) {
        }
    };
    co_await stopWaiters().run(std::move(untilStopped));
}

void Domain::setStopped() {
    stopped.set();
    for (const auto& weak : std::exchange(whenStopped_, {}))
        if (const auto event = weak.lock())
            event->set();
}

void Domain::alsoWhenStopped(const std::shared_ptr<Event>& event) {
    std::erase_if(whenStopped_, [](const auto& weak) { return weak.expired(); });
    whenStopped_.push_back(event);
}

void Domain::kill() {
    if (hasProcess())
        child_->signal(SIGKILL);
}

DomainInfo Domain::info() const {
    DomainInfo info;
    info.domid = domid;
    info.uuid = config.uuid;
    info.name = config.name;
    info.paused = paused_;
    info.shutdown = shutdown;
    info.dying = dying;
    info.reason = reason;
    info.memoryKib = resources.currentKib;
    info.maxMemoryKib = resources.allowedKib;
    info.vcpus = config.vcpus;
    info.cpuTimeNs = hasProcess() ? cpuTimeOf(child_->pid()) : 0;
    return info;
}

} // namespace xb::xen::emulated
