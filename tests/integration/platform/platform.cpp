// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "toolstack/libs/uuid.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <poll.h>
#include <sstream>
#include <sys/inotify.h>
#include <sys/syscall.h>

namespace xb::test {

namespace {

constexpr auto xenmgrService = "com.citrix.xenclient.xenmgr";

// Processes whose command line names the directory: what a test must not leave behind.
std::vector<pid_t> processesNaming(const std::string& text) {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos || std::stoi(name) == ::getpid())
            continue;
        std::string line;
        try {
            line = readFileIfThere(entry.path() / "cmdline").value_or("");
        } catch (const Error&) {
            continue; // it ended while we looked
        }
        if (line.find(text) != std::string::npos)
            found.push_back(std::stoi(name));
    }
    return found;
}

std::string uuidOf(const std::string& vmPath) {
    return uuidFromPathElement(vmPath.substr(vmPath.rfind('/') + 1));
}

} // namespace

BusPolicy shippedPolicy(uid_t root, std::optional<uid_t> proxy) {
    BusPolicy policy = BusPolicy::systemBus();
    std::istringstream files(BUS_POLICIES);
    for (std::string file; std::getline(files, file, ':');)
        policy.add(file, root, proxy);
    return policy;
}

Platform::Platform() {
    log::setLevel("warning");
    makeDirectories(root() / "storage/isos");
    makeDirectories(root() / "config");
    writeFileAtomically(root() / "kernel", "not a kernel");
    bus_ = std::make_unique<Bus>(loop_, daemon_.address());
    SignalMatch match;
    match.interface = xenmgrService;
    match.path = "/";
    subscription_ = bus_->onSignal(match, [this](Message signal) {
        std::string text = signal.member();
        const std::string types = signal.signature();
        for (const char type : types) {
            if (type == 'i') {
                std::int32_t number = 0;
                signal >> number;
                text += " " + std::to_string(number);
            } else if (type == 'o') {
                ObjectPath path;
                signal >> path;
                text += " " + path;
            } else {
                std::string word;
                signal >> word;
                text += " " + word;
            }
        }
        signals_.push_back(text);
    });
    // A monitor that comes or goes is an event, so that waitFor() looks again.
    SignalMatch owners;
    owners.sender = "org.freedesktop.DBus";
    owners.member = "NameOwnerChanged";
    owners.arg0Namespace = "org.xen.vm";
    monitors_ = bus_->onSignal(owners, [](const Message&) {});
    emulator_ = std::make_unique<Process>(
        directory_.path(), "emulator",
        std::vector<std::string>{XEN_EMULATOR, "--directory", emulatorDirectory(), "--log-to", "stderr"});
    EXPECT_TRUE(emulator_->waitReady()) << emulator_->messages();
    startDbd();
    startXenmgr();
}

