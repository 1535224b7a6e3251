// SPDX-License-Identifier: Apache-2.0
// A serial line, which has one conversation: nothing on it tells where one ends and another begins, so that
// the program ends with the conversation. The line is raw while it is used, and then as it was before; it is
// nobody else's meanwhile.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/descriptor_stream.hpp"
#include "rpc-proxy/channels/listener.hpp"

#include <functional>
#include <memory>

#include <termios.h>

namespace xb::proxy {

class SerialStream final : public DescriptorStream {
public:
    /// Opens the line. `over` is called when the stream goes. Throws xb::Error naming the channel.
    SerialStream(const Executor& executor, const Channel& channel, std::function<void()> over);
    SerialStream(const SerialStream&) = delete;
    SerialStream& operator=(const SerialStream&) = delete;
    ~SerialStream() override;

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;

private:
    termios before_;
    std::function<void()> over_;
};

/// The other end is the client, once it says something.
class SerialListener final : public Listener, private StreamUser {
public:
    /// Opens the line. `over` is called when the conversation is. Throws xb::Error naming the channel.
    SerialListener(const Executor& executor, const Channel& channel, std::function<void()> over);

    void start(Handler handler) override;

private:
    void readable() override;
    void writable() override {}

    std::shared_ptr<std::function<void()>> over_;
    std::unique_ptr<Stream> stream_;
    std::string device_;
    Handler handler_;
};

} // namespace xb::proxy
