// SPDX-License-Identifier: Apache-2.0
#include "bootage/notification.hpp"

namespace xb::bootage {

Notification parseNotification(std::string_view text) {
    Notification result;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line == "READY=1")
            result.ready = true;
        else if (line.starts_with("STATUS="))
            result.status = line.substr(7);
    }
    return result;
}

} // namespace xb::bootage
