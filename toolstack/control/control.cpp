// SPDX-License-Identifier: Apache-2.0
#include "toolstack/control/control.hpp"

#include "idl/org_xenbroker_daemon_server.hpp"
#include "toolstack/libs/log.hpp"

#include <memory>

namespace xb {

namespace {

class Control : public idl::org_xenbroker_daemon::DaemonServer {
public:
    Task<std::string> getLogLevel(Caller) override { co_return log::level(); }
    Task<> setLogLevel(Caller caller, std::string value) override {
        log::setLevel(value);
        log::info("log level {} set by {}", value, caller.uniqueName);
        co_return;
    }
    Task<std::string> getVersion(Caller) override { co_return XENBROKER_VERSION; }
};

} // namespace

void exportControl(Bus& bus) {
    bus.objects().add(controlPath, std::make_shared<Control>());
}

} // namespace xb
