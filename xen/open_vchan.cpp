// SPDX-License-Identifier: Apache-2.0
// Chooses the implementation of vchans, as open_hypervisor.cpp does for the hypervisor. The only file that
// knows both.
#include "toolstack/libs/error.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulated_rings.hpp"
#include "xen/hypervisor.hpp"
#include "xen/vchan.hpp"
#include "xen/vchan/connector.hpp"
#include "xen/vchan/listener.hpp"
#include "xen/vchan_xen/xen_rings.hpp"

namespace xb::xen {

namespace {

bool isEmulated(const VchanOptions& options) {
    if (options.kind != "emulated" && options.kind != "libxl")
        throw Error(errors::invalidArgs, "no hypervisor \"" + options.kind + "\": say libxl or emulated");
    if (options.kind == "emulated" && options.emulatorDirectory.empty())
        throw Error(errors::invalidArgs,
                    "the emulated hypervisor needs the emulator's directory (--emulator-directory)");
    return options.kind == "emulated";
}

std::string onlyEmulated(const std::string& reason) {
    return "no vchan: " + reason + "; without Xen only --hypervisor emulated works";
}

} // namespace

std::unique_ptr<VchanListener> openVchanListener(const Executor& executor, const VchanOptions& options,
                                                 unsigned port, const VchanLimits& limits) {
    vchan::checkPort(port);
    if (isEmulated(options)) {
        auto store = std::make_shared<XenStoreClient>(
            executor, emulated::xenstoreSocketPath(options.emulatorDirectory));
        auto rings = vchan::makeEmulatedRings(executor, options.emulatorDirectory, vchan::controlDomain);
        return vchan::listen(executor, std::move(rings), std::move(store), options.emulatorDirectory, port,
                             limits);
    }
    if (const auto reason = vchan::whyNoListener("/"); !reason.empty())
        throw NotOnXen(onlyEmulated(reason));
    auto store = std::make_shared<XenStoreClient>(executor, "");
    auto rings = vchan::makeXenRings(executor, store);
    return vchan::listen(executor, std::move(rings), std::move(store), "xen", port, limits);
}

std::unique_ptr<VchanConnector> openVchanConnector(const Executor& executor, const VchanOptions& options) {
    if (isEmulated(options)) {
        if (options.ownDomid == vchan::controlDomain)
            throw Error(errors::invalidArgs,
                        "an emulated vchan connection needs to know its own domain (--emulated-domain)");
        return vchan::makeConnector(
            vchan::makeEmulatedRings(executor, options.emulatorDirectory, options.ownDomid));
    }
    if (const auto reason = vchan::whyNoConnector("/"); !reason.empty())
        throw NotOnXen(onlyEmulated(reason));
    auto store = std::make_shared<XenStoreClient>(executor, "");
    return vchan::makeConnector(vchan::makeXenRings(executor, std::move(store)));
}

} // namespace xb::xen
