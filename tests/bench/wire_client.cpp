// SPDX-License-Identifier: Apache-2.0
#include "wire_client.hpp"

#include "programs.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace xb::bench {

namespace wire = proxy::wire;

namespace {

constexpr auto driver = "org.freedesktop.DBus";

std::string message(const wire::Header& header, std::string_view body) {
    std::string bytes;
    if (const auto flaw = wire::appendMessage(bytes, header, body))
        throw Error("a call of the measurement is no message: " + flaw->text());
    return bytes;
}

[[noreturn]] void throwError(std::string_view bytes) {
    wire::MessageView view;
    if (const auto flaw = wire::read(bytes, {}, view))
        throw Error("an error reply is no message: " + flaw->text());
    throw Error(std::string(view.errorName.value_or("")),
                "a call failed: " + std::string(view.firstString().value_or("")));
}

} // namespace

WireClient::WireClient(const std::string& file, std::string_view text) : CallingClient(file) {
    wire::Header header = wire::methodCall(1, "/", "org.xenbroker.bench", "echo");
    header.destination = bareEchoService;
    header.signature = "s";
    wire::BodyWriter arguments("s");
    arguments.string(text);
    call_ = message(header, arguments.take());
    authenticate();
}

void WireClient::authenticate() {
    using namespace std::string_literals;
    std::string user;
    for (const char c : std::to_string(::geteuid()))
        user += fmt::format("{:02x}", static_cast<unsigned>(c));
    send("\0"s);
    send("AUTH EXTERNAL " + user + "\r\n");
    if (const std::string answer = receiveLine(); !answer.starts_with("OK "))
        throw Error("authentication was answered with: " + answer);
    send("BEGIN\r\n");
    wire::Header hello = wire::methodCall(++serial_, "/org/freedesktop/DBus", driver, "Hello");
    hello.destination = driver;
    send(message(hello, ""));
    waitForReply();
}

std::string WireClient::receiveLine() {
    std::size_t end = 0;
    while ((end = in_.find("\r\n")) == std::string::npos)
        receive();
    std::string line = in_.substr(0, end);
    in_.erase(0, end + 2);
    return line;
}

void WireClient::appendCall(std::string& out) {
    const std::size_t begin = out.size();
    out += call_;
    wire::store(out.data() + begin + wire::serialAt, ++serial_, wire::ownEndian);
}

// How many replies have arrived whole; signals are passed over.
unsigned WireClient::takeReplies() {
    unsigned replies = 0;
    std::string_view left = in_;
    while (left.size() >= wire::prologueBytes) {
        wire::Header header;
        wire::Extent extent{};
        if (const auto flaw = wire::readPrologue(left, wire::maxMessageBytes, header, extent))
            throw Error("what was received is no message: " + flaw->text());
        if (left.size() < extent.end)
            break;
        if (header.type == wire::MessageType::error)
            throwError(left.substr(0, extent.end));
        replies += header.type == wire::MessageType::methodReturn ? 1U : 0U;
        left.remove_prefix(extent.end);
    }
    in_.erase(0, in_.size() - left.size());
    return replies;
}

} // namespace xb::bench
