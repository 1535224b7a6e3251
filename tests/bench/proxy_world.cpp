// SPDX-License-Identifier: Apache-2.0
#include "proxy_world.hpp"

#include "programs.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::bench {

namespace {

constexpr auto xdgProgram = "/usr/bin/xdg-dbus-proxy";
constexpr timeval patience{60, 0};
constexpr unsigned members = 100; // of the rules that do not match

} // namespace

void RunningProxy::stop() {
    end(process);
}

bool XdgProxy::exists() {
    return ::access(xdgProgram, X_OK) == 0;
}

XdgProxy::XdgProxy(const std::string& bus, std::string socket, const std::vector<std::string>& options,
                   const std::string& optionsFile)
    : socket_(std::move(socket)) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw systemError("cannot make a pair of sockets", errno);
    alive_.reset(ends[0]);
    UniqueFd theirs(ends[1]);
    std::string text; // more than a command line holds: each argument ends in a NUL
    for (const auto& argument : {fmt::format("--fd={}", theirs.get()), bus, socket_})
        text += argument + '\0';
    for (const auto& option : options)
        text += option + '\0';
    writeFileAtomically(optionsFile, text);
    const UniqueFd file(::open(optionsFile.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        throw systemError("cannot open " + optionsFile, errno);
    const std::string arguments = fmt::format("--args={}", file.get());
    pid_ = ::fork();
    if (pid_ < 0)
        throw systemError("cannot fork", errno);
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::fcntl(theirs.get(), F_SETFD, 0);
        ::fcntl(file.get(), F_SETFD, 0);
        ::execl(xdgProgram, xdgProgram, arguments.c_str(), nullptr);
        ::_exit(127);
    }
    // Their end is the child's alone now, so that its death ends the waiting too.
    theirs.reset();
    ::setsockopt(alive_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char ready = 0;
    if (::read(alive_.get(), &ready, 1) != 1) {
        stop();
        throw Error("xdg-dbus-proxy does not start");
    }
}

XdgProxy::~XdgProxy() {
    stop();
}

void XdgProxy::stop() const {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
}

ProxyWorld::ProxyWorld() {
    emulator_ =
        launch(directory_.path(), "emulator",
               {XEN_EMULATOR, "--directory", directory_.path() / "emulator", "--log-to", "stderr"}, true);
    echo_ = launch(
        directory_.path(), "echo",
        {ECHO_SERVICE, "--bare", "--bus", bus_.address(), "--name", bareEchoService, "--log-to", "stderr"},
        true);
}

std::string ProxyWorld::socketFile() {
    return directory_.path() / fmt::format("proxy{}", ++sockets_);
}

RunningProxy ProxyWorld::startProxy(unsigned rules, const std::vector<std::string>& options) {
    std::string text = "allow destination org.freedesktop.DBus\n";
    for (unsigned i = 2; i < rules; ++i)
        text += fmt::format("allow inc-method-call destination com.example.service{} interface "
                            "com.example.interface{} member m{}\n",
                            i, i % members, i);
    text +=
        fmt::format("allow inc-method-call destination {} interface org.xenbroker.bench\n", bareEchoService);
    RunningProxy proxy;
    proxy.socket = socketFile();
    const std::string file = proxy.socket + ".rules";
    writeFileAtomically(file, text);
    std::vector<std::string> arguments{RPC_PROXY,
                                       "-d",
                                       "7",
                                       "-i",
                                       "unix:" + proxy.socket,
                                       "-o",
                                       "unix:" + busSocket(),
                                       "-r",
                                       file,
                                       "--hypervisor",
                                       "emulated",
                                       "--emulator-directory",
                                       directory_.path() / "emulator",
                                       "--no-vm-rules",
                                       "--log-to",
                                       "stderr"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    proxy.process =
        launch(directory_.path(), fmt::format("rpc-proxy{}", sockets_), std::move(arguments), true);
    return proxy;
}

std::unique_ptr<XdgProxy> ProxyWorld::startXdgProxy(unsigned rules) {
    std::vector<std::string> options{"--filter"};
    for (unsigned i = 2; i < rules; ++i)
        options.push_back(
            fmt::format("--call=com.example.service{}=com.example.interface{}.m{}", i, i % members, i));
    options.push_back(fmt::format("--talk={}", bareEchoService));
    const std::string socket = socketFile();
    return std::make_unique<XdgProxy>(bus_.address(), socket, options, socket + ".options");
}

void ProxyWorld::stop() {
    echo_->signal(SIGKILL);
    echo_.reset();
    end(emulator_);
}

} // namespace xb::bench
