// SPDX-License-Identifier: Apache-2.0
// Stub domains: a second domain for the device model of an HVM guest, and what libxl and the device model
// tell each other through xenstore (docs/misc/stubdom.txt of Xen, "Linux stubdomain"). There is no device
// model: the guest in the stub domain reads its arguments, says what it would start, and that it is
// "running".
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"
#include "xen/emulated/emulator/domain_tree.hpp"
#include "xen/emulated/emulator/emulator.hpp"

#include <fmt/format.h>

extern "C" {
#include <xenstore.h>
}

#include <cerrno>

namespace xb::xen::emulated {

namespace {

using Right = XenStorePermission::Right;

// As libxl waits for a stub domain.
constexpr std::chrono::seconds startLimit{30};
// What the stub domain's init puts the number of a descriptor in the place of.
constexpr const char* incomingPlaceholder = "$STUBDOM_RESTORE_INCOMING_ARG";

DomainConfig stubDomainOf(const DomainConfig& guest) {
    DomainConfig stub;
    stub.uuid = randomUuid();
    stub.name = guest.name + "-dm";
    stub.memoryKib = guest.stubDomain.memoryKib;
    stub.kernel = guest.stubDomain.kernel;
    stub.ramdisk = guest.stubDomain.ramdisk;
    stub.cmdline = guest.stubDomain.cmdline;
    stub.flaskLabel = guest.stubDomain.flaskLabel;
    stub.disks = guest.disks;
    return stub;
}

// The part of QEMU's arguments that does not depend on how a machine looks inside, which here is nothing.
std::vector<std::string> deviceModelArguments(const DomainConfig& guest, DomId domid, bool restoring) {
    std::vector<std::string> arguments{"-xen-domid", std::to_string(domid), "-name", guest.name};
    arguments.insert(arguments.end(), guest.deviceModelArguments.begin(), guest.deviceModelArguments.end());
    if (restoring)
        arguments.insert(arguments.end(), {"-incoming", incomingPlaceholder});
    return arguments;
}

std::string statePath(DomId stub, DomId guest) {
    return fmt::format("{}/device-model/{}/state", domainPath(stub), guest);
}

struct Link {
    DomId stub;
    DomId guest;
    std::string guestUuid;
    std::vector<std::string> arguments;
};

void writeLink(xs_handle* handle, const Link& link) {
    const std::string arguments = "/vm/" + link.guestUuid + "/image/dm-argv";
    const std::string workplace = fmt::format("{}/device-model/{}", domainPath(link.stub), link.guest);
    const auto write = [handle](std::uint32_t transaction, const std::string& path,
                                const std::string& value) {
        if (!xs_write(handle, transaction, path.c_str(), value.data(), static_cast<unsigned>(value.size())))
            throw systemError("xenstore: cannot write " + path, errno);
    };
    inTransaction(handle, "a stub domain's tree", [&](std::uint32_t transaction) {
        write(transaction, arguments, "");
        setStorePermissions(handle, transaction, arguments, {{0, Right::none}, {link.stub, Right::read}});
        for (std::size_t i = 0; i < link.arguments.size(); ++i)
            write(transaction, fmt::format("{}/{:03}", arguments, i + 1), link.arguments[i]);
        write(transaction, domainPath(link.guest) + "/image/device-model-domid", std::to_string(link.stub));
        write(transaction, domainPath(link.stub) + "/target", std::to_string(link.guest));
        write(transaction, workplace, "");
        setStorePermissions(handle, transaction, workplace, {{link.stub, Right::none}});
    });
    if (!xs_set_target(handle, link.stub, link.guest))
        throw systemError(
            fmt::format("xenstore: cannot make domain {} the target of domain {}", link.guest, link.stub),
            errno);
}

} // namespace

Task<> Emulator::startStubDomain(DomainPtr domain, bool restoring) {
    auto config = stubDomainOf(domain->config);
    Hypervisor::ProgressHandler silent = [](CreateStep, DomId) {};
    std::string boots; // without a state to go on in
    const DomId stub = co_await create(std::move(config), std::move(silent), std::move(boots));
    domain->stubDomain = stub;
    Link link{stub, domain->domid, domain->config.uuid,
              deviceModelArguments(domain->config, domain->domid, restoring)};
    auto write = [link = std::move(link)](xs_handle* handle) { writeLink(handle, link); };
    co_await store_->run(std::move(write));

    const std::string path = statePath(stub, domain->domid);
    const auto ready = std::make_shared<Event>(executor_);
    auto check = [this, path, ready](const std::string&) {
        auto look = [](Emulator* self, std::string node, std::shared_ptr<Event> event) -> Task<> {
            const auto value = co_await self->store_->read(node);
            if (value == "running")
                event->set();
        };
        spawn(executor_, "reading " + path, look(this, path, ready));
    };
    const auto watch = co_await store_->watch(path, std::move(check));
    const auto process = existing(stub);
    process->alsoWhenStopped(ready);
    co_await process->unpause();
    const bool said = co_await ready->waitFor(startLimit);
    if (!said || !process->running())
        throw Error(fmt::format(
            "domain {} \"{}\": its stub domain {} {}", domain->domid, domain->config.name, stub,
            said ? "ended before its device model ran"
                 : fmt::format("has not started its device model within {} s", startLimit.count())));
    log::info("domain {} \"{}\" has its device model in domain {}", domain->domid, domain->config.name, stub);
}

} // namespace xb::xen::emulated
