// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen_libxl/run_task.hpp"

#include <gtest/gtest.h>

namespace xb::xen {

void runTask(Loop& loop, Task<> task) {
    std::exception_ptr failure;
    bool ended = false;
    asio::co_spawn(loop.context(), std::move(task), [&](const std::exception_ptr& result) {
        failure = result;
        ended = true;
        loop.context().stop();
    });
    loop.context().restart();
    loop.context().run_for(testLimit);
    if (!ended)
        FAIL() << "not done after " << testLimit.count() << " s";
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace xb::xen
