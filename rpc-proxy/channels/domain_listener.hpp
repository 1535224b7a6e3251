// SPDX-License-Identifier: Apache-2.0
// Clients of all other domains, over vchan. Which domain one belongs to is the hypervisor's word.
#pragma once

#include "rpc-proxy/channels/listener.hpp"
#include "xen/vchan.hpp"

#include <functional>
#include <memory>
#include <string>

namespace xb::proxy {

class DomainListener final : public Listener {
public:
    /// `failed` is called, at most once, when nobody can come any more.
    using Failed = std::function<void(const std::string& why)>;

    DomainListener(const Executor& executor, std::unique_ptr<xen::VchanListener> vchan, Failed failed);
    DomainListener(const DomainListener&) = delete;
    DomainListener& operator=(const DomainListener&) = delete;
    ~DomainListener() override;

    void start(Handler handler) override;

private:
    struct Shared;
    static Task<> accepting(std::shared_ptr<Shared> shared);

    std::shared_ptr<Shared> shared_; // with the coroutine
};

} // namespace xb::proxy
