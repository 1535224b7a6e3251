// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/log_watch.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb {

namespace {

// Of an overlong log; what is beyond was written faster than we look.
constexpr std::uint64_t mostCopied = 4;

} // namespace

LogWatch::LogWatch(const Executor& executor, Workers& workers, std::filesystem::path file, LogLimits limits)
    : executor_(executor), workers_(workers), file_(std::move(file)), limits_(limits), events_(executor) {}

std::shared_ptr<LogWatch> LogWatch::open(const Executor& executor, Workers& workers,
                                         std::filesystem::path file, LogLimits limits) {
    std::shared_ptr<LogWatch> watch(new LogWatch(executor, workers, std::move(file), limits));
    UniqueFd events(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!events)
        throw systemError("cannot watch " + watch->file_.string(), errno);
    const std::string directory = watch->file_.parent_path().string();
    watch->directoryWatch_ =
        ::inotify_add_watch(events.get(), directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (watch->directoryWatch_ < 0)
        throw systemError("cannot watch " + directory, errno);
    watch->events_.assign(events.release());
    watch->watchFile();
    watch->wait();
    watch->look();
    return watch;
}

void LogWatch::close() {
    closed_ = true;
    boost::system::error_code ignored;
    events_.close(ignored);
}

// The file of now; one that comes later is told by the directory.
void LogWatch::watchFile() {
    if (::inotify_add_watch(events_.native_handle(), file_.c_str(), IN_MODIFY | IN_DONT_FOLLOW) < 0 &&
        errno != ENOENT)
        log::warn("{} is not watched: {}; it may become large", file_.string(), std::strerror(errno));
}

void LogWatch::wait() {
    events_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error || self->closed_)
                               return;
                           self->takeEvents();
                           self->look();
                           self->wait();
                       });
}

void LogWatch::takeEvents() {
    alignas(inotify_event) std::array<char, 4096> buffer;
    bool isNew = false;
    for (;;) {
        const ssize_t n = ::read(events_.native_handle(), buffer.data(), buffer.size());
        if (n <= 0)
            break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            if (event.wd == directoryWatch_ && event.len > 0)
                isNew = isNew || file_.filename() == std::string_view(name, ::strnlen(name, event.len));
            at += sizeof event + event.len;
        }
    }
    if (isNew)
        watchFile();
}

void LogWatch::look() {
    struct stat status {};
    if (rotating_ || closed_ || ::lstat(file_.c_str(), &status) != 0)
        return;
    if (static_cast<std::uint64_t>(status.st_size) <= limits_.bytes)
        return;
    rotating_ = true;
    spawn(executor_, "rotation of a log", rotate(shared_from_this()));
}

Task<> LogWatch::rotate(std::shared_ptr<LogWatch> self) {
    auto work = [file = self->file_, limits = self->limits_] {
        rotateByCopy(file, limits.kept, limits.bytes * mostCopied);
    };
    std::string failure;
    try {
        co_await self->workers_.run(std::move(work));
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty() && !self->complained_)
        log::error("{}", failure);
    self->complained_ = self->complained_ || !failure.empty();
    self->rotating_ = false;
    if (failure.empty())
        self->look();
}

} // namespace xb
