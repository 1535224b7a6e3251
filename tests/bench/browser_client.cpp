// SPDX-License-Identifier: Apache-2.0
#include "browser_client.hpp"

#include "programs.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <array>

namespace xb::bench {

namespace {

constexpr unsigned char wholeText = 0x81; // RFC 6455, 5.2: the last fragment, opcode 1
constexpr unsigned char masked = 0x80;
constexpr std::size_t longestShort = 125; // a longer payload has two bytes of length, or eight
constexpr unsigned char twoBytes = 126;
constexpr std::size_t longestPayload = 65535;

unsigned byteAt(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

} // namespace

BrowserClient::BrowserClient(const std::string& file) : CallingClient(file) {
    upgrade();
    std::string out;
    appendText(out,
               fmt::format(R"({{"id":{},"destination":"org.freedesktop.DBus","path":"/org/freedesktop/DBus",)"
                           R"("interface":"org.freedesktop.DBus","method":"Hello","args":[]}})",
                           ++id_));
    send(out);
    waitForReply();
}

void BrowserClient::upgrade() {
    send("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
        receive();
    if (!in_.starts_with("HTTP/1.1 101 "))
        throw Error("the proxy for browsers answers: " + in_.substr(0, in_.find('\r')));
    in_.erase(0, end + 4);
}

void BrowserClient::appendText(std::string& out, std::string_view text) const {
    constexpr std::array<char, 4> key{'\x12', '\x34', '\x56', '\x78'};
    const std::size_t size = text.size();
    if (size > longestPayload)
        throw Error("a text of the measurement is too long");
    out += static_cast<char>(wholeText);
    if (size <= longestShort) {
        out += static_cast<char>(masked | size);
    } else {
        out += static_cast<char>(masked | twoBytes);
        out += static_cast<char>(size >> 8);
        out += static_cast<char>(size & 0xff);
    }
    out.append(key.data(), key.size());
    for (std::size_t i = 0; i < size; ++i)
        out += static_cast<char>(text[i] ^ key[i % key.size()]);
}

// How many answers to calls have arrived whole; signals are passed over.
unsigned BrowserClient::takeReplies() {
    unsigned replies = 0;
    std::string_view left = in_;
    while (left.size() >= 4) {
        const unsigned code = byteAt(left, 1);
        const std::size_t begin = code == twoBytes ? 4 : 2;
        const std::size_t size = code == twoBytes ? byteAt(left, 2) << 8 | byteAt(left, 3) : code;
        if (byteAt(left, 0) != wholeText || code > twoBytes)
            throw Error("the proxy for browsers sent another frame than a short text");
        if (left.size() < begin + size)
            break;
        const std::string_view text = left.substr(begin, size);
        if (text.find(R"("type":"error")") != std::string_view::npos)
            throw Error("a call failed: " + std::string(text));
        replies += text.find(R"("response-to":)") != std::string_view::npos ? 1U : 0U;
        left.remove_prefix(begin + size);
    }
    in_.erase(0, in_.size() - left.size());
    return replies;
}

void BrowserClient::appendCall(std::string& out) {
    static const std::string rest =
        fmt::format(R"("destination":"{}","path":"/","interface":"org.xenbroker.bench",)"
                    R"("method":"echo","args":["com.citrix.xenclient.xenmgr.vm"]}})",
                    bareEchoService);
    appendText(out, fmt::format(R"({{"id":{},{})", ++id_, rest));
}

void BrowserClient::sendHalfAText() {
    std::string out;
    appendCall(out);
    send(std::string_view(out).substr(0, out.size() / 2));
}

} // namespace xb::bench
