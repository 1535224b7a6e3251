// SPDX-License-Identifier: Apache-2.0
// Which domains there are, as xenstored has it: looks again whenever one comes or goes. Owns the watches;
// `store` must outlive it.
#pragma once

#include "xen/xenstore_client.hpp"

#include <functional>
#include <set>

namespace xb::xen::vchan {

class Domains : public std::enable_shared_from_this<Domains> {
public:
    using Handler = std::function<void(DomId)>;

    /// The handlers are told of domains other than the control domain.
    Domains(Executor executor, std::shared_ptr<XenStoreClient> store, Handler onCome, Handler onGone);
    Domains(const Domains&) = delete;
    Domains& operator=(const Domains&) = delete;
    ~Domains() = default;

    /// Looks for the first time, and from now on. Throws xb::Error.
    static Task<> start(std::shared_ptr<Domains> self);
    /// No handler is called any more.
    void stop();

private:
    void lookSoon();
    static Task<> look(std::shared_ptr<Domains> self);
    Task<std::set<DomId>> introduced();
    void compare(const std::set<DomId>& now);

    Executor executor_;
    std::shared_ptr<XenStoreClient> store_;
    Handler onCome_;
    Handler onGone_;
    std::unique_ptr<XenStoreWatch> comes_;
    std::unique_ptr<XenStoreWatch> goes_;
    std::set<DomId> known_;
    bool looking_ = false;
    bool again_ = false;
    bool stopped_ = false;
};

} // namespace xb::xen::vchan
