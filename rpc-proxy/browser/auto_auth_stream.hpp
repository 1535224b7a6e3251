// SPDX-License-Identifier: Apache-2.0
// A client that does not authenticate (--auto-auth): what it would have to say is put before its first bytes,
// and the answer to that is kept from it. Who it is comes from its transport in any case.
#pragma once

#include "rpc-proxy/channels/stream.hpp"

#include <memory>

namespace xb::proxy {

class AutoAuthStream final : public Stream {
public:
    explicit AutoAuthStream(std::unique_ptr<Stream> client) : client_(std::move(client)) {}

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;
    void endSending() override { client_->endSending(); }
    void awaitReadable(StreamUser& user) override { client_->awaitReadable(user); }
    void awaitWritable(StreamUser& user) override { client_->awaitWritable(user); }

private:
    std::unique_ptr<Stream> client_;
    bool said_ = false;
    bool answered_ = false; // with one line
};

} // namespace xb::proxy
