// SPDX-License-Identifier: Apache-2.0
// What the tests of a VM share: a fake hypervisor, a configuration file in a directory of its own, a listener
// that writes everything down, and a loop that is run by hand. All of that is one monitor, which can be
// killed and have a successor.
#pragma once

#include "fake_hypervisor.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace xb::xenvm::test {

inline const std::string uuid = "10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11";
inline const std::string stateNode = "/state/" + uuid + "/state";
inline const std::string pendingNode = "/state/" + uuid + "/pending";

/// A coroutine under way, with what came of it.
struct Running {
    bool done = false;
    std::string error; ///< text of the exception, if it ended with one
};

class Monitor : public VmListener {
public:
    Monitor() : ownDirectory(std::make_shared<xb::test::TemporaryDirectory>()), directory(*ownDirectory) {
        options.uuid = uuid;
        options.configFile = directory.path() / "config";
        options.limits.buttonSpacing = std::chrono::milliseconds(1);
        options.limits.restartSpacing = std::chrono::milliseconds(1);
        kernel = (directory.path() / "kernel").string();
        writeFileAtomically(kernel, "a kernel");
        writeConfig("");
    }
    /// The successor of one that was killed, on the same machine.
    explicit Monitor(const Monitor& killed)
        : ownDirectory(killed.ownDirectory), directory(*ownDirectory), options(killed.options),
          kernel(killed.kernel) {
        hypervisor.takeOver(killed.hypervisor);
    }
    Monitor& operator=(const Monitor&) = delete;
    ~Monitor() override {
        if (vm)
            vm->close();
    }

    void writeConfig(const std::string& more) {
        writeFileAtomically(options.configFile,
                            "memory = 64\nstartup = poweroff\nkernel = " + kernel + "\n" + more);
    }

    /// Makes the VM and lets it look around.
    void open() { EXPECT_TRUE(comesUp()); }
    /// The same; false when it is killed while it does.
    bool comesUp() {
        vm = std::make_shared<Vm>(executor(), hypervisor, options, *this);
        const auto adoption = begin(vm->adopt());
        EXPECT_TRUE(until([&] { return adoption->done || hypervisor.moments.killed; }));
        EXPECT_EQ(adoption->error, "");
        if (!adoption->done)
            return false;
        vm->begin();
        settle();
        return true;
    }

    Executor executor() { return context.get_executor(); }
    /// Starts a coroutine.
    std::shared_ptr<Running> begin(Task<> task) {
        auto running = std::make_shared<Running>();
        asio::co_spawn(context, std::move(task), [running](const std::exception_ptr& failure) {
            running->done = true;
            try {
                if (failure)
                    std::rethrow_exception(failure);
            } catch (const std::exception& e) {
                running->error = e.what();
            }
        });
        return running;
    }
    /// Runs what can run without waiting for time to pass.
    void settle() {
        context.restart();
        context.poll();
    }
    /// Runs until `done` says so, within the deadline of a test.
    template <class Condition>
    bool until(Condition done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            context.restart();
            context.run_one_until(deadline);
        }
        return done();
    }
    /// Runs a coroutine to its end; the text of its error, or nothing.
    std::string outcome(Task<> task) {
        auto running = begin(std::move(task));
        EXPECT_TRUE(until([&] { return running->done; })) << "the operation hangs";
        settle();
        return running->error;
    }
    void run(Task<> task) { EXPECT_EQ(outcome(std::move(task)), ""); }

    void stateChanged(LifeState state, int domid) override {
        events.push_back(fmt::format("{} {}", toString(state), domid));
    }
    void failed(const std::string& text) override { events.push_back("error " + text); }
    void timeOffsetChanged(std::int32_t seconds) override {
        events.push_back(fmt::format("rtc {}", seconds));
    }
    void nodeChanged(const std::string& node, const std::string& value) override {
        events.push_back(fmt::format("node {} {}", node, value));
    }
    std::vector<std::string> take() { return std::exchange(events, {}); }

    asio::io_context context;
    std::shared_ptr<xb::test::TemporaryDirectory> ownDirectory;
    const xb::test::TemporaryDirectory& directory;
    FakeHypervisor hypervisor{context.get_executor()};
    VmOptions options;
    std::string kernel;
    std::vector<std::string> events;
    std::shared_ptr<Vm> vm;
};

class VmTest : public testing::Test, public Monitor {};

} // namespace xb::xenvm::test
