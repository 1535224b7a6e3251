// SPDX-License-Identifier: Apache-2.0
// The listener's side for one domain: keeps a listener ring on offer, answers who asks on it with the path of
// a fresh ring, and waits until that is opened. Owns the listener ring and the rings that nobody has opened
// yet. The domain is hostile: what it does wrong costs it time and nobody else anything.
#pragma once

#include "xen/vchan/messages.hpp"
#include "xen/vchan/quota.hpp"
#include "xen/vchan/ring.hpp"

#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace xb::xen::vchan {

/// A listener ring fits into the page that every ring has anyway: one grant.
inline constexpr std::size_t listenerRingSize = 1024;
/// At most so often a domain's mistakes are logged.
inline constexpr std::chrono::seconds complaintInterval{10};

/// What the domains' parts of one listener share.
struct PortSettings {
    PortSettings(Executor loop, std::shared_ptr<Rings> maker, unsigned number, const VchanLimits& given)
        : executor(std::move(loop)), rings(std::move(maker)), port(number), limits(given), quota(given) {}

    Executor executor;
    std::shared_ptr<Rings> rings;
    unsigned port;
    VchanLimits limits;
    Quota quota;
    /// Takes a connection.
    std::function<void(std::unique_ptr<VchanStream>)> onStream;
};

class DomainPort : public std::enable_shared_from_this<DomainPort> {
public:
    DomainPort(std::shared_ptr<PortSettings> settings, DomId domid);
    DomainPort(const DomainPort&) = delete;
    DomainPort& operator=(const DomainPort&) = delete;
    ~DomainPort() = default;

    void start();
    /// Nobody can connect any more; connections go on.
    void stop();
    /// As stop(), and connections end for who reads them.
    void domainIsGone();

private:
    using Self = std::shared_ptr<DomainPort>;
    using Clock = std::chrono::steady_clock;
    enum class Use { good, refused, bad }; // of a listener ring

    static Task<> listen(Self self);
    static Task<> awaitClient(Self self, RingPtr ring);
    static Task<Use> serve(Self self, RingPtr ring);
    static Task<Use> answer(Self self, RingPtr ring, Request request);
    static Task<> awaitOpening(Self self, RingPtr ring, std::shared_ptr<void> lease);
    std::string nextPath();
    void complain(const std::string& what);

    std::shared_ptr<PortSettings> settings_;
    DomId domid_;
    RingPtr listening_;
    std::set<RingPtr> pending_;
    std::vector<std::weak_ptr<Ring>> connections_;
    Event stop_;
    std::uint32_t nextName_;
    Clock::time_point lastComplaint_{};
    std::size_t unsaid_ = 0;
};

} // namespace xb::xen::vchan
