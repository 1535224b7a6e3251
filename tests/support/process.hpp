// SPDX-License-Identifier: Apache-2.0
// A program under test as a process of its own: started with a socket to say that it is ready on (sd_notify),
// its messages in a file, and never outliving the test.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::test {

/// How long anything in these tests may take before it counts as hanging.
inline constexpr std::chrono::seconds patience{60};

class Process {
public:
    /// `directory` is for the socket and the messages; `name` for telling processes apart there.
    Process(const std::filesystem::path& directory, const std::string& name,
            std::vector<std::string> arguments);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    /// Kills and reaps what still runs.
    ~Process();

    /// False when it ended before, or did not, say READY=1.
    bool waitReady();
    /// Exit status; 128 + N when signal N ended it; nothing when it goes on.
    std::optional<int> waitEnd();
    void signal(int number);
    bool running();
    /// What it said on stderr so far.
    std::string messages() const;
    pid_t pid() const { return pid_; }

private:
    void reap(int flags);

    std::filesystem::path socketPath_;
    std::filesystem::path messagesPath_;
    int socket_ = -1;
    int pidfd_ = -1;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

} // namespace xb::test
