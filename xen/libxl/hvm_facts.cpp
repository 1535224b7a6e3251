// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/hvm_facts.hpp"

#include "xen/libxl/domain_info.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace xb::xen {

void requireDomain(LibxlContext& context, DomId domid) {
    if (!queryDomainState(context, domid))
        throw Error(fmt::format("there is no {}", domainText(domid)));
}

std::uint64_t hvmParameter(LibxlContext& context, DomId domid, std::uint32_t parameter) {
    std::uint64_t value = 0;
    if (xc_hvm_param_get(context.control(), domid, parameter, &value) != 0)
        throw systemError(fmt::format("reading HVM parameter {} of {}", parameter, domainText(domid)), errno);
    return value;
}

Task<bool> isHvm(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid) {
    auto require = [domid](LibxlContext& context) { requireDomain(context, domid); };
    co_await threads->run(require);
    const auto type = co_await store->read(fmt::format("/libxl/{}/type", domid));
    co_return type == "hvm";
}

Task<bool> hasPvDriver(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid) {
    const bool hvm = co_await isHvm(threads, store, domid);
    if (!hvm)
        co_return true;
    // A guest without PV drivers has set no callback for events.
    auto ask = [domid](LibxlContext& context) {
        return hvmParameter(context, domid, HVM_PARAM_CALLBACK_IRQ) != 0;
    };
    co_return co_await threads->run(ask);
}

} // namespace xb::xen
