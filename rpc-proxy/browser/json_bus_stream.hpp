// SPDX-License-Identifier: Apache-2.0
// A bus that speaks JSON (--json-out): another rpc-proxy with --json-in. The session authenticates in lines
// and speaks D-Bus; behind the lines each message goes out as a text that ends with NUL, with the types of
// its arguments, and texts that come are messages. What JSON does not tell is put back: a reply comes from
// who was called. Types of what comes are guessed, since no proxy tells them.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "rpc-proxy/relay/log_limit.hpp"
#include "rpc-proxy/wire/framer.hpp"
#include "rpc-proxy/wire/header.hpp"
#include "toolstack/libs/task.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy {

struct JsonBusLimits {
    std::size_t textBytes = std::size_t{4} << 20;    ///< of a text that comes
    std::uint32_t messageBytes = 4U << 20;           ///< of a message that becomes of it
    std::size_t queueBytes = std::size_t{256} << 10; ///< of texts that wait to go out; then no more are made
};

class JsonBusStream final : public Stream, private StreamUser {
public:
    JsonBusStream(const Executor& executor, std::unique_ptr<Stream> bus, const JsonBusLimits& limits);
    JsonBusStream(const JsonBusStream&) = delete;
    JsonBusStream& operator=(const JsonBusStream&) = delete;
    ~JsonBusStream() override;

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;
    void endSending() override { bus_->endSending(); }
    void awaitReadable(StreamUser& user) override;
    void awaitWritable(StreamUser& user) override;

private:
    void readable() override;
    void writable() override;
    std::size_t takeLine(std::span<const char> bytes);
    bool takeMessages(std::string chunk);
    void flush();
    void fromBus(std::string_view bytes);
    void fromText(std::string_view text);
    std::string senderOf(const wire::Header& header);
    void warn(std::string_view what);
    void later(void (JsonBusStream::*what)());

    Executor executor_;
    std::unique_ptr<Stream> bus_;
    JsonBusLimits limits_;
    wire::Framer framer_{{wire::maxMessageBytes}};
    bool linesOut_ = true;                        // until BEGIN
    bool linesIn_ = true;                         // until OK
    std::string lineOut_;                         // as much of it as was sent
    std::string out_;                             // that the bus has not taken
    std::string textIn_;                          // as much of it, or of a line, as came
    std::string in_;                              // that the session has not taken
    std::map<std::uint32_t, std::string> called_; // whom, by the calls that are not answered
    std::optional<Transfer> end_;                 // of the connection
    StreamUser* reader_ = nullptr;
    StreamUser* writer_ = nullptr;
    LogLimit logLimit_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace xb::proxy
