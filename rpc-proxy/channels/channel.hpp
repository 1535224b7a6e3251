// SPDX-License-Identifier: Apache-2.0
// The channels of the command line, as text and as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy {

struct Channel {
    enum class Kind : std::uint8_t { unixSocket, tcp, serial, vchan };

    Kind kind = Kind::unixSocket;
    std::string file;                   ///< of unix, and of serial the device
    std::string host;                   ///< of tcp; empty: this machine alone
    std::uint16_t port = 0;             ///< of tcp and vchan
    std::optional<std::uint32_t> domid; ///< of vchan, where one is connected to
    std::string uuid;                   ///< the same, named by its VM

    /// As it is written.
    std::string text() const;
};

/// `unix:FILE`, `tcp:[HOST:]PORT`, `serial:DEVICE`, `vchan:PORT`: what is listened on. Throws xb::Error
/// (InvalidArgs) that says what is right; channels of older versions too are told what to use.
Channel listenChannel(std::string_view text);
/// The same, but `vchan:PORT:DOMID` or `vchan:PORT:UUID`: what is connected to.
Channel connectChannel(std::string_view text);

} // namespace xb::proxy
