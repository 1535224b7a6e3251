// SPDX-License-Identifier: Apache-2.0
// The tests that every implementation of the hypervisor layer passes, and the fixture that they and the
// emulator's own tests stand on. A program that links hypervisor_contract.cpp says in contractEnvironment()
// how to open a hypervisor and what to boot. The fixture destroys the domains of each test; every wait has a
// deadline.
#pragma once

#include "toolstack/libs/loop.hpp"
#include "xen/hypervisor.hpp"

#include <gtest/gtest.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::xen::test {

struct ContractEnvironment {
    std::function<std::unique_ptr<Hypervisor>(const Executor&)> open;
    DomainConfig domain; ///< type, kernel, ramdisk, command line, memory: boots, answers shutdown requests
    std::string disk;    ///< a raw file
    std::string bridge;  ///< a bridge for network cards
    std::string bootMessage; ///< what the console says once the guest is up
    /// How to see that the guest runs: what to type, if anything, and what it says before a number that grows
    /// with its time since it booted.
    std::string progressCommand;
    std::string progressText;
    /// Where Xen cannot save guests of this type while they run: what must be said then.
    std::string whyNoLiveSave;
    std::chrono::milliseconds limit{15000};
};

/// Defined by the program.
const ContractEnvironment& contractEnvironment();

/// Text that a pty gave so far; reads on the loop.
class ConsoleReader {
public:
    ConsoleReader(const Executor& executor, const std::string& tty);
    ~ConsoleReader();
    void type(const std::string& line);
    const std::string& text() const { return *text_; }
    void forget() { text_->clear(); }

private:
    static void readOn(std::shared_ptr<asio::posix::stream_descriptor> descriptor,
                       std::shared_ptr<std::string> text);

    std::shared_ptr<std::string> text_ = std::make_shared<std::string>();
    std::shared_ptr<asio::posix::stream_descriptor> descriptor_;
};

class HypervisorTest : public testing::Test {
public:
    ~HypervisorTest() override;

protected:
    HypervisorTest();

    /// Runs the loop until the coroutine ends; throws what it throws, and when the deadline passes.
    template <class T>
    T await(Task<T> task) {
        struct Outcome {
            std::optional<T> result;
            std::exception_ptr failure;
            bool done = false;
        };
        const auto outcome = std::make_shared<Outcome>(); // the coroutine may outlive a deadline that passed
        asio::co_spawn(loop_.context(), std::move(task), [outcome](std::exception_ptr error, T value) {
            outcome->failure = error;
            outcome->done = true;
            if (!error)
                outcome->result.emplace(std::move(value));
        });
        runUntil([&outcome] { return outcome->done; }, "a coroutine to end");
        if (outcome->failure)
            std::rethrow_exception(outcome->failure);
        return std::move(*outcome->result);
    }
    void await(Task<> task);
    /// Runs the loop until the condition holds; throws when the deadline passes first.
    void runUntil(const std::function<bool()>& condition, const std::string& what);

    /// A configuration with a fresh name and UUID.
    DomainConfig config() const;
    DomId create(DomainConfig config);
    DomId start(DomainConfig config);
    DomainInfo info(DomId domid);
    std::string node(const std::string& path);
    void waitForNode(const std::string& path, const std::string& value);
    /// The error's text of a task that must fail.
    template <class T>
    std::string failure(Task<T> task) {
        try {
            if constexpr (std::is_void_v<T>)
                await(std::move(task));
            else
                static_cast<void>(await<T>(std::move(task)));
        } catch (const std::runtime_error& e) {
            return e.what();
        }
        ADD_FAILURE() << "it did not fail";
        return {};
    }

    Hypervisor& hypervisor() { return *hypervisor_; }
    Loop loop_;
    std::unique_ptr<Hypervisor> hypervisor_;
    std::vector<DomId> created_;
};

/// Collects the events of a watched domain.
struct Events {
    std::vector<DomainEvent> list;
    Hypervisor::EventHandler handler() {
        return [this](DomainEvent event) { list.push_back(event); };
    }
    bool has(DomainEvent::Kind kind) const {
        for (const auto& event : list)
            if (event.kind == kind)
                return true;
        return false;
    }
};

} // namespace xb::xen::test
