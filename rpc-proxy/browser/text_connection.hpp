// SPDX-License-Identifier: Apache-2.0
// Texts both ways, whatever they are wrapped in: WebSocket messages, or NUL behind each.
//
// One coroutine may read while another one writes. Whoever gave a task must wait for it before this object
// goes; stop() ends all of them.
#pragma once

#include "toolstack/libs/task.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace xb::proxy {

class TextConnection {
public:
    TextConnection() = default;
    TextConnection(const TextConnection&) = delete;
    TextConnection& operator=(const TextConnection&) = delete;
    virtual ~TextConnection() = default;

    /// Whatever comes before texts, once. Throws xb::Error.
    virtual Task<> accept() = 0;
    /// The next text; nothing: the client ended the connection in order. Throws xb::Error for every other
    /// end.
    virtual Task<std::optional<std::string>> read() = 0;
    /// One text, one at a time. Throws xb::Error when the connection is over.
    virtual Task<> write(std::string text) = 0;
    /// Says that the connection ends. Throws xb::Error.
    virtual Task<> close() = 0;
    /// Whether a silent client can be asked if it is there.
    virtual bool canAsk() const = 0;
    /// Asks it; the answer is something received. Throws xb::Error.
    virtual Task<> ask() = 0;
    /// Bytes that came, whatever they were.
    virtual std::uint64_t received() const = 0;
    /// Ends the connection at once; tasks end with an error.
    virtual void stop() = 0;
};

} // namespace xb::proxy
