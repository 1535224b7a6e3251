// SPDX-License-Identifier: Apache-2.0
// Waiting, in a test, for what happens on its loop: with a deadline, and looking after every event.
#pragma once

#include "tests/support/process.hpp"
#include "toolstack/libs/loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace xb::test {

class LoopRunner {
public:
    explicit LoopRunner(Loop& loop) : loop_(loop) {}

    /// Runs a coroutine to its end; its exception becomes ours. Throws after `patience`.
    template <class T>
    T await(Task<T> task) {
        const auto result = std::make_shared<std::optional<T>>();
        auto wrapper = [](Task<T> inner, std::shared_ptr<std::optional<T>> into) -> Task<> {
            *into = co_await std::move(inner);
        };
        await(wrapper(std::move(task), result));
        return std::move(**result);
    }
    void await(Task<> task);
    /// Lets the loop run until `condition` holds. False when patience ends.
    bool waitFor(const std::function<bool()>& condition);

private:
    Loop& loop_;
};

} // namespace xb::test
