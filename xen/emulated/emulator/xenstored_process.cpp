// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/xenstored_process.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "xen/emulated/shared_layout.h"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>

namespace xb::xen::emulated {

namespace {

std::string findXenstored(const std::string& given) {
    if (!given.empty())
        return given;
    for (const char* place :
         {"/usr/lib/xen-4.17/bin/xenstored", "/usr/libexec/xen/bin/xenstored", "/usr/sbin/xenstored"})
        if (::access(place, X_OK) == 0)
            return place;
    throw Error("no xenstored on this machine: install xen-utils-4.17, or say where it is (--xenstored)");
}

} // namespace

Task<> XenstoredProcess::start(EmulatorOptions options) {
    const Executor executor = co_await asio::this_coro::executor;
    const std::string directory = options.directory + "/xenstored";
    makeDirectories(directory, 0700);
    const std::string events = options.directory + "/events";
    if (::mkfifo(events.c_str(), 0600) != 0)
        throw systemError("cannot make " + events, errno);
    events_.reset(::open(events.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!events_)
        throw systemError("cannot open " + events, errno);

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw systemError("cannot make a pipe", errno);
    asio::posix::stream_descriptor output(executor, ends[0]);
    UniqueFd childsEnd(ends[1]);
    Command command;
    // -N: stay our child; -P: print the process id once everything is served, which is the event waited for
    // below.
    command.arguments = {findXenstored(options.xenstored), "-N", "-P"};
    command.environment = {{"LD_PRELOAD", options.shim},
                           {XB_FAKEXEN_DIRECTORY, options.directory},
                           {"XENSTORED_RUNDIR", directory},
                           {"XENSTORED_ROOTDIR", directory},
                           {"XENSTORED_PATH", directory + "/socket"}};
    command.descriptors = {{childsEnd.get(), STDOUT_FILENO}, {childsEnd.get(), STDERR_FILENO}};
    command.signalWhenParentDies = SIGKILL;
    command.newSession = true;
    child_ = std::make_unique<Child>(executor, command);
    childsEnd.reset();

    std::string printed;
    for (;;) {
        char buffer[1024];
        boost::system::error_code error;
        const std::size_t size = co_await output.async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        printed.append(buffer, size);
        if (printed.find(std::to_string(child_->pid()) + "\n") != std::string::npos)
            co_return;
        if (error) {
            const auto status = co_await child_->wait();
            throw Error(command.arguments.front() + " " + status.text() + " at start: " + printed);
        }
    }
}

Task<ExitStatus> XenstoredProcess::wait() {
    co_return co_await child_->wait();
}

void XenstoredProcess::kill() {
    if (child_)
        child_->signal(SIGKILL);
}

void XenstoredProcess::raiseDomainVirq() {
    // A full fifo already holds an interrupt: they are not counted.
    const shared_event event{XB_EVENT_VIRQ, 0};
    if (::write(events_.get(), &event, sizeof event) < 0 && errno != EAGAIN)
        throw systemError("cannot raise the domain interrupt", errno);
}

} // namespace xb::xen::emulated
