// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/connector.hpp"

#include "rpc-proxy/channels/connect.hpp"
#include "rpc-proxy/channels/domain_stream.hpp"
#include "rpc-proxy/channels/serial.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/domain_uuids.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

// To a port of a domain.
struct DomainTarget {
    Executor executor;
    Channel channel;
    std::chrono::milliseconds limit;
    std::unique_ptr<xen::VchanConnector> connector;
    xen::DomainUuids domains;
};

Task<std::unique_ptr<Stream>> connectToDomain(std::shared_ptr<DomainTarget> target) {
    const Channel& channel = target->channel;
    try {
        xen::DomId domid = channel.domid.value_or(0);
        if (!channel.uuid.empty())
            domid = co_await target->domains.domidOf(channel.uuid);
        auto vchan = co_await target->connector->connect(domid, channel.port, target->limit);
        co_return std::make_unique<DomainStream>(target->executor, std::move(vchan));
    } catch (const Error& e) {
        throw Error(e.name(), fmt::format("cannot connect to {}: {}", channel.text(), e.what()));
    }
}

// To what is at the other end of a serial line.
struct SerialTarget {
    Executor executor;
    Channel channel;
    std::function<void()> over;
    bool used = false;
};

Task<std::unique_ptr<Stream>> connectToLine(std::shared_ptr<SerialTarget> target) {
    if (target->used)
        throw Error(errors::limitsExceeded,
                    fmt::format("cannot connect to {}: it has one conversation, which has begun",
                                target->channel.text()));
    auto stream =
        std::make_unique<SerialStream>(target->executor, target->channel, [weak = std::weak_ptr(target)] {
            if (const auto there = weak.lock())
                there->over();
        });
    target->used = true;
    co_return std::unique_ptr<Stream>(std::move(stream));
}

} // namespace

Connect makeConnect(const Executor& executor, const Channel& channel, const xen::VchanOptions& vchan,
                    std::chrono::milliseconds limit, std::function<void()> over) {
    switch (channel.kind) {
    case Channel::Kind::unixSocket:
    case Channel::Kind::tcp:
        return [executor, channel] { return connect(executor, channel); };
    case Channel::Kind::vchan: {
        xen::HypervisorOptions hypervisor;
        hypervisor.kind = vchan.kind;
        hypervisor.emulatorDirectory = vchan.emulatorDirectory;
        auto target = std::make_shared<DomainTarget>(DomainTarget{executor, channel, limit,
                                                                  xen::openVchanConnector(executor, vchan),
                                                                  xen::DomainUuids(executor, hypervisor)});
        return [target = std::move(target)] { return connectToDomain(target); };
    }
    case Channel::Kind::serial: {
        auto target = std::make_shared<SerialTarget>(SerialTarget{executor, channel, std::move(over)});
        return [target = std::move(target)] { return connectToLine(target); };
    }
    }
    throw std::logic_error("a channel of no kind");
}

} // namespace xb::proxy
