// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <systemd/sd-bus.h>

#include <csignal>

namespace xb::bench {

Call listVms() {
    return {xenmgrService, "/", xenmgrService, "list_vms"};
}

Call onVm(const std::string& path, const std::string& method) {
    return {xenmgrService, path, vmInterface, method};
}

Platform::Platform() {
    echo_ = launch(directory(), "echo",
                   {ECHO_SERVICE, "--name", echoService, "--bus", address(), "--log-to", "stderr"}, true);
    bareEcho_ = launch(
        directory(), "bare-echo",
        {ECHO_SERVICE, "--bare", "--name", bareEchoService, "--bus", address(), "--log-to", "stderr"}, true);
    emulator_ = launch(directory(), "emulator",
                       {XEN_EMULATOR, "--directory", directory() / "emulator", "--log-to", "stderr"}, true);
    client_ = std::make_unique<Client>(address());
    client_->onSignal("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                      "arg0='com.citrix.xenclient.xenmgr'",
                      [this](sd_bus_message* message) {
                          const char *name = nullptr, *before = nullptr, *after = nullptr;
                          if (sd_bus_message_read(message, "sss", &name, &before, &after) > 0)
                              xenmgrServes_ = *after != '\0';
                      });
    client_->onSignal("type='signal',interface='com.citrix.xenclient.xenmgr',member='vm_state_changed'",
                      [this](sd_bus_message* message) {
                          const char *uuid = nullptr, *path = nullptr, *state = nullptr;
                          if (sd_bus_message_read(message, "sos", &uuid, &path, &state) > 0)
                              states_[path] = state;
                      });
}

Platform::~Platform() {
    try {
        stop();
        client_.reset();
        emulator_->signal(SIGTERM);
        emulator_->waitEnd();
    } catch (const std::exception&) {
        // the processes are killed by their owners below
    }
    bus_.stop(); // the monitors end with their bus
}

double Platform::start(const std::filesystem::path& root) {
    makeDirectories(root / "config");
    xenmgrServes_ = false;
    const auto begin = std::chrono::steady_clock::now();
    dbd_ = launch(directory(), "dbd", {DBD, "--bus", address(), "--root", root, "--log-to", "stderr"}, false);
    xenmgr_ = launch(directory(), "xenmgr",
                     {XENMGR, "--bus", address(), "--root", root, "--hypervisor", "emulated",
                      "--emulator-directory", directory() / "emulator", "--xenvm", XENVM, "--templates",
                      TEMPLATES, "--log-to", "stderr"},
                     false);
    try {
        client_->waitUntil("start of xenmgr", [this] { return xenmgrServes_ || !xenmgr_->running(); });
        client_->call(listVms());
    } catch (const Error& e) {
        throw Error(std::string(e.what()) + "\n" + dbd_->messages() + xenmgr_->messages());
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void Platform::stop() {
    for (auto* process : {&xenmgr_, &dbd_}) {
        if (*process)
            end(*process);
    }
}

} // namespace xb::bench
