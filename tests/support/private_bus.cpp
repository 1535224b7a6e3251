// SPDX-License-Identifier: Apache-2.0
#include "tests/support/private_bus.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::test {

TemporaryDirectory::TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "xenbroker-test.XXXXXX").string();
    if (!::mkdtemp(name.data()))
        throw systemError("cannot make a temporary directory", errno);
    path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored; // a test that fails says more than this could
    std::filesystem::remove_all(path_, ignored);
}

PrivateBus::PrivateBus(const BusPolicy& policy) {
    const char* const wanted = ::getenv("XENBROKER_TEST_BUS");
    const std::string program = wanted && *wanted ? wanted : "dbus-daemon";
    if (program == "dbus-broker") {
        const auto socket = directory_.path() / "bus";
        broker_ = std::make_unique<DbusBroker>(socket, policy);
        pid_ = broker_->pid();
        address_ = "unix:path=" + socket.string();
    } else if (program == "dbus-daemon") {
        startDaemon(policy);
    } else {
        throw Error("XENBROKER_TEST_BUS=" + program + ": must be dbus-daemon or dbus-broker");
    }
}

void PrivateBus::startDaemon(const BusPolicy& policy) {
    const auto config = directory_.path() / "bus.conf";
    writeFileAtomically(config, "<busconfig><type>" + policy.type() +
                                    "</type><listen>unix:dir=" + directory_.path().string() +
                                    "</listen><auth>EXTERNAL</auth>" + policy.xml() + "</busconfig>");
    // A system bus reports every call that it refuses.
    const auto messages = directory_.path() / "bus.log";
    const UniqueFd log(::open(messages.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log)
        throw systemError("cannot make " + messages.string(), errno);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw systemError("cannot make a pipe", errno);
    UniqueFd read(ends[0]);
    UniqueFd write(ends[1]);
    pid_ = ::fork();
    if (pid_ < 0)
        throw systemError("cannot fork", errno);
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(log.get(), STDERR_FILENO);
        ::dup2(write.get(), 3); // last: that may be the log's number
        const std::string option = "--config-file=" + config.string();
        ::execlp("dbus-daemon", "dbus-daemon", "--nofork", "--print-address=3", option.c_str(), nullptr);
        ::_exit(127);
    }
    write.reset();
    char buffer[1024];
    ssize_t n = 0;
    while (address_.find('\n') == std::string::npos && (n = ::read(read.get(), buffer, sizeof buffer)) > 0)
        address_.append(buffer, static_cast<std::size_t>(n));
    if (address_.empty()) {
        stop();
        throw Error("dbus-daemon did not start: " + readFile(messages));
    }
    address_.resize(address_.find_first_of(",\n"));
}

void PrivateBus::stop() {
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

PrivateBus::~PrivateBus() {
    stop();
}

} // namespace xb::test
