// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/browser/nul_texts.hpp"

#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/sasl/text.hpp"
#include "toolstack/libs/error.hpp"

#include <array>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace xb::proxy {

namespace {

using namespace std::string_view_literals;

constexpr auto textEnd = "\0"sv;
constexpr auto lineEnd = "\r\n"sv;
// Read at once.
constexpr std::size_t chunkBytes = std::size_t{4} << 10;

} // namespace

NulTexts::NulTexts(const Executor& executor, std::unique_ptr<Stream> stream, bool authenticates,
                   std::size_t messageBytes)
    : transport_(executor, std::move(stream), {}), lines_(authenticates), messageBytes_(messageBytes) {}

Task<> NulTexts::accept() {
    co_return;
}

std::optional<std::string> NulTexts::upTo(std::string_view end) {
    const std::size_t found = buffer_.find(end, looked_);
    if (found == std::string::npos) {
        looked_ = buffer_.size() - std::min(buffer_.size(), end.size() - 1);
        return std::nullopt;
    }
    std::string text = buffer_.substr(0, found + end.size());
    buffer_.erase(0, text.size());
    if (buffer_.empty())
        std::string().swap(buffer_); // most clients are idle most of the time
    looked_ = 0;
    return text;
}

std::optional<std::string> NulTexts::next() {
    if (buffer_.empty())
        return std::nullopt;
    if (!lines_) {
        auto text = upTo(textEnd);
        if (text)
            text->pop_back();
        return text;
    }
    if (std::exchange(first_, false)) {
        std::string byte = buffer_.substr(0, 1);
        buffer_.erase(0, 1);
        return byte;
    }
    auto line = upTo(lineEnd);
    if (line &&
        sasl::splitWord(std::string_view(*line).substr(0, line->size() - lineEnd.size())).first == "BEGIN")
        lines_ = false;
    return line;
}

Task<std::optional<std::string>> NulTexts::read() {
    std::array<char, chunkBytes> chunk;
    for (;;) {
        auto text = next();
        const std::size_t limit = lines_ ? sasl::maxLineBytes : messageBytes_;
        if (text ? text->size() > limit : buffer_.size() > limit)
            throw Error(errors::limitsExceeded, fmt::format("it sent a {} of more than {} bytes",
                                                            lines_ ? "line" : "message", limit));
        if (text)
            co_return text;
        boost::system::error_code error;
        const auto into = asio::buffer(chunk);
        const std::size_t size =
            co_await transport_.async_read_some(into, asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::eof && buffer_.empty())
            co_return std::nullopt;
        if (error)
            throw Error(error == asio::error::eof ? "the connection ended within a message"
                                                  : "the connection broke: " + error.message());
        buffer_.append(chunk.data(), size);
    }
}

Task<> NulTexts::write(std::string text) {
    if (!text.ends_with(lineEnd)) // no JSON ends like this
        text += '\0';
    boost::system::error_code error;
    const auto from = asio::buffer(text);
    co_await asio::async_write(transport_, from, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        throw Error("the connection broke: " + error.message());
}

Task<> NulTexts::close() {
    transport_.endSending();
    co_return;
}

Task<> NulTexts::ask() {
    throw Error(errors::notSupported, "such a client cannot be asked whether it is there");
    co_return;
}

} // namespace xb::proxy
