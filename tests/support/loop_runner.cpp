// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loop_runner.hpp"

#include <memory>
#include <stdexcept>

namespace xb::test {

void LoopRunner::await(Task<> task) {
    struct Outcome {
        bool done = false;
        std::exception_ptr failure;
    };
    const auto outcome = std::make_shared<Outcome>(); // the coroutine may outlive our patience
    asio::co_spawn(loop_.context(), std::move(task), [outcome](std::exception_ptr e) {
        outcome->failure = e;
        outcome->done = true;
    });
    if (!waitFor([&outcome] { return outcome->done; }))
        throw std::runtime_error("no answer within the test's patience");
    if (outcome->failure)
        std::rethrow_exception(outcome->failure);
}

bool LoopRunner::waitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    loop_.context().restart();
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        loop_.context().run_one_until(deadline);
    }
    return true;
}

} // namespace xb::test
