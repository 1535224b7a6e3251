// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/block_backend.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>

namespace xb::xen::emulated {

namespace {

using Descriptor = asio::posix::stream_descriptor;
constexpr std::size_t diskThreads = 2;

Workers& workers() {
    static Workers threads(diskThreads);
    return threads;
}

std::string leaf(const Leaves& leaves, const char* name) {
    const auto found = leaves.find(name);
    return found == leaves.end() ? "" : found->second;
}

} // namespace

BlockBackend::BlockBackend(const Executor& executor, std::string backendPath, DomId frontend)
    : Backend(executor, std::move(backendPath), frontend), executor_(executor) {}

BlockBackend::~BlockBackend() {
    BlockBackend::disconnect();
}

Leaves BlockBackend::plug(const Leaves& backend) {
    DiskConfig disk;
    disk.path = leaf(backend, "params");
    disk.vdev = leaf(backend, "dev");
    disk.writable = leaf(backend, "mode") == "w";
    disk.cdrom = leaf(backend, "device-type") == "cdrom";
    disk.backend = leaf(backend, "type") == "phy" ? DiskBackend::phy : DiskBackend::file;
    auto medium = std::make_shared<DiskMedium>();
    medium->sectors = checkDisk(disk) / sectorSize;
    medium->writable = disk.writable;
    if (!disk.path.empty()) {
        medium->file.reset(::open(disk.path.c_str(), (disk.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
        if (!medium->file)
            throw systemError("cannot open " + disk.path, errno);
    }
    medium_ = std::move(medium);
    return {{"feature-flush-cache", "1"}, {"feature-barrier", "0"}};
}

Leaves BlockBackend::connect(UniqueFd channel) {
    channel_ = std::make_shared<Descriptor>(executor_, channel.release());
    spawn(executor_, path, serve(std::static_pointer_cast<BlockBackend>(shared_from_this()), channel_));
    return {{"sectors", std::to_string(medium_->sectors)},
            {"sector-size", std::to_string(sectorSize)},
            {"info", medium_->writable ? "0" : "4"}}; // VDISK_READONLY of io/blkif.h
}

void BlockBackend::disconnect() {
    boost::system::error_code ignored;
    if (channel_)
        channel_->close(ignored);
    channel_.reset();
}

Task<> BlockBackend::serve(std::shared_ptr<BlockBackend> self, Channel channel) {
    for (;;) {
        boost::system::error_code failure;
        co_await channel->async_wait(Descriptor::wait_read,
                                     asio::redirect_error(asio::use_awaitable, failure));
        if (failure || !channel->is_open())
            co_return;
        std::string message(maxBlockMessage, '\0');
        const ssize_t size =
            ::recv(channel->native_handle(), message.data(), message.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (size < static_cast<ssize_t>(sizeof(BlockRequest)) ||
            static_cast<std::size_t>(size) > message.size())
            co_return; // the guest has ended, or does not speak the protocol
        message.resize(static_cast<std::size_t>(size));
        auto work = [medium = self->medium_, message = std::move(message)] {
            return answerRequest(*medium, message);
        };
        const std::string reply = co_await workers().run(std::move(work));
        while (channel->is_open() && ::send(channel->native_handle(), reply.data(), reply.size(),
                                            MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
            if (errno != EAGAIN)
                co_return;
            co_await channel->async_wait(Descriptor::wait_write,
                                         asio::redirect_error(asio::use_awaitable, failure));
        }
    }
}

} // namespace xb::xen::emulated
