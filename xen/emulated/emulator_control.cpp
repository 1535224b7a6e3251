// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator_control.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/framed_socket.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

extern char** environ;

namespace xb::xen {

namespace {

using namespace emulated;

constexpr int limitMs = static_cast<int>(std::chrono::milliseconds(emulatorLimit).count());

sockaddr_un addressOf(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw systemError(path, ENAMETOOLONG);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

UniqueFd openPidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

// Waits for the datagram READY=1 (sd_notify), or for the process's end.
bool waitForReady(int notify, int process) {
    for (;;) {
        pollfd entries[]{{notify, POLLIN, 0}, {process, POLLIN, 0}};
        const int count = ::poll(entries, 2, limitMs);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        char text[512];
        const ssize_t size = ::recv(notify, text, sizeof text, MSG_DONTWAIT);
        if (size > 0 &&
            std::string_view(text, static_cast<std::size_t>(size)).find("READY=1") != std::string_view::npos)
            return true;
        if (size <= 0 && entries[1].revents != 0)
            return false;
    }
}

pid_t startProgram(const std::vector<std::string>& arguments, const std::string& notifyPath) {
    std::vector<std::string> copies = arguments;
    std::vector<char*> argv;
    for (auto& each : copies)
        argv.push_back(each.data());
    argv.push_back(nullptr);
    std::vector<std::string> variables;
    for (char** entry = environ; *entry; ++entry)
        if (!std::string_view(*entry).starts_with("NOTIFY_SOCKET="))
            variables.emplace_back(*entry);
    variables.push_back("NOTIFY_SOCKET=" + notifyPath);
    std::vector<char*> environment;
    for (auto& each : variables)
        environment.push_back(each.data());
    environment.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that dies leaves nothing running
        if (::getppid() == parent)
            ::execve(argv[0], argv.data(), environment.data());
        ::_exit(127);
    }
    if (pid < 0)
        throw systemError("cannot start " + arguments.front(), errno);
    return pid;
}

std::string exchange(const std::string& path, const std::string& message) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = addressOf(path);
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw systemError("cannot reach xen-emulator at " + path, errno);
    const auto length = static_cast<std::uint32_t>(message.size());
    std::string frame(sizeof length, '\0');
    std::memcpy(frame.data(), &length, sizeof length);
    writeAll(fd.get(), frame + message, path);
    std::string received;
    for (;;) {
        std::uint32_t size = 0;
        if (received.size() >= sizeof size) {
            std::memcpy(&size, received.data(), sizeof size);
            if (size > maxControlMessage)
                throw Error("xen-emulator's reply is too long");
            if (received.size() >= sizeof size + size) {
                auto text = received.substr(sizeof size, size);
                received.erase(0, sizeof size + size);
                if (text.find("\"event\"") == std::string::npos) // events of domains come as well
                    return text;
                continue;
            }
        }
        pollfd entry{fd.get(), POLLIN, 0};
        char buffer[4096];
        const ssize_t n = ::poll(&entry, 1, limitMs) == 1 ? ::read(fd.get(), buffer, sizeof buffer) : 0;
        if (n <= 0)
            throw Error("xen-emulator at " + path + " does not answer");
        received.append(buffer, static_cast<std::size_t>(n));
    }
}

} // namespace

EmulatorControl::EmulatorControl(const std::string& program, std::string directory,
                                 const std::vector<std::string>& options)
    : directory_(std::move(directory)), ownsDirectory_(directory_.empty()) {
    if (ownsDirectory_) {
        char made[] = "/tmp/xen-emulator.XXXXXX";
        if (!::mkdtemp(made))
            throw systemError("cannot make a directory below /tmp", errno);
        directory_ = made;
    }
    try {
        makeDirectories(directory_, 0700);
        const std::string notifyPath = directory_ + "/ready";
        ::unlink(notifyPath.c_str());
        const UniqueFd notify(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const auto address = addressOf(notifyPath);
        if (!notify || ::bind(notify.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw systemError("cannot make " + notifyPath, errno);
        std::vector<std::string> arguments{program, "--directory", directory_};
        arguments.insert(arguments.end(), options.begin(), options.end());
        pid_ = startProgram(arguments, notifyPath);
        const UniqueFd process = openPidfd(pid_);
        const bool ready = waitForReady(notify.get(), process.get());
        ::unlink(notifyPath.c_str());
        if (!ready)
            throw Error(program + " did not get ready: see what it printed");
    } catch (...) {
        kill();
        if (ownsDirectory_)
            std::filesystem::remove_all(directory_);
        throw;
    }
}

EmulatorControl::~EmulatorControl() {
    stop();
    std::error_code ignored;
    if (ownsDirectory_)
        std::filesystem::remove_all(directory_, ignored);
}

void EmulatorControl::injectFault(const std::string& directory, const std::string& fault, unsigned times,
                                  std::chrono::milliseconds time) {
    rapidjson::Document message(rapidjson::kObjectType);
    auto& allocator = message.GetAllocator();
    Json params(rapidjson::kObjectType);
    params.AddMember("fault", jsonString(fault, allocator), allocator);
    params.AddMember("times", times, allocator);
    params.AddMember("milliseconds", static_cast<std::uint64_t>(time.count()), allocator);
    message.AddMember("id", 1, allocator);
    message.AddMember("method", "inject", allocator);
    message.AddMember("params", params, allocator);
    const auto reply = parseMessage(exchange(controlSocketPath(directory), toText(message)));
    if (reply.HasMember("error"))
        throw Error(stringMember(reply["error"], "text"));
}

int EmulatorControl::waitForEnd() {
    const UniqueFd process = openPidfd(pid_);
    pollfd entry{process.get(), POLLIN, 0};
    if (::poll(&entry, 1, limitMs) != 1)
        ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int EmulatorControl::stop() {
    if (pid_ < 0)
        return 0;
    ::kill(pid_, SIGTERM);
    return waitForEnd();
}

void EmulatorControl::kill() {
    if (pid_ < 0)
        return;
    ::kill(pid_, SIGKILL);
    waitForEnd();
}

} // namespace xb::xen
