// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/websocket/websocket.hpp"

#include "rpc-proxy/websocket/transport.hpp"
#include "toolstack/libs/error.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <fmt/format.h>

#include <array>
#include <utility>

namespace xb::proxy {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

// These are found and called by Beast.
[[maybe_unused]] void beast_close_socket(Transport& transport) {
    transport.stop();
}

// Both have said that it ends: the client sees the end of ours, and has a moment for its own.
template <class Handler>
void async_teardown(beast::role_type /*role*/, Transport& transport, Handler&& handler) {
    transport.endSending();
    transport.sayFarewell();
    const auto draining = [](Transport& from) -> Task<> {
        std::array<char, 4096> dropped{};
        error_code error;
        while (!error)
            co_await from.async_read_some(asio::buffer(dropped),
                                          asio::redirect_error(asio::use_awaitable, error));
        from.stop();
    };
    // A completion handler can be moved only, a coroutine's must be copyable.
    auto shared = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
    asio::co_spawn(transport.get_executor(), draining(transport),
                   [shared](const std::exception_ptr&) { std::move (*shared)(error_code()); });
}

namespace {

constexpr std::size_t keptBufferBytes = 64U << 10; // of a reader that waits

using Request = http::request<http::empty_body>;

// Who does not speak WebSocket gets an answer that a person can read.
struct Answer {
    http::status status = http::status::ok; // all is well
    std::string text;
    const char* error = errors::invalidArgs;
};

Answer answerTo(const Request& request, const WebSocketAccess& access) {
    if (request.count(http::field::host) != 1 || request.count(http::field::origin) > 1)
        return {http::status::bad_request, "the request has not one Host, or more than one Origin"};
    if (!websocket::is_upgrade(request))
        return {http::status::upgrade_required, "this is a WebSocket service"};
    const auto origin = request.find(http::field::origin);
    const auto refusal =
        refusalOf(access, std::string_view(request[http::field::host]),
                  origin == request.end() ? std::nullopt : std::optional(std::string_view(origin->value())));
    if (refusal)
        return {http::status::forbidden, *refusal, errors::accessDenied};
    return {};
}

[[noreturn]] void fail(const error_code& error) {
    throw Error("the WebSocket ended, " + error.message());
}

} // namespace

class WebSocket::Connection {
public:
    Connection(const Executor& executor, std::unique_ptr<Stream> stream, WebSocketOptions options)
        : options_(std::move(options)), stream_(executor, std::move(stream), options_.farewell) {
        stream_.read_message_max(options_.messageBytes);
        stream_.auto_fragment(false); // one message, one frame
        stream_.text(true);
        websocket::stream_base::timeout none{websocket::stream_base::none(), websocket::stream_base::none(),
                                             false};
        const auto name = [](http::response<http::string_body>& response) {
            response.set(http::field::server, "xenbroker"); // not what this is made of
        };
        stream_.set_option(websocket::stream_base::decorator(name));
        stream_.set_option(none); // Transport has one that costs nothing while it is not needed
    }

    Task<> accept() {
        transport().endAfter(options_.handshake);
        http::request_parser<http::empty_body> parser;
        parser.header_limit(options_.requestBytes);
        error_code error;
        co_await http::async_read(transport(), buffer_, parser,
                                  asio::redirect_error(asio::use_awaitable, error));
        Answer answer;
        if (error == http::error::header_limit)
            answer = Answer{http::status::request_header_fields_too_large,
                            fmt::format("the request is larger than {} bytes", options_.requestBytes),
                            errors::limitsExceeded};
        else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
                 error != http::error::end_of_stream && error != http::error::partial_message)
            answer = Answer{http::status::bad_request, "the request is not HTTP, " + error.message()};
        else if (error)
            handshakeFailed(error);
        else if (buffer_.size() != 0)
            answer = Answer{http::status::bad_request, "there is something behind the request"};
        else
            answer = answerTo(parser.get(), options_.access);
        if (answer.status != http::status::ok)
            co_await refuse(std::move(answer));
        co_await stream_.async_accept(parser.get(), asio::redirect_error(asio::use_awaitable, error));
        if (error)
            handshakeFailed(error);
        transport().keep();
    }

