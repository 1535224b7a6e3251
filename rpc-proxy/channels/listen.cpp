// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/listen.hpp"

#include "rpc-proxy/channels/domain_listener.hpp"
#include "rpc-proxy/channels/serial.hpp"

#include <stdexcept>

namespace xb::proxy {

std::unique_ptr<Listener> listen(const Executor& executor, const Channel& channel,
                                 const ListenOptions& options, Over over) {
    switch (channel.kind) {
    case Channel::Kind::unixSocket:
    case Channel::Kind::tcp:
        return std::make_unique<SocketListener>(executor, channel, options.socket);
    case Channel::Kind::vchan:
        return std::make_unique<DomainListener>(
            executor, xen::openVchanListener(executor, options.vchan, channel.port, options.vchanLimits),
            std::move(over));
    case Channel::Kind::serial:
        return std::make_unique<SerialListener>(executor, channel, [over = std::move(over)] { over(""); });
    }
    throw std::logic_error("a channel of no kind");
}

} // namespace xb::proxy
