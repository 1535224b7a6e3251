// SPDX-License-Identifier: Apache-2.0
// An empty D-Bus message without a bus, to put values in and take them out again.
#pragma once

#include "toolstack/libs/message.hpp"

namespace sdbus {
PlainMessage createPlainMessage(); // exported, in a header that is not installed
} // namespace sdbus

namespace xb::fuzz {

inline Message plainMessage() {
    struct Access : sdbus::Message {
        static void* raw(sdbus::Message& message) { return message.*(&Access::msg_); }
    };
    sdbus::PlainMessage made = sdbus::createPlainMessage();
    return Message::share(static_cast<sd_bus_message*>(Access::raw(made)));
}

} // namespace xb::fuzz
