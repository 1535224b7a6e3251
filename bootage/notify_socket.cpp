// SPDX-License-Identifier: Apache-2.0
#include "bootage/notify_socket.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::bootage {

namespace {

UniqueFd boundSocket() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The family alone: the kernel chooses a free abstract name (unix(7), "Autobind feature").
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address.sun_family) != 0)
        throw systemError("cannot make the notification socket", errno);
    return fd;
}

std::string nameOf(int fd) {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        throw systemError("cannot name the notification socket", errno);
    const std::size_t size = length - offsetof(sockaddr_un, sun_path);
    return "@" + std::string(address.sun_path + 1, size - 1);
}

// The sender, or nothing without credentials. Descriptors that were sent are closed.
std::optional<pid_t> readControl(msghdr& message) {
    std::optional<pid_t> sender;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET)
            continue;
        if (each->cmsg_type == SCM_CREDENTIALS) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(each), sizeof credentials);
            sender = credentials.pid;
        } else if (each->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(each) + i * sizeof fd, sizeof fd);
                UniqueFd closed(fd);
            }
        }
    }
    return sender;
}

} // namespace

NotifySocket::NotifySocket(const Executor& executor, Handler handler)
    : socket_(executor, boundSocket().release()), handler_(std::move(handler)),
      address_(nameOf(socket_.native_handle())) {
    waitForMessage();
}

void NotifySocket::drain() {
    for (std::size_t i = 0; i < maxNotificationsAtOnce && receiveOne(); ++i) {
    }
}

void NotifySocket::waitForMessage() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (error)
                               return;
                           drain();
                           waitForMessage();
                       });
}

bool NotifySocket::receiveOne() {
    std::array<char, maxNotificationSize> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(16 * sizeof(int))> control;
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR)
            log::error("cannot read the notification socket: {}", std::strerror(errno));
        return errno == EINTR;
    }
    const auto sender = readControl(message);
    if (!sender)
        log::warn("dropped a notification without credentials");
    else if (message.msg_flags & MSG_TRUNC)
        log::warn("dropped a notification of process {}: longer than {} bytes", *sender, maxNotificationSize);
    else
        handler_(*sender, parseNotification({text.data(), static_cast<std::size_t>(size)}));
    return true;
}

} // namespace xb::bootage
