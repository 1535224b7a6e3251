// SPDX-License-Identifier: Apache-2.0
// A vchan to another domain as a Stream. A vchan tells of changes only to those who tried in vain before, and
// has one event for both directions: so each wake-up is one for both, and who has not tried yet is woken at
// once.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "xen/vchan.hpp"

#include <memory>

namespace xb::proxy {

class DomainStream final : public Stream {
public:
    DomainStream(const Executor& executor, std::unique_ptr<xen::VchanStream> vchan);
    DomainStream(const DomainStream&) = delete;
    DomainStream& operator=(const DomainStream&) = delete;
    ~DomainStream() override;

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;
    void awaitReadable(StreamUser& user) override;
    void awaitWritable(StreamUser& user) override;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_; // with the waits under way
};

} // namespace xb::proxy
