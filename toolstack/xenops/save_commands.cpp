// SPDX-License-Identifier: Apache-2.0
// Sub-commands that save domains to files and restore them. The files are those of xl (xen/saved_domain.hpp);
// the file - is standard input or output, for pipes.
#include "toolstack/libs/files.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/guest_start.hpp"
#include "xen/saved_domain.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace xb::xenops {

namespace {

constexpr std::string_view standardStream = "-";

// Standard input or output, of which a terminal is neither source nor target of a domain.
UniqueFd openStandard(int descriptor, const std::string& name) {
    UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!copy)
        throw systemError(name, errno);
    if (::isatty(copy.get()) != 0)
        throw Error(errors::invalidArgs, name + " is a terminal: name a file, or use - with a pipe");
    return copy;
}

std::string fileOf(Context& context) {
    return context.arguments.has("file") ? context.arguments.required("file")
                                         : context.arguments.take("FILE");
}

// The name of a file that is not there yet: another domain's memory is not written over.
std::string newFileOf(Context& context) {
    std::string path = fileOf(context);
    if (path != standardStream && std::filesystem::exists(std::filesystem::symlink_status(path)))
        throw Error(fmt::format("the file {} is there already: name another one, or remove it", path));
    return path;
}

// Leaves the domain suspended and all of it written, or the guest going on.
Task<> saveToOutput(xen::Hypervisor& hypervisor, xen::DomId domid, xen::SaveMode mode) {
    static const std::string name = "standard output";
    std::signal(SIGPIPE, SIG_IGN); // who reads may go
    auto stream = openStandard(STDOUT_FILENO, name);
    const auto configuration = co_await hypervisor.configurationJson(domid);
    writeAll(stream.get(), xen::savedHeader(configuration), name);
    co_await hypervisor.save(domid, std::move(stream), mode);
}

// Leaves the domain suspended and the file complete, or the guest going on and no file; the failure is thrown
// again.
Task<> saveTo(xen::Hypervisor& hypervisor, xen::DomId domid, std::string path, xen::SaveMode mode) {
    if (path == standardStream)
        co_return co_await saveToOutput(hypervisor, domid, mode);
    const auto configuration = co_await hypervisor.configurationJson(domid);
    xen::SavedFile file(path, configuration);
    auto stream = file.stream();
    co_await hypervisor.save(domid, std::move(stream), mode); // which lets the guest go on when it fails
    std::exception_ptr failure;
    try {
        file.finish();
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    co_await hypervisor.resume(domid);
    std::rethrow_exception(failure);
}

xen::SaveMode modeOf(const Arguments& arguments) {
    return arguments.has("live") ? xen::SaveMode::live : xen::SaveMode::stopped;
}

Task<> save(Context& context) {
    const auto info = co_await theGuest(context);
    const std::string path = newFileOf(context);
    context.arguments.end();
    co_await saveTo(context.hypervisor, info.domid, path, modeOf(context.arguments));
    if (context.arguments.has("checkpoint"))
        co_await context.hypervisor.resume(info.domid);
    else
        co_await context.hypervisor.destroy(info.domid);
}

Task<> checkpoint(Context& context) {
    if (context.arguments.has("uncooperative"))
        throw Error(errors::notSupported,
                    "a guest that does not take part cannot be resumed in place; leave out "
                    "-uncooperative");
    const auto info = co_await theGuest(context);
    const std::string path = newFileOf(context);
    context.arguments.end();
    co_await saveTo(context.hypervisor, info.domid, path, modeOf(context.arguments));
    co_await context.hypervisor.resume(info.domid);
}

xen::OpenedSavedFile openSaved(const std::string& path) {
    if (path != standardStream)
        return xen::openSavedFile(path);
    static const std::string name = "standard input";
    return xen::openSavedStream(openStandard(STDIN_FILENO, name), name);
}

// [CONFIG] FILE, where -file may stand for the latter.
Task<> restore(Context& context) {
    if (context.arguments.has("domid"))
        throw Error(
            errors::notSupported,
            "libxl restores into a new domain only: xenops restore FILE, or xenops restore CONFIG FILE "
            "for another configuration than it was saved with");
    std::optional<std::string> configFile;
    std::string path;
    if (context.arguments.has("file")) {
        path = context.arguments.required("file");
        configFile = context.arguments.takeIfThere();
    } else {
        path = context.arguments.take("FILE");
        if (auto second = context.arguments.takeIfThere()) {
            configFile = std::move(path);
            path = *std::move(second);
        }
    }
    context.arguments.end();
    auto saved = openSaved(path);
    GuestConfig config;
    if (configFile)
        config = co_await readGuestConfig(context, *configFile);
    else
        config = co_await savedGuestConfig(context, saved.header, path, std::nullopt);
    const auto domid = co_await startGuest(context.hypervisor, config, std::move(saved.stream), true);
    if (!context.arguments.has("paused"))
        co_await context.hypervisor.unpause(domid);
    context.print("restored domain: {}", domid);
}

Task<> dumpCore(Context& context) {
    const auto info = co_await theGuest(context);
    const std::string path = fileOf(context);
    co_await context.hypervisor.dumpCore(info.domid, path);
}

} // namespace

std::vector<SubCommand> saveCommands() {
    const Flag file{"file", "FILE", "as the operand; a new file, or -"};
    const Flag live{"live", "", "it runs until little is left to save"};
    return {
        {"save_domain",
         {"save", "suspend"},
         "DOMAIN [FILE]",
         {domidFlag, file, live, {"checkpoint", "", "let it go on afterwards", "c"}},
         "saves a domain to a file and destroys it",
         save},
        {"chkpoint_domain",
         {"chkpoint", "checkpoint"},
         "DOMAIN [FILE]",
         {domidFlag, file, live, {"uncooperative", "", "not supported"}},
         "saves it and lets it go on",
         checkpoint},
        {"restore_domain",
         {"restore"},
         "[CONFIG] [FILE]",
         {domidFlag,
          {"file", "FILE", "as the operand; - is standard input"},
          {"paused", "", "leave it paused", "p"}},
         "a new domain with a saved one's state, and CONFIG if that is to be another",
         restore},
        {"dump-core", {}, "DOMAIN [FILE]", {domidFlag, file}, "writes an ELF core of it", dumpCore},
    };
}

} // namespace xb::xenops
