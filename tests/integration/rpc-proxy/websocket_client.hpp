// SPDX-License-Identifier: Apache-2.0
// A browser's side of a WebSocket, byte by byte: it sends what a test wants, and answers nothing by itself.
// While it waits the loop of the test goes on, so that services there answer.
#pragma once

#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xb::test {

class WebSocketClient {
public:
    /// Connects to a unix socket, and says nothing yet.
    WebSocketClient(Loop& loop, const std::string& file);

    /// The bytes of a frame from a client.
    static std::string frame(int opcode, std::string_view payload, bool last = true);

    /// The request of a browser; returns the first line of the answer.
    std::string upgrade(std::string_view origin = "http://localhost",
                        std::string_view host = "localhost:8080");
    /// Sends bytes; false if the connection is over.
    bool send(std::string_view bytes);
    /// As much of it as is taken at once.
    std::size_t trySend(std::string_view bytes);
    bool sendText(std::string_view text) { return send(frame(1, text)); }

    /// The next text. Throws when none comes in time, or the connection ends.
    std::string text();
    /// The reply or error to the call with this id; other texts are dropped.
    std::string replyTo(std::uint32_t id);
    /// A call, and its answer. `rest` are the fields without id.
    std::string call(std::uint32_t id, std::string_view rest);
    /// Says Hello and waits for the answer.
    std::string hello();
    /// The code it is closed with; 0: it ended without one. Texts before are dropped.
    int closeCode();
    /// The payload of the next frame of this kind; texts before are dropped.
    std::string control(int opcode);
    /// Whether it ends in time, whatever comes before.
    bool ended();

private:
    struct Frame {
        int opcode;
        std::string payload;
    };
    std::optional<Frame> next(); // nothing: the end
    bool more();
    void goOn(); // the loop, for a moment

    Loop& loop_;
    UniqueFd socket_;
    std::string buffer_;
};

} // namespace xb::test
