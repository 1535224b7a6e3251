// SPDX-License-Identifier: Apache-2.0
// The text of an sd_notify(3) message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xb::bootage {

/// What a message says, of what bootage makes use of (sd_notify(3), "Well-known assignments").
struct Notification {
    bool ready = false;
    std::optional<std::string> status;
};

/// Reads the assignments of a message, one a line. Unknown ones are passed over, as the protocol asks. Pure.
Notification parseNotification(std::string_view text);

} // namespace xb::bootage
