// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/daemon.hpp"

#include <systemd/sd-daemon.h>

namespace xb {

void notifyReady() {
    sd_notify(0, "READY=1");
}
void notifyStopping() {
    sd_notify(0, "STOPPING=1");
}
void notifyStatus(const std::string& text) {
    sd_notify(0, ("STATUS=" + text).c_str());
}

} // namespace xb
