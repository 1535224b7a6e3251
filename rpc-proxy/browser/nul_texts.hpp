// SPDX-License-Identifier: Apache-2.0
// Texts that end with NUL. A client that authenticates does so before, in lines, as on D-Bus: its first byte
// and each line up to BEGIN are texts here, with what they end with; lines that are written go out as they
// are.
#pragma once

#include "rpc-proxy/browser/text_connection.hpp"
#include "rpc-proxy/websocket/transport.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace xb::proxy {

class NulTexts final : public TextConnection {
public:
    /// `authenticates`: there are those lines. `messageBytes`: the limit of a text.
    NulTexts(const Executor& executor, std::unique_ptr<Stream> stream, bool authenticates,
             std::size_t messageBytes);

    Task<> accept() override;
    Task<std::optional<std::string>> read() override;
    Task<> write(std::string text) override;
    Task<> close() override;
    bool canAsk() const override { return false; }
    Task<> ask() override;
    std::uint64_t received() const override { return transport_.received(); }
    void stop() override { transport_.stop(); }

private:
    std::optional<std::string> next();
    std::optional<std::string> upTo(std::string_view end);

    Transport transport_;
    bool lines_;        // they are not over
    bool first_ = true; // nothing was read yet
    std::size_t messageBytes_;
    std::string buffer_;
    std::size_t looked_ = 0; // at so much of it, in vain
};

} // namespace xb::proxy
