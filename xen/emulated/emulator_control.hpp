// SPDX-License-Identifier: Apache-2.0
// Starts and steers a xen-emulator process from a test or a tool: blocking calls, no loop needed. Owns the
// process, and its directory when it made it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::xen {

/// Most time that the emulator may take to start, to end, or to answer.
inline constexpr std::chrono::seconds emulatorLimit{20};

class EmulatorControl {
public:
    /// Starts `program` (xen-emulator) and waits until it is ready. An empty `directory`: a new one below
    /// /tmp, removed at the end. `options` are passed on. Throws xb::Error.
    explicit EmulatorControl(const std::string& program, std::string directory = {},
                             const std::vector<std::string>& options = {});
    EmulatorControl(const EmulatorControl&) = delete;
    EmulatorControl& operator=(const EmulatorControl&) = delete;
    ~EmulatorControl();

    const std::string& directory() const { return directory_; }
    pid_t pid() const { return pid_; }
    /// Faults by name: backend-never-connects, hotplug-fails, create-fails-late, no-memory; with their time
    /// slow-build, slow-hotplug, slow-save, slow-destroy.
    void inject(const std::string& fault, unsigned times = 1, std::chrono::milliseconds time = {}) {
        injectFault(directory_, fault, times, time);
    }
    /// The same, of an emulator that somebody else started.
    static void injectFault(const std::string& directory, const std::string& fault, unsigned times = 1,
                            std::chrono::milliseconds time = {});
    /// SIGTERM, and waits for its end; its exit status, or 128 + signal.
    int stop();
    /// SIGKILL; the machine loses its power.
    void kill();

private:
    int waitForEnd();

    std::string directory_;
    bool ownsDirectory_ = false;
    pid_t pid_ = -1;
};

} // namespace xb::xen
