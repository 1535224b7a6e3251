// SPDX-License-Identifier: Apache-2.0
#include "xen/domain_uuids.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/control_protocol.hpp"

namespace xb::xen {

Task<std::string> DomainUuids::find(DomId domid) {
    const std::string home = "/local/domain/" + std::to_string(domid);
    std::optional<std::string> vm;
    std::optional<std::string> uuid;
    try {
        const std::shared_ptr<XenStore> store = connected();
        vm = co_await store->read(home + "/vm");
        if (vm)
            uuid = co_await store->read(*vm + "/uuid");
    } catch (const Error&) {
        store_.reset(); // a connection that broke stays broken
        throw;
    }
    if (!uuid)
        throw Error("domain " + std::to_string(domid) + " is not there: xenstore has no " +
                    (vm ? *vm + "/uuid" : home + "/vm"));
    co_return *uuid;
}

Task<bool> DomainUuids::isStubDomain(DomId domid) {
    std::optional<std::string> target;
    try {
        const std::shared_ptr<XenStore> store = connected();
        target = co_await store->read("/local/domain/" + std::to_string(domid) + "/target");
    } catch (const Error&) {
        store_.reset();
        throw;
    }
    co_return target.has_value();
}

std::shared_ptr<XenStore> DomainUuids::connected() {
    if (!store_) {
        std::string socket; // the system's
        if (options_.kind == "emulated")
            socket = emulated::xenstoreSocketPath(options_.emulatorDirectory);
        store_ = connectXenStore(executor_, socket);
    }
    return store_;
}

} // namespace xb::xen