Platform::~Platform() {
    if (testing::Test::HasFailure())
        for (const Process* process : {emulator_.get(), dbd_.get(), xenmgr_.get()})
            if (process)
                std::cerr << "--- messages of " << process->pid() << ":\n" << process->messages();
    subscription_ = {};
    monitors_ = {};
    bus_.reset();
    xenmgr_.reset();
    dbd_.reset();
    if (emulator_) {
        emulator_->signal(SIGTERM);
        EXPECT_EQ(emulator_->waitEnd(), 0) << emulator_->messages();
    }
    daemon_.stop(); // the monitors end with their bus
    const std::string mark = directory_.path();
    for (int i = 0; i < 100 && !processesNaming(mark).empty(); ++i)
        ::usleep(50'000);
    for (pid_t pid : processesNaming(mark)) {
        ADD_FAILURE() << "process " << pid << " is left";
        ::kill(pid, SIGKILL);
    }
}

void Platform::startDbd() {
    dbd_ =
        std::make_unique<Process>(directory_.path(), "dbd",
                                  std::vector<std::string>{DBD, "--bus", daemon_.address(), "--root", root(),
                                                           "--hypervisor", "emulated", "--emulator-directory",
                                                           emulatorDirectory(), "--log-to", "stderr"});
    EXPECT_TRUE(dbd_->waitReady()) << dbd_->messages();
}

void Platform::startXenmgr(const std::vector<std::string>& options) {
    std::vector<std::string> arguments{XENMGR,
                                       "--bus",
                                       daemon_.address(),
                                       "--root",
                                       root(),
                                       "--hypervisor",
                                       "emulated",
                                       "--emulator-directory",
                                       emulatorDirectory(),
                                       "--xenvm",
                                       XENVM,
                                       "--templates",
                                       TEMPLATES,
                                       "--log-to",
                                       "stderr"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    xenmgr_ = std::make_unique<Process>(directory_.path(), "xenmgr", arguments);
    EXPECT_TRUE(xenmgr_->waitReady()) << xenmgr_->messages();
}

void Platform::kill(Process& process) {
    process.signal(SIGKILL);
    EXPECT_EQ(process.waitEnd(), 128 + SIGKILL);
}

void Platform::killOwner(const std::string& busName, pid_t pid) {
    bool gone = false;
    const auto watch = bus_->onOwnerChanged(busName, [&gone](const std::string&) { gone = true; });
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(waitFor([&gone] { return gone; }));
}

std::unique_ptr<xen::Hypervisor> Platform::openHypervisor() {
    xen::HypervisorOptions options;
    options.kind = "emulated";
    options.emulatorDirectory = emulatorDirectory();
    return xen::openHypervisor(loop_.executor(), options);
}

idl::db::DbClient Platform::db() {
    return idl::db::DbClient(*bus_, "com.citrix.xenclient.db", "/");
}
idl::xenmgr::XenmgrClient Platform::manager() {
    return idl::xenmgr::XenmgrClient(*bus_, xenmgrService, "/");
}
idl::xenmgr_host::XenmgrHostClient Platform::host() {
    return idl::xenmgr_host::XenmgrHostClient(*bus_, xenmgrService, "/host");
}
idl::xenmgr_vm::XenmgrVmClient Platform::vm(const std::string& path) {
    return idl::xenmgr_vm::XenmgrVmClient(*bus_, xenmgrService, path);
}
idl::vm_disk::VmdiskClient Platform::disk(const std::string& path) {
    return idl::vm_disk::VmdiskClient(*bus_, xenmgrService, path);
}
idl::vm_nic::VmnicClient Platform::nic(const std::string& path) {
    return idl::vm_nic::VmnicClient(*bus_, xenmgrService, path);
}

std::string Platform::createVm(const std::string& commandLine) {
    std::string path = await(manager().createVmWithTemplate("new-vm-linux"));
    await(vm(path).setVirtType("pvh"));
    await(vm(path).setKernel("/kernel"));
    await(vm(path).setMemory(32));
    if (!commandLine.empty())
        await(vm(path).setCmdLine(commandLine));
    return path;
}

pid_t Platform::monitorOf(const std::string& vmPath) {
    for (pid_t pid : processesNaming(uuidOf(vmPath))) {
        std::error_code gone;
        if (std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone).filename() ==
            "xenvm")
            return pid;
    }
    return -1;
}

bool Platform::waitForEnd(pid_t pid) {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process)
        return errno == ESRCH;
    pollfd ended{process.get(), POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1;
}

std::string Platform::state(const std::string& vmPath) {
    return await(vm(vmPath).getState());
}

bool Platform::waitForState(const std::string& vmPath, const std::string& wanted) {
    if (state(vmPath) == wanted)
        return true;
    std::string current;
    auto subscription =
        manager().onVmStateChanged([&](std::string, ObjectPath path, std::string now, std::int32_t) {
            if (path == vmPath)
                current = now;
        });
    if (state(vmPath) == wanted)
        return true;
    return waitFor([&] { return current == wanted; });
}

bool Platform::says(const std::string& vmPath, const std::string& text) {
    const auto file = emulatorDirectory() / "console" / (await(vm(vmPath).getName()) + ".log");
    const UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes || ::inotify_add_watch(changes.get(), file.parent_path().c_str(),
                                        IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        throw systemError("cannot watch " + file.parent_path().string(), errno);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (readFileIfThere(file).value_or("").find(text) == std::string::npos) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd changed{changes.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&changed, 1, static_cast<int>(left.count())) != 1)
            return false;
        std::array<char, 16 * 1024> events{};
        while (::read(changes.get(), events.data(), events.size()) > 0) {
        }
    }
    return true;
}

std::string Platform::console(const std::string& vmPath) {
    const std::string name = await(vm(vmPath).getName());
    return readFileIfThere(emulatorDirectory() / "console" / (name + ".log")).value_or("");
}

} // namespace xb::test
