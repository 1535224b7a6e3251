// SPDX-License-Identifier: Apache-2.0
// The properties of com.citrix.xenclient.xenmgr.host as a table: which source each comes from, so that a
// GetAll asks each source once, and how its value is made of what the source said.
#pragma once

#include "idl/xenmgr_host_server.hpp"
#include "xen/hypervisor.hpp"
#include "xenmgr/host_facts.hpp"

#include <string>

namespace xb::xenmgr {

/// Where a property's value comes from.
enum class HostSource { fixed, machine, network, storage, hypervisor, database };
inline constexpr std::size_t hostSourceCount = 6;

/// What the sources said; parts that were not asked are empty.
struct HostSnapshot {
    MachineFacts machine;
    NetworkFacts network;
    StorageFacts storage;
    xen::HostInfo hypervisor;
    std::string playbackPcm;
    std::string capturePcm;
    bool amtPassthrough = false;
    bool uiReady = false;
};

struct HostProperty {
    idl::xenmgr_host::XenmgrHostProperty property;
    HostSource source;
    void (*put)(const HostSnapshot& snapshot, PropertySink& sink);
};

/// The row of a property.
const HostProperty& hostProperty(idl::xenmgr_host::XenmgrHostProperty property);

} // namespace xb::xenmgr
