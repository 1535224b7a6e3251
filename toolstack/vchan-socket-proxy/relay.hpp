// SPDX-License-Identifier: Apache-2.0
// One connection: a local socket and a vchan, and what one sends goes to the other until either ends. A side
// that does not read holds up the other one and nothing grows: what was read is written before more is read.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/vchan.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace xb::vchan_proxy {

using Socket = asio::local::stream_protocol::socket;

/// What happens to bytes on their way: appends to `passed` what passes; throws xb::Error to end the
/// connection.
using Passage = std::function<void(std::string_view bytes, std::string& passed)>;

/// Bytes read at once.
inline constexpr std::size_t relayChunk = 16 * 1024;

class Relay {
public:
    /// Without a passage bytes pass as they are.
    Relay(const Executor& executor, Socket socket, std::unique_ptr<xen::VchanStream> vchan,
          Passage fromSocket, Passage fromVchan);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// Until both sides are closed. Returns why the connection ended, for people.
    static Task<std::string> run(std::shared_ptr<Relay> self);
    /// Ends it.
    void close(const std::string& why);

private:
    using Self = std::shared_ptr<Relay>;
    static Task<> fromSocket(Self self);
    static Task<> fromVchan(Self self);
    static Task<> pass(Self self, Task<> (*direction)(Self));

    Executor executor_;
    Socket socket_;
    std::unique_ptr<xen::VchanStream> vchan_;
    Passage fromSocket_;
    Passage fromVchan_;
    Event ended_;
    int running_ = 0;
    std::string reason_;
};

} // namespace xb::vchan_proxy
