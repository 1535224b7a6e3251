// SPDX-License-Identifier: Apache-2.0
// A connected socket as a Stream.
#pragma once

#include "rpc-proxy/channels/descriptor_stream.hpp"

namespace xb::proxy {

class SocketStream final : public DescriptorStream {
public:
    /// `socket` does not block.
    SocketStream(const Executor& executor, UniqueFd socket);

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;
    void endSending() override;
};

} // namespace xb::proxy
