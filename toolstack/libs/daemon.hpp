// SPDX-License-Identifier: Apache-2.0
// Telling the supervisor how a daemon is doing (sd_notify protocol, which bootage speaks as well).
#pragma once

#include <string>

namespace xb {

/// READY=1: the bus name is owned and everything is served.
void notifyReady();
/// STOPPING=1.
void notifyStopping();
/// STATUS=text, shown by systemctl status and bootage.
void notifyStatus(const std::string& text);

} // namespace xb
