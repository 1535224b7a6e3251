// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/browser/auto_auth_stream.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace xb::proxy {

namespace {
using namespace std::string_view_literals;
constexpr auto dialogue = "\0AUTH ANONYMOUS\r\nBEGIN\r\n"sv;
} // namespace

Transfer AutoAuthStream::receive(std::span<char> into) {
    if (said_)
        return client_->receive(into);
    if (into.size() <= dialogue.size())
        throw std::logic_error("a buffer without room for the authentication");
    Transfer got = client_->receive(into.subspan(dialogue.size()));
    if (got.state != Transfer::State::moved)
        return got;
    std::copy(dialogue.begin(), dialogue.end(), into.begin());
    got.bytes += dialogue.size();
    said_ = true;
    return got;
}

Transfer AutoAuthStream::send(std::span<const char> bytes) {
    if (answered_)
        return client_->send(bytes);
    const auto end = std::find(bytes.begin(), bytes.end(), '\n');
    answered_ = end != bytes.end();
    return {Transfer::State::moved,
            static_cast<std::size_t>(end - bytes.begin()) + (answered_ ? std::size_t{1} : std::size_t{0}), 0};
}

} // namespace xb::proxy
