// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loop_runner.hpp"

#include <stdexcept>

namespace xb::test {

void LoopRunner::await(Task<> task) {
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(loop_.context(), std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
    });
    if (!waitFor([&done] { return done; }))
        throw std::runtime_error("no answer within the test's patience");
    if (failure)
        std::rethrow_exception(failure);
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
