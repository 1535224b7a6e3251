// SPDX-License-Identifier: Apache-2.0
// For tests of the xenops program on an emulated hypervisor of their own.
#pragma once

#include "toolstack/libs/child.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"
#include "xen/emulated/emulator_control.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace xb::test {

using Words = std::vector<std::string>;
using Stream = asio::posix::stream_descriptor;

/// What nothing here may exceed, on a loaded machine with sanitizers.
inline constexpr std::chrono::seconds longest{60};

struct Result {
    int status = -1;
    std::string out;
    std::string err;
};

class XenopsIntegration : public testing::Test {
protected:
    static void SetUpTestSuite();
    static void TearDownTestSuite();

    /// `program WORDS...` on the hypervisor.
    static Command command(const std::string& program, Words words,
                           const std::string& directory = emulator->directory());
    Result run(Command what);
    Result xenops(Words words);
    /// A configuration file of a small guest that runs until it is told to stop.
    static std::string config(const std::string& name);
    /// What comes until `wanted` does.
    static Task<std::string> readUntil(Stream& from, std::string wanted);

    template <class T>
    T await(Task<T> task) {
        std::optional<T> result;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e, T value) {
            failure = e;
            result = std::move(value);
            loop.context().stop();
        });
        Timer deadline(loop.executor());
        deadline.callAfter(longest, [&] { loop.context().stop(); });
        loop.context().restart();
        loop.context().run();
        if (failure)
            std::rethrow_exception(failure);
        if (!result)
            throw std::runtime_error("nothing happened in time");
        return std::move(*result);
    }

    static inline xen::EmulatorControl* emulator = nullptr;
    Loop loop;
};

} // namespace xb::test
