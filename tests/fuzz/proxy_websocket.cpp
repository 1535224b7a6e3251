// SPDX-License-Identifier: Apache-2.0
// Hostile: what a browser, or another client that speaks JSON, sends, and how it is cut into reads. Whatever
// it is, the session behind it receives an authentication in lines and then whole, valid messages only; the
// client receives HTTP and then frames of a server, or texts. Each call is answered, so that the way out is
// used as well.
//
// The first byte chooses: bits 0-1 what the client speaks (0, 1: WebSocket, of which 1 has shaken hands
// already; 2: texts; 3: texts behind an authentication), the others how long a read is. A mask of zeros makes
// frames readable.
#include "rpc-proxy/browser/browser_channel.hpp"
#include "rpc-proxy/sasl/server.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/framer.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace xb::fuzz {

namespace {

using namespace xb::proxy;

constexpr std::string_view handshake = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::string_view upgraded = "HTTP/1.1 101 ";

/// What the test and the stream, which the channel owns, have in common.
struct Line {
    std::string_view in; ///< what the client has sent and nobody has read
    std::size_t piece = 1;
    std::string out;
    StreamUser* reader = nullptr;
};

class LineStream final : public Stream {
public:
    explicit LineStream(std::shared_ptr<Line> line) : line_(std::move(line)) {}
    LineStream(const LineStream&) = delete;
    LineStream& operator=(const LineStream&) = delete;
    ~LineStream() override { line_->reader = nullptr; }

    Transfer receive(std::span<char> into) override {
        const std::size_t size = std::min({into.size(), line_->in.size(), line_->piece});
        if (size == 0)
            return {Transfer::State::blocked, 0, 0};
        std::memcpy(into.data(), line_->in.data(), size);
        line_->in.remove_prefix(size);
        return {Transfer::State::moved, size, 0};
    }
    Transfer send(std::span<const char> bytes) override {
        line_->out.append(bytes.data(), bytes.size());
        return {Transfer::State::moved, bytes.size(), 0};
    }
    void awaitReadable(StreamUser& user) override { line_->reader = &user; }
    void awaitWritable(StreamUser&) override {}

private:
    std::shared_ptr<Line> line_;
};

/// The session: authenticates the client, looks at its messages, and answers calls.
class Peer final : public StreamUser {
public:
    explicit Peer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
        stream_->awaitReadable(*this);
    }

    void readable() override {
        const Transfer got = stream_->receive(buffer_);
        if (got.ended() || sasl_.state() == sasl::Server::State::failed)
            return;
        std::string reply;
        std::string bytes(buffer_.data(), got.bytes);
        if (!sasl_.done())
            bytes = sasl_.feed(bytes, reply);
        if (sasl_.state() == sasl::Server::State::failed)
            return; // a session ends here
        framer_.feed(bytes);
        while (const auto each = framer_.next()) {
            wire::MessageView message;
            expect(!wire::read(wire::asText(*each), {}, message), "a session receives valid messages");
            expect(message.serial != 0, "each with a serial");
            if (message.wantsReply() &&
                wire::appendMessage(reply, wire::methodReturn(++serial_, message), ""))
                throw Broken("an answer is no message");
        }
        expect(!framer_.flaw(), "a session receives messages");
        while (!reply.empty()) {
            const Transfer sent = stream_->send(reply);
            if (sent.state != Transfer::State::moved)
                break;
            reply.erase(0, sent.bytes);
        }
        stream_->awaitReadable(*this);
    }
    void writable() override {}

private:
    static const sasl::ServerOptions& options() {
        static const sasl::ServerOptions all{"0123456789abcdef0123456789abcdef"};
        return all;
    }

    std::array<char, 4096> buffer_{};
    sasl::Server sasl_{options()};
    wire::Framer framer_{wire::Limits{}};
    std::uint32_t serial_ = 0;
    std::unique_ptr<Stream> stream_;
};

/// Frames as a server sends them: not masked, no reserved bits, control frames short.
void expectFrames(std::string_view bytes) {
    while (bytes.size() >= 2) {
        const auto first = static_cast<unsigned char>(bytes[0]);
        const auto second = static_cast<unsigned char>(bytes[1]);
        expect((first & 0x70) == 0, "no extension was agreed on");
        expect((second & 0x80) == 0, "a server does not mask");
        std::size_t size = second;
        std::size_t head = 2;
        if (size >= 126) {
            expect((first & 8) == 0, "control frames are short");
            head = size == 126 ? 4 : 10;
            if (bytes.size() < head)
                return;
            size = 0;
            for (std::size_t i = 2; i < head; ++i)
                size = size << 8 | static_cast<unsigned char>(bytes[i]);
        }
        bytes.remove_prefix(std::min(bytes.size(), head + size));
    }
}

/// Lets the client say this, until nobody wants any more of it.
void pump(Loop& loop, Line& line, std::string_view bytes) {
    line.in = bytes;
    for (;;) {
        loop.context().restart();
        loop.context().poll();
        if (line.in.empty() || line.reader == nullptr)
            return;
        std::exchange(line.reader, nullptr)->readable();
    }
}

void run(std::string_view input) {
    if (input.empty())
        return;
    log::setLevel("error");
    const auto chosen = static_cast<unsigned char>(input[0]);
    const unsigned speaks = chosen & 3U;
    input.remove_prefix(1);
    BrowserOptions options;
    options.webSockets = speaks < 2;
    options.authenticates = speaks == 3;
    options.idle = {};
    options.socket.messageBytes = 4096;
    auto line = std::make_shared<Line>();
    line->piece = 1 + (chosen >> 2) * 16U;
    Loop loop;
    BrowserChannel channel(loop.executor(), options, nullptr);
    Arrival arrival;
    arrival.stream = std::make_unique<LineStream>(line);
    arrival.peer = "the fuzzer";
    const Peer peer(std::move(channel.take(std::move(arrival)).stream));
    if (speaks == 1) { // a client waits for the answer before it goes on
        pump(loop, *line, handshake);
        expect(line->out.starts_with(upgraded), "a proper handshake is accepted");
    }
    pump(loop, *line, input);

    if (!options.webSockets)
        return;
    expect(line->out.empty() || line->out.starts_with("HTTP/1."), "HTTP is answered");
    if (line->out.starts_with(upgraded))
        expectFrames(std::string_view(line->out).substr(line->out.find("\r\n\r\n") + 4));
}

const Target target("proxy_websocket", run);

} // namespace

} // namespace xb::fuzz
