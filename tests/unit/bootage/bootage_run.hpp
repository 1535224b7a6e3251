// SPDX-License-Identifier: Apache-2.0
// Runs the real bootage on a configuration in a directory of its own. Waits are for events, with a deadline;
// at the end the test's process, being a subreaper, must have no children left.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::bootage {

inline constexpr std::chrono::seconds deadline{30};

class BootageRun : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    /// Starts bootage on `config`, with more options.
    /// service().
    void start(const std::string& config, std::vector<std::string> options = {});
    /// The paragraph of a service that takes `steps`; "DIR" in it stands for the directory.
    std::string service(const std::string& name, const std::string& steps,
                        const std::string& more = "") const;

    /// Reads status lines until one begins with `line`; what follows it. Fails the test at the deadline or
    /// the end.
    std::string expectLine(const std::string& line);
    pid_t expectStarted(const std::string& name) { return std::stoi(expectLine("started " + name + " ")); }
    /// Waits until bootage ends; its exit status, or minus the signal.
    int expectEnd();
    /// SIGTERM, and expectEnd().
    int stop();
    void closeStatus() { status_.reset(); }

    /// All status lines so far, and how many begin with `text`.
    const std::vector<std::string>& lines() const { return lines_; }
    long count(const std::string& text) const;

    std::string file(const std::string& name) const { return (directory_ / name).string(); }
    std::string content(const std::string& name) const;
    std::vector<std::string> words(const std::string& name) const;
    /// What bootage wrote to stderr.
    std::string output() const { return content("stderr"); }
    void makeFifo(const std::string& name);
    /// Lets the service go on that waits for the fifo.
    void release(const std::string& name);
    /// Waits until the file has so many lines; the last one, a process id.
    pid_t pidIn(const std::string& name, std::size_t count = 1) const;
    /// Waits until the process, which came to us as an orphan, has ended, and reaps it.
    static void expectGone(pid_t pid);
    static bool alive(pid_t pid);
    /// The child of `pid`: the supervisor behind the guard.
    static pid_t childOf(pid_t pid);

    pid_t bootage_ = -1;
    std::filesystem::path directory_;

private:
    bool readStatus();

    UniqueFd status_;
    std::map<std::string, UniqueFd> fifos_;
    std::string buffer_;
    std::vector<std::string> lines_;
    std::size_t next_ = 0;
};

} // namespace xb::bootage
