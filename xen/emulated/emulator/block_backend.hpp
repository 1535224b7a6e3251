// SPDX-License-Identifier: Apache-2.0
// A disk's backend: serves the guest's sector requests from a raw file or a block device, one request at a
// time, on a worker thread. Owns the open file and the channel.
#pragma once

#include "xen/emulated/emulator/backend.hpp"
#include "xen/emulated/emulator/disk_requests.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

namespace xb::xen::emulated {

class BlockBackend final : public Backend {
public:
    BlockBackend(const Executor& executor, std::string path, DomId frontend);
    ~BlockBackend() override;

    Leaves plug(const Leaves& backend) override;
    const char* ringLeaf() const override { return "ring-ref"; }
    Leaves connect(UniqueFd channel) override;
    void disconnect() override;

private:
    using Channel = std::shared_ptr<asio::posix::stream_descriptor>;

    static Task<> serve(std::shared_ptr<BlockBackend> self, Channel channel);

    Executor executor_;
    std::shared_ptr<DiskMedium> medium_; ///< shared with a request that is under way on a worker
    Channel channel_;
};

} // namespace xb::xen::emulated
