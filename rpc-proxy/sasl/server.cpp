// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/sasl/server.hpp"

#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/sasl/text.hpp"

namespace xb::proxy::sasl {

void Server::fail(std::string_view why) {
    state_ = State::failed;
    failure_ = why;
}

std::string_view Server::feed(std::string_view bytes, std::string& reply) {
    if (state_ == State::talking && expects_ == Expects::nul && !bytes.empty()) {
        // Where credentials travel beside a byte, this is the byte.
        if (bytes[0] != '\0') {
            fail("the first byte is not NUL");
            return bytes;
        }
        bytes.remove_prefix(1);
        expects_ = Expects::auth;
    }
    while (state_ == State::talking && !bytes.empty()) {
        const auto next = lines_.next(bytes);
        if (next)
            line(*next, reply);
        else if (lines_.tooLong())
            fail("a line is too long");
    }
    return bytes;
}

void Server::reject(std::string& reply) {
    expects_ = Expects::auth;
    mechanism_ = Mechanism::none;
    claim_.clear();
    unixFds_ = false;
    reply += "REJECTED";
    if (options_.external)
        reply += " EXTERNAL";
    if (options_.anonymous)
        reply += " ANONYMOUS";
    reply += "\r\n";
}

void Server::line(std::string_view line, std::string& reply) {
    if (++count_ > maxLines)
        return fail("too many lines without BEGIN");
    if (!isPrintable(line)) {
        reply += "ERROR \"Only ASCII is allowed here\"\r\n";
        return;
    }
    const auto [command, arguments] = splitWord(line);
    if (command == "BEGIN") {
        if (expects_ == Expects::begin)
            state_ = State::done;
        else
            fail("BEGIN without authentication");
    } else if (command == "AUTH" && expects_ == Expects::auth) {
        auth(arguments, reply);
    } else if (command == "DATA" && expects_ == Expects::data) {
        respond(arguments, reply);
    } else if (command == "ERROR" || (command == "CANCEL" && expects_ != Expects::auth)) {
        reject(reply);
    } else if (command == "NEGOTIATE_UNIX_FD" && expects_ == Expects::begin) {
        unixFds_ = options_.unixFds;
        reply += unixFds_ ? "AGREE_UNIX_FD\r\n" : "ERROR \"Descriptors are not passed here\"\r\n";
    } else {
        reply += "ERROR \"Unknown command, or not now\"\r\n";
    }
}

void Server::auth(std::string_view arguments, std::string& reply) {
    const auto [name, response] = splitWord(arguments);
    if (name == "EXTERNAL" && options_.external)
        mechanism_ = Mechanism::external;
    else if (name == "ANONYMOUS" && options_.anonymous)
        mechanism_ = Mechanism::anonymous;
    else
        return reject(reply);
    // EXTERNAL asks who it is to be, once; an empty answer means the one who connected.
    if (mechanism_ == Mechanism::external && response.empty()) {
        expects_ = Expects::data;
        reply += "DATA\r\n";
        return;
    }
    respond(response, reply);
}

void Server::respond(std::string_view hex, std::string& reply) {
    auto text = fromHex(hex);
    if (!text || !isPrintable(*text))
        return reject(reply);
    claim_ = std::move(*text);
    expects_ = Expects::begin;
    if (!uuid_.empty()) {
        reply += "DATA ";
        reply += uuid_;
        reply += "\r\n";
    }
    reply += "OK ";
    reply += options_.guid;
    reply += "\r\n";
}

} // namespace xb::proxy::sasl