    Task<std::optional<std::string>> read() {
        error_code error;
        co_await stream_.async_read(buffer_, asio::redirect_error(asio::use_awaitable, error));
        if (error == websocket::error::closed)
            co_return std::nullopt;
        if (error == websocket::error::message_too_big)
            throw Error(errors::limitsExceeded,
                        fmt::format("a message is larger than {} bytes", options_.messageBytes));
        if (error)
            fail(error);
        if (!stream_.got_text()) {
            co_await close(CloseCode::unacceptable, "only text is understood");
            throw Error("the WebSocket ended, since a message was not text");
        }
        std::optional<std::string> text = beast::buffers_to_string(buffer_.data());
        buffer_.clear();
        if (buffer_.capacity() > keptBufferBytes)
            buffer_.shrink_to_fit();
        co_return text;
    }

    Task<> write(std::string text) {
        error_code error;
        const asio::const_buffer bytes(text.data(), text.size());
        co_await stream_.async_write(bytes, asio::redirect_error(asio::use_awaitable, error));
        if (error)
            fail(error);
    }

    Task<> close(CloseCode code, std::string reason) {
        transport().sayFarewell();
        const websocket::close_reason why(static_cast<websocket::close_code>(code), reason);
        error_code ignored; // it is over in any case
        co_await stream_.async_close(why, asio::redirect_error(asio::use_awaitable, ignored));
    }

    Task<> ping() {
        error_code error;
        const websocket::ping_data nothing;
        co_await stream_.async_ping(nothing, asio::redirect_error(asio::use_awaitable, error));
        if (error)
            fail(error);
    }

    std::uint64_t received() { return transport().received(); }
    void stop() { transport().stop(); }

private:
    Transport& transport() { return stream_.next_layer(); }

    [[noreturn]] void handshakeFailed(const error_code& error) {
        if (transport().expired())
            throw Error(errors::timeout,
                        fmt::format("the handshake took longer than {} ms", options_.handshake.count()));
        throw Error("the handshake failed, " + error.message());
    }

    // Throws what it told the client.
    Task<> refuse(Answer answer) {
        http::response<http::string_body> response(answer.status, 11);
        response.set(http::field::content_type, "text/plain");
        if (answer.status == http::status::upgrade_required)
            response.set(http::field::upgrade, "websocket");
        response.keep_alive(false);
        response.body() = answer.text + "\n";
        response.prepare_payload();
        error_code ignored; // it is over in any case
        co_await http::async_write(transport(), response, asio::redirect_error(asio::use_awaitable, ignored));
        transport().endSending();
        throw Error(answer.error, answer.text);
    }

    WebSocketOptions options_;
    websocket::stream<Transport, false> stream_; // without the extension
    beast::flat_buffer buffer_;
};

WebSocket::WebSocket(const Executor& executor, std::unique_ptr<Stream> stream,
                     const WebSocketOptions& options)
    : connection_(std::make_unique<Connection>(executor, std::move(stream), options)) {}

WebSocket::~WebSocket() = default;

Task<> WebSocket::accept() {
    return connection_->accept();
}

Task<std::optional<std::string>> WebSocket::read() {
    return connection_->read();
}

Task<> WebSocket::write(std::string text) {
    return connection_->write(std::move(text));
}

Task<> WebSocket::close(CloseCode code, std::string reason) {
    return connection_->close(code, std::move(reason));
}

Task<> WebSocket::ping() {
    return connection_->ping();
}

std::uint64_t WebSocket::received() const {
    return connection_->received();
}

void WebSocket::stop() {
    connection_->stop();
}

} // namespace xb::proxy
