// SPDX-License-Identifier: Apache-2.0
// A private bus, a loop in the test's process that serves fake objects, and the built programs as children.
#pragma once

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/child.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace xb::test {

using Words = std::vector<std::string>;

/// Time that nothing here may exceed, on a loaded machine with sanitizers.
inline constexpr std::chrono::seconds patience{60};

/// How a program ended and what it printed.
struct Result {
    int status = -1;
    std::string out;
    std::string err;

    bool operator==(const Result&) const = default;
};
void PrintTo(const Result& result, std::ostream* stream);

class ToolTest : public testing::Test {
protected:
    /// Runs a coroutine to its end on the loop; its exception becomes ours.
    template <class T>
    T await(Task<T> task) {
        std::optional<T> result;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e, T value) {
            failure = e;
            result = std::move(value);
            loop.context().stop();
        });
        bool late = false;
        Timer deadline(loop.executor());
        deadline.callAfter(patience, [&] {
            late = true;
            loop.context().stop();
        });
        // The bus layer stops the loop as well, when a test takes the bus away: go on then.
        while (!failure && !result && !late) {
            loop.context().restart();
            loop.context().run();
        }
        if (failure)
            std::rethrow_exception(failure);
        if (late)
            throw std::runtime_error("nothing happened in time");
        return std::move(*result);
    }

    Result xec(const Words& words) { return run(XEC_PROGRAM, words); }
    Result xecVm(const Words& words) { return run(XEC_VM_PROGRAM, words); }
    /// A shell script that finds the programs in its PATH and the bus in its environment.
    Result shell(const std::string& script);
    Command command(const std::string& program, const Words& words) const;

    /// Lets the calls end that wait for `never`, while the bus that they belong to is there.
    void TearDown() override;

    PrivateBus daemon;
    Loop loop;
    Bus bus{loop, daemon.address()};
    /// Set when the test is over: for handlers that are not to answer before.
    Event never{loop.executor()};

private:
    Result run(const std::string& program, const Words& words);
    Result run(Command command);
};

} // namespace xb::test
