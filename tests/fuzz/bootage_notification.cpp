// SPDX-License-Identifier: Apache-2.0
// Hostile: a datagram that any process may send to bootage. Nothing is refused; "ready" is a line of its own.
#include "bootage/notification.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace xb::fuzz {

namespace {

void run(std::string_view input) {
    const auto notification = bootage::parseNotification(input);
    const std::string lines = "\n" + std::string(input) + "\n";
    expect(notification.ready == (lines.find("\nREADY=1\n") != std::string::npos),
           "ready by a line of its own");
    expect(notification.status.has_value() == (lines.find("\nSTATUS=") != std::string::npos),
           "status likewise");
    expect(!notification.status || notification.status->find('\n') == std::string::npos,
           "a status is one line");
}

const Target target("bootage_notification", run);

} // namespace

} // namespace xb::fuzz
