// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/domain_listener.hpp"

#include "rpc-proxy/channels/domain_stream.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

namespace xb::proxy {

struct DomainListener::Shared {
    Executor executor;
    std::unique_ptr<xen::VchanListener> vchan;
    Failed failed;
    Handler handler;
    std::uint64_t count = 0;
    bool over = false;
};

DomainListener::DomainListener(const Executor& executor, std::unique_ptr<xen::VchanListener> vchan,
                               Failed failed)
    : shared_(std::make_shared<Shared>()) {
    shared_->executor = executor;
    shared_->vchan = std::move(vchan);
    shared_->failed = std::move(failed);
}

DomainListener::~DomainListener() {
    shared_->over = true;
    shared_->vchan->close();
}

void DomainListener::start(Handler handler) {
    shared_->handler = std::move(handler);
    spawn(shared_->executor, "taking clients of domains", accepting(shared_));
}

Task<> DomainListener::accepting(std::shared_ptr<Shared> shared) {
    try {
        while (!shared->over) {
            auto vchan = co_await shared->vchan->accept();
            if (shared->over)
                break;
            Arrival arrival;
            arrival.domid = vchan->peer();
            arrival.peer = fmt::format("connection {}", ++shared->count);
            arrival.stream = std::make_unique<DomainStream>(shared->executor, std::move(vchan));
            shared->handler(std::move(arrival));
        }
    } catch (const Error& e) {
        if (!shared->over)
            shared->failed(e.what());
    }
}

} // namespace xb::proxy
