// SPDX-License-Identifier: Apache-2.0
// dbd on a bus of a test's own, and connections that call it: plain ones, and ones like rpc-proxy makes for
// guests. There is a xenstore once a test asks for it.
#pragma once

#include "idl/db_client.hpp"
#include "idl/org_xenbroker_db_client.hpp"
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/xenstore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xb::test {

/// A connection and what it calls.
struct Client {
    Client(Loop& loop, const std::string& address);

    Bus bus;
    idl::db::DbClient db;
    idl::org_xenbroker_db::DbClient extension;
    Subscription subscription;
    std::vector<std::vector<std::string>> heard; ///< the paths of each signal
};

class DbdFixture : public testing::Test {
public:
    ~DbdFixture() override;

protected:
    DbdFixture();

    void startDbd(std::vector<std::string> options = {});
    /// Ends it with this signal and starts it again.
    void restart(int signal, std::vector<std::string> options = {});

    std::unique_ptr<Client> connect() { return std::make_unique<Client>(loop, bus.address()); }
    /// As rpc-proxy does for a client in domain `domid`.
    std::unique_ptr<Client> connectGuest(unsigned domid);
    void startXenstore();
    /// Says in xenstore that the domain is the VM `uuid`.
    void setDomain(unsigned domid, const std::string& uuid);

    template <class T>
    T await(Task<T> task) {
        return runner.await(std::move(task));
    }
    bool waitFor(const std::function<bool()>& condition) { return runner.waitFor(condition); }
    /// What a call fails with: "name: text", or "none".
    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            await(std::move(task));
        } catch (const Error& e) {
            return e.name() + ": " + e.what();
        }
        return "none";
    }

    std::filesystem::path root() const { return directory.path() / "root"; }
    std::string emulatorDirectory() const { return directory.path() / "emulator"; }

    TemporaryDirectory directory;
    PrivateBus bus;
    Loop loop;
    LoopRunner runner{loop};
    std::unique_ptr<Process> emulator;
    std::shared_ptr<xen::XenStore> xenstore;
    std::unique_ptr<Process> dbd;
    std::unique_ptr<Client> dom0;

private:
    unsigned connections_ = 0;
};

} // namespace xb::test
