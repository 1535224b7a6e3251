// SPDX-License-Identifier: Apache-2.0
// Notifications: what their text says, and what the socket tells about their sender.
#include "bootage/notify_socket.hpp"

#include "toolstack/libs/loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <vector>

namespace xb::bootage {
namespace {

TEST(Notification, ReadsAssignmentsByLine) {
    EXPECT_TRUE(parseNotification("READY=1").ready);
    EXPECT_TRUE(parseNotification("MAINPID=3\nREADY=1\n").ready);
    EXPECT_EQ(parseNotification("STATUS=a=b c\nX").status, "a=b c");
    EXPECT_EQ(parseNotification("STATUS=").status, "");
}

TEST(Notification, NearMissesDoNotCount) {
    for (const char* text :
         {"", "READY=0", "READY=11", "READY=1 ", " READY=1", "ready=1", "XREADY=1", "STATUS=READY=1"})
        EXPECT_FALSE(parseNotification(text).ready) << text;
    EXPECT_FALSE(parseNotification("READY=1").status);
}

TEST(NotifySocket, TellsTheSenderAndDropsWhatIsTooLong) {
    Loop loop;
    std::vector<pid_t> senders;
    std::string status;
    NotifySocket socket(loop.executor(), [&](pid_t sender, const Notification& notification) {
        senders.push_back(sender);
        status = notification.status.value_or("");
        loop.stop();
    });
    ::setenv("NOTIFY_SOCKET", socket.address().c_str(), 1);
    ASSERT_GT(sd_notify(0, ("STATUS=" + std::string(maxNotificationSize, 'x')).c_str()), 0);
    // With a descriptor, as sd_notify_barrier(3) sends: it must not stay open here.
    const int fd = ::dup(STDERR_FILENO);
    ASSERT_GT(sd_pid_notify_with_fds(0, 0, "STATUS=short", &fd, 1), 0);
    ::close(fd);
    loop.run();
    EXPECT_EQ(senders, std::vector<pid_t>{::getpid()});
    EXPECT_EQ(status, "short");
    EXPECT_EQ(::dup(STDERR_FILENO), fd) << "the descriptor that came along was not closed";
    ::close(fd);
    ::unsetenv("NOTIFY_SOCKET");
}

} // namespace
} // namespace xb::bootage
