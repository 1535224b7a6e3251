// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/sasl/client.hpp"

#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/sasl/text.hpp"

#include <utility>

#include <fmt/format.h>

namespace xb::proxy::sasl {

std::string Client::opening(uid_t uid) const {
    std::string bytes(1, '\0');
    bytes += "AUTH EXTERNAL " + toHex(fmt::format("{}", uid)) + "\r\n";
    if (wantUnixFds_)
        bytes += "NEGOTIATE_UNIX_FD\r\n";
    return bytes + "BEGIN\r\n";
}

void Client::fail(std::string why) {
    state_ = State::failed;
    failure_ = std::move(why);
}

std::string_view Client::feed(std::string_view bytes) {
    while (state_ == State::talking && !bytes.empty()) {
        const auto next = lines_.next(bytes);
        if (next)
            line(*next);
        else if (lines_.tooLong())
            fail(fmt::format("the bus sent a line of more than {} bytes", maxLineBytes));
    }
    return bytes;
}

void Client::line(std::string_view line) {
    if (!isPrintable(line))
        return fail("the bus answered the authentication with something else than text");
    const auto [command, arguments] = splitWord(line);
    if (guid_.empty()) {
        if (command == "DATA" && !arguments.empty() && !std::exchange(told_, true))
            return; // another proxy with --uuid
        if (command != "OK")
            return fail(fmt::format("the bus refused the authentication: {}", line));
        return ok(arguments);
    }
    // The answer to NEGOTIATE_UNIX_FD: an ERROR is a plain no.
    if (command != "AGREE_UNIX_FD" && command != "ERROR")
        return fail(fmt::format("the bus did not answer whether it passes descriptors: {}", line));
    unixFds_ = command == "AGREE_UNIX_FD";
    state_ = State::done;
}

void Client::ok(std::string_view guid) {
    if (!isGuid(guid))
        return fail(fmt::format("the bus has no valid identity: {}", guid));
    guid_ = guid;
    if (!wantUnixFds_)
        state_ = State::done;
}

} // namespace xb::proxy::sasl
