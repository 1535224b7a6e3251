// SPDX-License-Identifier: Apache-2.0
// Sub-commands that save domains to files and restore them. A file is what Hypervisor::save() writes, nothing
// before or after it; the description of the domain stays in its configuration file.
#include "toolstack/console/console.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/guest_start.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace xb::xenops {

namespace {

// A new file that only root reads: it holds the guest's memory. Removed again unless keep() is called.
class NewFile {
public:
    explicit NewFile(std::string path)
        : path_(std::move(path)),
          fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) {
        if (!fd_ && errno == EEXIST)
            throw Error(fmt::format("the file {} is there already: name another one, or remove it", path_));
        if (!fd_)
            throw systemError("cannot make the file " + path_, errno);
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (!kept_)
            ::unlink(path_.c_str());
    }

    UniqueFd duplicate() const {
        UniqueFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
        if (!copy)
            throw systemError("cannot open the file " + path_ + " again", errno);
        return copy;
    }
    // On the disk from now on, so that the domain may go.
    void keep() {
        if (::fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS)
            throw systemError("cannot write the file " + path_, errno);
        kept_ = true;
    }

private:
    std::string path_;
    UniqueFd fd_;
    bool kept_ = false;
};

std::string fileOf(Context& context) {
    return context.arguments.has("file") ? context.arguments.required("file")
                                         : context.arguments.take("FILE");
}

// The domain goes on when it could not be saved; the failure is thrown again.
Task<> saveTo(xen::Hypervisor& hypervisor, xen::DomainInfo info, NewFile& file, xen::SaveMode mode) {
    std::exception_ptr failure;
    try {
        co_await hypervisor.save(info.domid, file.duplicate(), mode);
        file.keep();
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    const auto now = co_await hypervisor.domain(info.domid);
    if (now && now->shutdown && now->reason == xen::ShutdownReason::suspend)
        co_await hypervisor.resume(info.domid);
    std::rethrow_exception(failure);
}

xen::SaveMode modeOf(const Arguments& arguments) {
    return arguments.has("live") ? xen::SaveMode::live : xen::SaveMode::stopped;
}

Task<> save(Context& context) {
    const auto info = co_await theGuest(context);
    NewFile file(fileOf(context));
    context.arguments.end();
    co_await saveTo(context.hypervisor, info, file, modeOf(context.arguments));
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
    NewFile file(fileOf(context));
    context.arguments.end();
    co_await saveTo(context.hypervisor, info, file, modeOf(context.arguments));
    co_await context.hypervisor.resume(info.domid);
}

Task<> restore(Context& context) {
    if (context.arguments.has("domid"))
        throw Error(errors::notSupported,
                    "libxl restores into a new domain only: xenops restore CONFIG FILE, with "
                    "the configuration file that the domain was created from");
    const std::string configFile = context.arguments.take("CONFIG");
    const std::string path = fileOf(context);
    UniqueFd saved(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!saved)
        throw systemError("cannot open the saved domain " + path, errno);
    const auto config = co_await readGuestConfig(context, configFile);
    const auto domid = co_await startGuest(context.hypervisor, config, std::move(saved), true);
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
    const Flag file{"file", "FILE", "as the operand; a new file"};
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
         "CONFIG [FILE]",
         {domidFlag, file, {"paused", "", "leave it paused", "p"}},
         "a new domain of a configuration file and a saved one's state",
         restore},
        {"dump-core", {}, "DOMAIN [FILE]", {domidFlag, file}, "writes an ELF core of it", dumpCore},
    };
}

} // namespace xb::xenops
