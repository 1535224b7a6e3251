// SPDX-License-Identifier: Apache-2.0
// A bus that says what no honest one does: a socket where the test itself answers the proxy, byte by byte.
#pragma once

#include "raw_client.hpp"

#include <cstdint>
#include <string>

namespace xb::test {

class FakeBus {
public:
    static constexpr auto uniqueName = ":1.7"; ///< what it gives to everybody

    /// Listens on a unix socket.
    explicit FakeBus(const std::string& file);

    /// The proxy's next connection, of which nothing is read. Throws when none comes in time.
    RawClient accept();
    /// The same, authenticated, named, and with the guest's name that the proxy asks for.
    RawClient welcome();

    /// From the bus itself to the one behind `proxy`, a call of his answered with one string.
    static void answer(RawClient& proxy, const proxy::wire::Header& call, std::string_view text);
    static void send(RawClient& proxy, proxy::wire::Header message, std::string_view body = {});

private:
    UniqueFd listener_;
};

} // namespace xb::test
