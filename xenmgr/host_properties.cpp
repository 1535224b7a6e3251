// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_properties.hpp"

#include <array>

namespace xb::xenmgr {

namespace {

using P = idl::xenmgr_host::XenmgrHostProperty;
using Source = HostSource;
using Snapshot = HostSnapshot;
using Sink = PropertySink;

// Host power actions are not there yet (docs/not-supported.md): the host is never in another state.
constexpr auto idleState = "idle";

std::int32_t mib(std::uint64_t kib) {
    return clampedInt(kib / 1024);
}

// clang-format off
constexpr std::array table{
    HostProperty{P::amtCapable, Source::fixed, [](const Snapshot&, Sink& sink) { sink.put(false); }},
    // No VM gives memory back in this version, so what is free is what a further VM can get.
    HostProperty{P::availMem, Source::hypervisor, [](const Snapshot& s, Sink& sink) { sink.put(mib(s.hypervisor.freeMemoryKib)); }},
    HostProperty{P::biosRevision, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.biosRevision); }},
    HostProperty{P::buildInfo, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.buildInfo); }},
    HostProperty{P::capturePcm, Source::database, [](const Snapshot& s, Sink& sink) { sink.put(s.capturePcm); }},
    HostProperty{P::cpuCount, Source::hypervisor, [](const Snapshot& s, Sink& sink) { sink.put(clampedInt(s.hypervisor.cpus)); }},
    HostProperty{P::eth0Mac, Source::network, [](const Snapshot& s, Sink& sink) { sink.put(s.network.wiredMac); }},
    HostProperty{P::eth0Model, Source::network, [](const Snapshot& s, Sink& sink) { sink.put(s.network.wiredModel); }},
    HostProperty{P::freeMem, Source::hypervisor, [](const Snapshot& s, Sink& sink) { sink.put(mib(s.hypervisor.freeMemoryKib)); }},
    HostProperty{P::freeStorage, Source::storage, [](const Snapshot& s, Sink& sink) { sink.put(s.storage.freeMib); }},
    HostProperty{P::isLicensed, Source::fixed, [](const Snapshot&, Sink& sink) { sink.put(true); }},
    HostProperty{P::laptop, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.laptop); }},
    HostProperty{P::measuredBootEnabled, Source::fixed, [](const Snapshot&, Sink& sink) { sink.put(false); }},
    HostProperty{P::measuredBootSuccessful, Source::fixed, [](const Snapshot&, Sink& sink) { sink.put(false); }},
    HostProperty{P::model, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.model); }},
    HostProperty{P::physicalCpuModel, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.cpuModel); }},
    HostProperty{P::physicalGpuModel, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.gpuModel); }},
    HostProperty{P::playbackPcm, Source::database, [](const Snapshot& s, Sink& sink) { sink.put(s.playbackPcm); }},
    HostProperty{P::safeGraphics, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.safeGraphics); }},
    HostProperty{P::serial, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.serial); }},
    HostProperty{P::state, Source::fixed, [](const Snapshot&, Sink& sink) { sink.put(std::string(idleState)); }},
    HostProperty{P::systemAmtPt, Source::database, [](const Snapshot& s, Sink& sink) { sink.put(s.amtPassthrough); }},
    HostProperty{P::totalMem, Source::hypervisor, [](const Snapshot& s, Sink& sink) { sink.put(mib(s.hypervisor.totalMemoryKib)); }},
    HostProperty{P::totalStorage, Source::storage, [](const Snapshot& s, Sink& sink) { sink.put(s.storage.totalMib); }},
    HostProperty{P::uiReady, Source::fixed, [](const Snapshot& s, Sink& sink) { sink.put(s.uiReady); }},
    HostProperty{P::vendor, Source::machine, [](const Snapshot& s, Sink& sink) { sink.put(s.machine.vendor); }},
    HostProperty{P::wirelessMac, Source::network, [](const Snapshot& s, Sink& sink) { sink.put(s.network.wirelessMac); }},
    HostProperty{P::wirelessModel, Source::network, [](const Snapshot& s, Sink& sink) { sink.put(s.network.wirelessModel); }},
};
// clang-format on

constexpr bool inOrder() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].property) != i)
            return false;
    return table.size() == static_cast<std::size_t>(P::wirelessModel) + 1;
}
static_assert(inOrder(), "the table has a row for every property, in the order of the enumeration");

} // namespace

const HostProperty& hostProperty(P property) {
    return table.at(static_cast<std::size_t>(property));
}

} // namespace xb::xenmgr
