// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/messages.hpp"

#include <algorithm>

namespace xb::xen::vchan {

namespace {

constexpr std::string_view magic = "XBvc";
constexpr char version = 1;
constexpr char typeRequest = 1;
constexpr std::size_t nonceAt = 8;

bool isPrintable(char c) {
    return c >= ' ' && c <= '~';
}

// Whether `bytes` can be the beginning of a message; the fields that both kinds have.
bool beginsWell(std::string_view bytes) {
    return bytes.substr(0, magic.size()) == magic.substr(0, bytes.size()) &&
           (bytes.size() <= magic.size() || bytes[magic.size()] == version);
}

void copyNonce(std::string_view bytes, Nonce& nonce) {
    std::copy_n(bytes.begin() + nonceAt, nonce.size(), nonce.begin());
}

std::string header(char type, std::size_t length, const Nonce& nonce) {
    std::string bytes(magic);
    bytes += version;
    bytes += type;
    bytes += static_cast<char>(length & 0xff);
    bytes += static_cast<char>(length >> 8);
    bytes.append(nonce.data(), nonce.size());
    return bytes;
}

} // namespace

Parsed parseRequest(std::string_view bytes, Request& request, std::size_t& used) {
    used = 0;
    if (!beginsWell(bytes))
        return Parsed::garbage;
    if (bytes.size() > 5 && bytes[5] != typeRequest)
        return Parsed::garbage;
    if ((bytes.size() > 6 && bytes[6] != 0) || (bytes.size() > 7 && bytes[7] != 0))
        return Parsed::garbage;
    if (bytes.size() < headerSize)
        return Parsed::incomplete;
    copyNonce(bytes, request.nonce);
    used = headerSize;
    return Parsed::message;
}

Parsed parseAnswer(std::string_view bytes, Answer& answer, std::size_t& used) {
    used = 0;
    if (!beginsWell(bytes))
        return Parsed::garbage;
    if (bytes.size() < headerSize)
        return Parsed::incomplete;
    const auto status = static_cast<std::uint8_t>(bytes[5]);
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[6])) |
                               static_cast<std::size_t>(static_cast<unsigned char>(bytes[7])) << 8;
    if (status > static_cast<std::uint8_t>(Status::failed) || length > maxAnswerText)
        return Parsed::garbage;
    if (static_cast<Status>(status) == Status::ring && (length == 0 || length > maxRingPath))
        return Parsed::garbage;
    if (bytes.size() - headerSize < length)
        return Parsed::incomplete;
    const auto text = bytes.substr(headerSize, length);
    if (!std::all_of(text.begin(), text.end(), isPrintable))
        return Parsed::garbage;
    answer.status = static_cast<Status>(status);
    copyNonce(bytes, answer.nonce);
    answer.text = text;
    used = headerSize + length;
    return Parsed::message;
}

std::string toBytes(const Request& request) {
    return header(typeRequest, 0, request.nonce);
}

std::string toBytes(const Answer& answer) {
    std::string text = answer.text.substr(0, maxAnswerText);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return !isPrintable(c); }, '?');
    return header(static_cast<char>(answer.status), text.size(), answer.nonce) + text;
}

std::string clientsPath(std::uint32_t server) {
    return "/local/domain/" + std::to_string(server) + "/data/vchan";
}

std::string portPath(std::uint32_t server, std::uint32_t client, unsigned port) {
    return clientsPath(server) + "/" + std::to_string(client) + "/" + std::to_string(port) + "/";
}

std::string listenPath(std::uint32_t server, std::uint32_t client, unsigned port) {
    return portPath(server, client, port) + "listen";
}

} // namespace xb::xen::vchan
