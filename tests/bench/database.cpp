// SPDX-License-Identifier: Apache-2.0
#include "database.hpp"

#include "database_text.hpp"
#include "toolstack/libs/error.hpp"

#include <systemd/sd-bus.h>

#include <fmt/format.h>

#include <chrono>
#include <random>

namespace xb::bench {

namespace {

constexpr auto startedEchoService = "org.xenbroker.bench.started_echo";

std::string anyKey(std::minstd_rand& random) {
    const auto vm = static_cast<unsigned>(random()) % databaseVms;
    return keyBelow("/vm", vm, static_cast<unsigned>(random()) % databaseKeys);
}

} // namespace

Database::Database()
    : echo_(launch(directory(), "echo",
                   {ECHO_SERVICE, "--bare", "--name", bareEchoService, "--bus", bus_.address()}, true)),
      client_(std::make_unique<Client>(bus_.address())) {
    client_->onSignal("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'",
                      [this](sd_bus_message* message) {
                          const char *name = nullptr, *before = nullptr, *after = nullptr;
                          if (sd_bus_message_read(message, "sss", &name, &before, &after) <= 0)
                              return;
                          if (*after != '\0')
                              owned_.insert(name);
                          else
                              owned_.erase(name);
                      });
}

Database::~Database() {
    client_.reset();
    bus_.stop(); // the programs end with their bus
}

double Database::untilAnswer(std::unique_ptr<test::Process>& process, std::vector<std::string> arguments,
                             const Call& first) {
    owned_.erase(first.service);
    const auto begin = std::chrono::steady_clock::now();
    process = launch(directory(), "started", std::move(arguments), false);
    try {
        client_->waitUntil("start of " + first.service,
                           [&] { return owned_.contains(first.service) || !process->running(); });
        client_->call(first);
    } catch (const Error& e) {
        throw Error(std::string(e.what()) + "\n" + process->messages());
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double Database::start(const std::filesystem::path& directory, const Call& first) {
    return untilAnswer(dbd_, {DBD, "--directory", directory, "--bus", bus_.address(), "--log-to", "stderr"},
                       first);
}

void Database::stop() {
    end(dbd_);
}

double Database::startEcho() {
    std::unique_ptr<test::Process> process;
    const double time =
        untilAnswer(process, {ECHO_SERVICE, "--bare", "--name", startedEchoService, "--bus", bus_.address()},
                    echoCall(startedEchoService));
    return time;
}

Call readAnywhere() {
    auto random = std::make_shared<std::minstd_rand>(7);
    return {databaseService, "/", databaseService, "read", [random](sd_bus_message* message) {
                sd_bus_message_append(message, "s", anyKey(*random).c_str());
            }};
}

Call writeAnywhere() {
    auto random = std::make_shared<std::minstd_rand>(11);
    return {databaseService, "/", databaseService, "write", [random](sd_bus_message* message) {
                const auto path = anyKey(*random);
                const auto value = fmt::format("value {:08x}", (*random)());
                sd_bus_message_append(message, "ss", path.c_str(), value.c_str());
            }};
}

} // namespace xb::bench
