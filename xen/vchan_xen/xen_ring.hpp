// SPDX-License-Identifier: Apache-2.0
// One ring of libxenvchan on the loop: reads, writes and notices never block; closing it does and happens on
// the worker thread. Owns the library's handle.
#pragma once

#include "xen/vchan/ring.hpp"
#include "xen/vchan_xen/libxenvchan_headers.hpp"

#include <memory>

namespace xb::xen::vchan {

struct CloseHandle {
    void operator()(libxenvchan* handle) const { libxenvchan_close(handle); }
};
/// Closing it blocks.
using Handle = std::unique_ptr<libxenvchan, CloseHandle>;

/// The thread on which rings are made and closed. Its end waits for what was asked for.
class RingWorker {
public:
    RingWorker() = default;
    RingWorker(const RingWorker&) = delete;
    RingWorker& operator=(const RingWorker&) = delete;
    ~RingWorker() { workers_.join(); }

    template <class Function>
    auto run(Function function) -> Task<decltype(function())> {
        return workers_.run(std::move(function));
    }
    void close(Handle handle) {
        workers_.post(
            [shared = std::shared_ptr<libxenvchan>(std::move(handle))]() mutable { shared.reset(); });
    }

private:
    Workers workers_;
};

/// Throws xb::Error when there are no descriptors left.
RingPtr makeXenRing(const Executor& executor, std::shared_ptr<RingWorker> worker, Handle handle, DomId peer);

} // namespace xb::xen::vchan
