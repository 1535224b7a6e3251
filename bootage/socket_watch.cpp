// SPDX-License-Identifier: Apache-2.0
#include "bootage/socket_watch.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::bootage {

namespace {

constexpr std::chrono::milliseconds firstPause{1};
constexpr std::chrono::milliseconds longestPause{250};

int openInotify() {
    const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        throw systemError("cannot watch for a socket (inotify)", errno);
    return fd;
}

// Negative when there is no such directory, or none that we may read, and one above can be tried.
int addWatch(int inotify, const std::filesystem::path& directory) {
    const int watch =
        ::inotify_add_watch(inotify, directory.c_str(),
                            IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (watch >= 0)
        return watch;
    if (errno == ENOSPC)
        throw systemError("cannot watch " + directory.string() + " (see fs.inotify.max_user_watches)", errno);
    if (directory == directory.root_path())
        throw systemError("cannot watch " + directory.string(), errno);
    return -1;
}

} // namespace

SocketState socketState(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return SocketState::absent;
    std::memcpy(address.sun_path, path.data(), path.size());
    for (int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
        UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd)
            throw systemError("cannot make a socket", errno);
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
            errno == EAGAIN)
            return SocketState::open;
        if (errno != EPROTOTYPE)
            return errno == ECONNREFUSED ? SocketState::refusing : SocketState::absent;
    }
    return SocketState::absent;
}

SocketWatch::SocketWatch(const Executor& executor, std::string path, std::function<void()> onOpen)
    : path_(std::move(path)), onOpen_(std::move(onOpen)), inotify_(executor, openInotify()), retry_(executor),
      pause_(firstPause) {
    watchNearestDirectory();
    asio::post(executor, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired())
            return;
        check();
    });
    waitForChange();
}

// Runs from the loop, where nobody would catch: what fails here is logged, and the service's time runs out.
void SocketWatch::check() try {
    watchNearestDirectory(); // before the try, so that nothing happens unseen between the two
    const SocketState state = socketState(path_);
    if (state == SocketState::open) {
        boost::system::error_code ignored;
        inotify_.close(ignored);
        retry_.cancel();
        onOpen_(); // may destroy this object
    } else if (state == SocketState::refusing)
        retryLater();
} catch (const Error& e) {
    log::error("{}: {}", path_, e.what());
}

// A directory below may appear before the watch is set, so the nearest one is looked for until it stays the
// same.
void SocketWatch::watchNearestDirectory() {
    for (;;) {
        const auto previous = watched_;
        watched_ = std::filesystem::path(path_).parent_path();
        int watch = -1;
        while ((watch = addWatch(inotify_.native_handle(), watched_)) < 0)
            watched_ = watched_.parent_path();
        if (watch_ >= 0 && watch != watch_)
            ::inotify_rm_watch(inotify_.native_handle(), watch_);
        watch_ = watch;
        if (watched_ == previous)
            return;
    }
}

void SocketWatch::waitForChange() {
    inotify_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                            if (error || alive.expired())
                                return;
                            char events[4096];
                            while (::read(inotify_.native_handle(), events, sizeof events) > 0) {
                            }
                            pause_ = firstPause;
                            waitForChange();
                            check();
                        });
}

void SocketWatch::retryLater() {
    retry_.callAfter(pause_, [this] { check(); });
    pause_ = std::min(pause_ * 2, longestPause);
}

} // namespace xb::bootage
