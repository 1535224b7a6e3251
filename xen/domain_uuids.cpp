// SPDX-License-Identifier: Apache-2.0
#include "xen/domain_uuids.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/control_protocol.hpp"

#include <algorithm>
#include <charconv>

namespace xb::xen {

namespace {

bool sameUuid(const std::string& one, const std::string& other) {
    const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
    return std::equal(one.begin(), one.end(), other.begin(), other.end(), same);
}

} // namespace

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

Task<DomId> DomainUuids::domidOf(std::string uuid) {
    if (uuid == "00000000-0000-0000-0000-000000000000")
        co_return DomId{0};
    std::optional<DomId> found;
    try {
        const std::shared_ptr<XenStore> store = connected();
        const auto names = co_await store->list("/local/domain");
        for (const auto& name : names) {
            const auto vm = co_await store->read("/local/domain/" + name + "/vm");
            if (!vm)
                continue;
            const auto its = co_await store->read(*vm + "/uuid");
            DomId domid = 0;
            const char* const end = name.data() + name.size();
            if (its && sameUuid(*its, uuid) && std::from_chars(name.data(), end, domid).ptr == end)
                found = std::max(found.value_or(0), domid); // the other one is about to go
        }
    } catch (const Error&) {
        store_.reset();
        throw;
    }
    if (!found)
        throw Error("no domain runs with the uuid " + uuid);
    co_return *found;
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
