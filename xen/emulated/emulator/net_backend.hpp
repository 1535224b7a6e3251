// SPDX-License-Identifier: Apache-2.0
// A network card's backend: a port of a bridge on one side, the guest's channel on the other.
#pragma once

#include "xen/emulated/emulator/backend.hpp"
#include "xen/emulated/emulator/bridge.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

namespace xb::xen::emulated {

class NetBackend final : public Backend, public BridgePort {
public:
    NetBackend(const Executor& executor, std::string path, DomId frontend, const Bridges& bridges);
    ~NetBackend() override;

    Leaves plug(const Leaves& backend) override;
    const char* ringLeaf() const override { return "tx-ring-ref"; }
    Leaves connect(UniqueFd channel) override;
    void disconnect() override;
    void deliver(std::string_view frame) override;

private:
    void readFrames();

    const Bridges& bridges_;
    std::shared_ptr<Bridge> bridge_;
    asio::posix::stream_descriptor channel_;
};

} // namespace xb::xen::emulated
