// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/ring.hpp"

namespace xb::xen::vchan {

void Ring::wake() {
    changed_.set();
    changed_.clear();
}

Task<> Ring::readable() {
    if (state() == RingState::closed)
        co_return;
    watchReading();
    co_await changed_.wait();
}

Task<> Ring::writable() {
    if (state() == RingState::closed)
        co_return;
    watchWriting();
    co_await changed_.wait();
}

Task<bool> Ring::readableWithin(std::chrono::milliseconds limit) {
    if (state() == RingState::closed)
        co_return true;
    watchReading();
    co_return co_await changed_.waitFor(limit);
}

} // namespace xb::xen::vchan
