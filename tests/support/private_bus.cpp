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

PrivateBus::PrivateBus(const std::string& extraConfig) {
    const auto config = directory_.path() / "bus.conf";
    writeFileAtomically(config,
                        "<busconfig><type>session</type><listen>unix:dir=" + directory_.path().string() +
                            "</listen><auth>EXTERNAL</auth>"
                            "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
                            "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>" +
                            extraConfig + "</busconfig>");
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
        ::dup2(write.get(), 3);
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
        throw Error("dbus-daemon did not start");
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
