// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/program.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/xec/vms.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <syslog.h>

namespace xb::xec {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string sessionBusAddress() {
    std::string address = environment("DBUS_SESSION_BUS_ADDRESS");
    if (!address.empty())
        return address;
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    if (runtime.empty())
        throw Error(errors::disconnected,
                    "there is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set");
    return "unix:path=" + runtime + "/bus";
}

// The classic line of an error reply stays where scripts read it; JSON readers get nothing that is not JSON.
int reportReply(const char* program, const Options& options, const ReplyError& error) {
    const int status = exitStatusFor(error.name());
    if (options.json)
        return complain(program, std::string(error.what()) + " (" + error.name() + ")", status);
    const int written = print(program, error.name() + ": " + error.what() + "\n");
    return written == exitOk ? status : written;
}

int report(const char* program, const Options& options, const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const UsageError& e) {
        return complain(program, e.what(), exitBadUsage);
    } catch (const ReplyError& e) {
        return reportReply(program, options, e);
    } catch (const Error& e) {
        return complain(program, e.what(), exitStatusFor(e.name()));
    } catch (const std::exception& e) {
        return complain(program, e.what(), exitRefused);
    }
}

} // namespace

int exitStatusFor(std::string_view errorName) {
    static constexpr std::string_view spawnErrors = "org.freedesktop.DBus.Error.Spawn.";
    static constexpr std::array unreachable{
        std::string_view(errors::serviceUnknown), std::string_view(errors::nameHasNoOwner),
        std::string_view(errors::disconnected),
        std::string_view(errors::noReply), // it went away before it answered
        std::string_view("org.freedesktop.DBus.Error.NoServer")};
    for (const std::string_view name : unreachable)
        if (errorName == name)
            return exitUnreachable;
    if (errorName.starts_with(spawnErrors))
        return exitUnreachable;
    if (errorName == errors::timeout || errorName == "org.freedesktop.DBus.Error.TimedOut")
        return exitTimedOut;
    return exitRefused;
}

std::string busAddress(const Options& options) {
    if (options.bus)
        return *options.bus;
    if (options.targetDomain)
        throw Error(errors::notSupported, "the bus of domain " + *options.targetDomain +
                                              " cannot be reached: there is no inter-domain transport here; "
                                              "give its address with --bus");
    if (options.session)
        return sessionBusAddress();
    return environment("XENBROKER_BUS");
}

int runOnBus(const char* program, const Options& options,
             const std::function<Task<std::string>(Client&)>& body) {
    log::init(program, log::Sink::standardError);
    std::exception_ptr failure;
    std::string output;
    try {
        Loop loop;
        Bus bus(loop, busAddress(options));
        Client client(bus, options.service.value_or(xenmgrService), options.timeout);
        asio::co_spawn(loop.context(), body(client), [&](std::exception_ptr e, std::string text) {
            failure = e;
            output = std::move(text);
            loop.stop(exitOk);
        });
        if (loop.run() == exitBusLost)
            return exitUnreachable; // the bus layer has said so
    } catch (...) {
        failure = std::current_exception();
    }
    return failure ? report(program, options, failure) : print(program, output);
}

int complain(const char* program, const std::string& text, int status) {
    std::fprintf(stderr, "%s: %s\n", program, text.c_str());
    return status;
}

int print(const char* program, const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0)
        return exitOk;
    return complain(program, std::string("cannot write to standard output: ") + std::strerror(errno),
                    exitRefused);
}

void logCall(const Words& words) {
    std::string line;
    for (const std::string& word : words)
        line += " " + word;
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = '?';
    ::openlog("xec", LOG_PID, LOG_USER);
    ::syslog(LOG_INFO, "invoked with:%s", line.c_str());
}

} // namespace xb::xec
