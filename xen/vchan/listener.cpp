// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/listener.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/vchan/domain_port.hpp"
#include "xen/vchan/domains.hpp"
#include "xen/vchan/messages.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>

#include <sys/socket.h>
#include <sys/un.h>

namespace xb::xen::vchan {

namespace {

// A name in the abstract namespace is the kernel's: it cannot be left behind by a process that was killed.
UniqueFd claimPort(const std::string& machine, unsigned port) {
    const std::string name = fmt::format("xenbroker-vchan:{}:{}", machine, port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path)
        throw Error(errors::invalidArgs, "the name of " + machine + " is too long");
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    UniqueFd claim(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!claim)
        throw systemError("cannot make a socket", errno);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    if (::bind(claim.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0)
        return claim;
    if (errno == EADDRINUSE)
        throw Error(fmt::format("vchan port {} is taken: another process listens on it", port));
    throw systemError(fmt::format("cannot claim vchan port {}", port), errno);
}

void checkLimits(const VchanLimits& limits) {
    if (limits.ringSize < minVchanRingSize || limits.ringSize > maxVchanRingSize)
        throw Error(errors::invalidArgs, fmt::format("a vchan ring of {} bytes: must be {} to {}",
                                                     limits.ringSize, minVchanRingSize, maxVchanRingSize));
    if (limits.connectionsPerDomain == 0 || limits.connections == 0)
        throw Error(errors::invalidArgs, "a vchan listener that takes no connections");
    if (limits.handshakeTime.count() <= 0 || limits.firstBackOff.count() <= 0 ||
        limits.maxBackOff < limits.firstBackOff)
        throw Error(errors::invalidArgs, "times of a vchan listener must be positive");
}

class Core : public std::enable_shared_from_this<Core> {
public:
    Core(const Executor& executor, std::shared_ptr<Rings> rings, std::shared_ptr<XenStoreClient> store,
         UniqueFd claim, unsigned port, const VchanLimits& limits)
        : claim_(std::move(claim)), store_(std::move(store)),
          settings_(std::make_shared<PortSettings>(executor, std::move(rings), port, limits)),
          arrived_(executor) {}

    void start();
    void close();
    static Task<std::unique_ptr<VchanStream>> accept(std::shared_ptr<Core> self);

private:
    static Task<> begin(std::shared_ptr<Core> self);
    static Task<> removeLeftovers(std::shared_ptr<Core> self);
    static Task<> forget(std::shared_ptr<Core> self, DomId domid);
    void onCome(DomId domid);
    void onGone(DomId domid);
    std::string clientPath(DomId domid) const {
        return clientsPath(controlDomain) + "/" + std::to_string(domid);
    }

    UniqueFd claim_;
    std::shared_ptr<XenStoreClient> store_;
    std::shared_ptr<PortSettings> settings_;
    std::shared_ptr<Domains> domains_;
    std::map<DomId, std::shared_ptr<DomainPort>> ports_;
    std::deque<std::unique_ptr<VchanStream>> streams_;
    Event arrived_;
    std::exception_ptr failure_;
    bool closed_ = false;
};

void Core::start() {
    const std::weak_ptr<Core> weak = weak_from_this();
    settings_->onStream = [weak](std::unique_ptr<VchanStream> stream) {
        const auto self = weak.lock();
        if (!self || self->closed_)
            return;
        self->streams_.push_back(std::move(stream));
        self->arrived_.set();
    };
    domains_ = std::make_shared<Domains>(
        settings_->executor, store_,
        [weak](DomId domid) {
            if (const auto self = weak.lock())
                self->onCome(domid);
        },
        [weak](DomId domid) {
            if (const auto self = weak.lock())
                self->onGone(domid);
        });
    spawn(settings_->executor, fmt::format("vchan port {}", settings_->port), begin(shared_from_this()));
}

Task<> Core::begin(std::shared_ptr<Core> self) {
    try {
        co_await removeLeftovers(self);
        if (!self->closed_)
            co_await Domains::start(self->domains_);
    } catch (...) {
        self->failure_ = std::current_exception();
        self->arrived_.set();
    }
}

// A process that was killed leaves what it published: rings that are closed.
Task<> Core::removeLeftovers(std::shared_ptr<Core> self) {
    const std::string clients = clientsPath(controlDomain);
    const auto names = co_await self->store_->list(clients);
    for (const auto& name : names) {
        const std::string path = clients + "/" + name + "/" + std::to_string(self->settings_->port);
        co_await self->store_->remove(path);
    }
}

void Core::onCome(DomId domid) {
    if (closed_)
        return;
    const auto port = std::make_shared<DomainPort>(settings_, domid);
    ports_.insert_or_assign(domid, port);
    port->start();
}

void Core::onGone(DomId domid) {
    const auto found = ports_.find(domid);
    if (found == ports_.end())
        return;
    const auto port = found->second;
    ports_.erase(found);
    log::debug("vchan port {}: domain {} is gone", settings_->port, domid);
    port->domainIsGone();
    spawn(settings_->executor, fmt::format("forgetting domain {}", domid), forget(shared_from_this(), domid));
}

// The domain's directory is shared with the listeners of other ports: the last one removes it.
Task<> Core::forget(std::shared_ptr<Core> self, DomId domid) {
    const std::string client = self->clientPath(domid);
    const std::string path = client + "/" + std::to_string(self->settings_->port);
    co_await self->store_->remove(path);
    const auto left = co_await self->store_->list(client);
    if (left.empty())
        co_await self->store_->remove(client);
}

void Core::close() {
    closed_ = true;
    domains_->stop();
    for (const auto& [domid, port] : std::exchange(ports_, {}))
        port->stop();
    streams_.clear();
    claim_.reset();
    arrived_.set();
}

Task<std::unique_ptr<VchanStream>> Core::accept(std::shared_ptr<Core> self) {
    for (;;) {
        if (self->closed_)
            throw Error(errors::disconnected, fmt::format("vchan port {} is closed", self->settings_->port));
        if (self->failure_)
            std::rethrow_exception(self->failure_);
        if (!self->streams_.empty()) {
            auto stream = std::move(self->streams_.front());
            self->streams_.pop_front();
            co_return stream;
        }
        self->arrived_.clear();
        co_await self->arrived_.wait();
    }
}

class Listener final : public VchanListener {
public:
    explicit Listener(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override { core_->close(); }

    Task<std::unique_ptr<VchanStream>> accept() override { return Core::accept(core_); }
    void close() override { core_->close(); }

private:
    std::shared_ptr<Core> core_;
};

} // namespace

void checkPort(unsigned port) {
    if (port == 0 || port > maxVchanPort)
        throw Error(errors::invalidArgs, fmt::format("vchan port {}: must be 1 to {}", port, maxVchanPort));
}

std::unique_ptr<VchanListener> listen(const Executor& executor, std::shared_ptr<Rings> rings,
                                      std::shared_ptr<XenStoreClient> store, const std::string& machine,
                                      unsigned port, const VchanLimits& limits) {
    checkPort(port);
    checkLimits(limits);
    auto claim = claimPort(machine, port);
    const auto core =
        std::make_shared<Core>(executor, std::move(rings), std::move(store), std::move(claim), port, limits);
    core->start();
    return std::make_unique<Listener>(core);
}

} // namespace xb::xen::vchan
