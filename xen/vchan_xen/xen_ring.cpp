// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan_xen/xen_ring.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>

namespace xb::xen::vchan {

namespace {

class XenRing final : public Ring, public std::enable_shared_from_this<XenRing> {
public:
    XenRing(const Executor& loop, std::shared_ptr<RingWorker> worker, Handle handle, UniqueFd events,
            DomId peer)
        : Ring(loop), peer_(peer), worker_(std::move(worker)), handle_(std::move(handle)),
          events_(loop, events.release()) {}
    XenRing(const XenRing&) = delete;
    XenRing& operator=(const XenRing&) = delete;
    ~XenRing() override { giveBack(); }

    DomId peer() const override { return peer_; }
    RingState state() const override;
    std::size_t read(std::span<char> buffer) override;
    std::size_t write(std::span<const char> data) override;
    void peerIsGone() override {
        gone_ = true;
        wake();
    }
    void close() override {
        giveBack();
        wake();
    }

private:
    void watchReading() override { watch(); }
    void watchWriting() override { watch(); }
    void watch();
    void onEvent();
    void giveBack();

    DomId peer_;
    std::shared_ptr<RingWorker> worker_;
    Handle handle_; ///< none: closed here
    asio::posix::stream_descriptor events_;
    bool watching_ = false;
    bool gone_ = false;
};

// The other side can write anything into the byte that says this: at worst it deceives itself.
RingState XenRing::state() const {
    if (!handle_ || gone_)
        return RingState::closed;
    const int live = libxenvchan_is_open(handle_.get());
    if (live == 0)
        return RingState::closed;
    return handle_->is_server && live == 2 ? RingState::waiting : RingState::open;
}

std::size_t XenRing::read(std::span<char> buffer) {
    if (!handle_)
        return 0;
    const auto most = std::min<std::size_t>(buffer.size(), std::numeric_limits<int>::max());
    const int size = libxenvchan_read(handle_.get(), buffer.data(), most);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

std::size_t XenRing::write(std::span<const char> data) {
    if (!handle_)
        return 0;
    const auto most = std::min<std::size_t>(data.size(), std::numeric_limits<int>::max());
    const int size = libxenvchan_write(handle_.get(), data.data(), most);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

// One event stands for both directions. While nobody waits the event channel stays masked: a peer that raises
// events all the time costs nothing then.
void XenRing::watch() {
    if (watching_ || !handle_)
        return;
    watching_ = true;
    events_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                           const auto self = weak.lock();
                           if (!self)
                               return;
                           self->watching_ = false;
                           if (!error)
                               self->onEvent();
                       });
}

void XenRing::onEvent() {
    if (!handle_)
        return;
    if (libxenvchan_wait(handle_.get()) != 0 && errno != EAGAIN)
        gone_ = true; // the event channel does not work any more
    wake();
}

void XenRing::giveBack() {
    if (!handle_)
        return;
    boost::system::error_code ignored;
    events_.close(ignored);
    worker_->close(std::move(handle_));
}

} // namespace

RingPtr makeXenRing(const Executor& executor, std::shared_ptr<RingWorker> worker, Handle handle, DomId peer) {
    handle->blocking = 0;
    handle->server_persist = 0;
    const int fd = libxenvchan_fd_for_select(handle.get());
    // A wake-up whose event is gone already must not block the loop.
    const int flags = ::fcntl(fd, F_GETFL);
    UniqueFd events(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!events || flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        const int reason = errno;
        worker->close(std::move(handle));
        throw systemError("cannot wait for the events of a vchan", reason);
    }
    return std::make_shared<XenRing>(executor, std::move(worker), std::move(handle), std::move(events), peer);
}

} // namespace xb::xen::vchan
