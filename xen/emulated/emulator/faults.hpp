// SPDX-License-Identifier: Apache-2.0
// Faults that tests inject by name into the emulator, each for a number of times.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace xb::xen::emulated {

class Faults {
public:
    static constexpr const char* backendNeverConnects = "backend-never-connects";
    static constexpr const char* hotplugFails = "hotplug-fails";
    static constexpr const char* createFailsLate = "create-fails-late";
    static constexpr const char* noMemory = "no-memory";
    static constexpr const char* slowDestroy = "slow-destroy";
    static constexpr const char* slowSave = "slow-save";
    static constexpr const char* slowBuild = "slow-build";
    static constexpr const char* slowHotplug = "slow-hotplug";

    static bool known(std::string_view name) {
        return name == backendNeverConnects || name == hotplugFails || name == createFailsLate ||
               name == noMemory || name == slowDestroy || name == slowSave || name == slowBuild ||
               name == slowHotplug;
    }

    /// The next `times` occasions of `name` fail; 0 clears it. `time`: how slow the slow ones are.
    void inject(const std::string& name, std::uint64_t times, std::chrono::milliseconds time) {
        faults_[name] = {times, time};
    }

    /// Whether this occasion is to fail; counts it.
    bool take(const char* name) {
        const auto found = faults_.find(name);
        if (found == faults_.end() || found->second.left == 0)
            return false;
        --found->second.left;
        return true;
    }

    std::chrono::milliseconds time(const char* name) const {
        const auto found = faults_.find(name);
        return found == faults_.end() ? std::chrono::milliseconds(0) : found->second.time;
    }

private:
    struct Fault {
        std::uint64_t left = 0;
        std::chrono::milliseconds time{0};
    };
    std::map<std::string, Fault, std::less<>> faults_;
};

} // namespace xb::xen::emulated
