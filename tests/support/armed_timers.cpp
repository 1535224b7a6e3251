// SPDX-License-Identifier: Apache-2.0
#include "tests/support/armed_timers.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace xb::test {

std::size_t armedTimers() {
    std::size_t armed = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream file(entry.path());
        // it_value: (seconds, nanoseconds) until the timer goes off, zeros when it is not set
        for (std::string line; std::getline(file, line);)
            if (line.starts_with("it_value:") && line.find("(0, 0)") == std::string::npos)
                ++armed;
    }
    return armed;
}

} // namespace xb::test
