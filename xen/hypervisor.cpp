// SPDX-License-Identifier: Apache-2.0
// What both implementations of the hypervisor layer share: the words for shutdown reasons, and the answer of
// operations that one of them does not have.
#include "xen/hypervisor.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::xen {

namespace {

[[noreturn]] void notOffered(const std::string& operation) {
    throw Error(errors::notSupported, "this hypervisor does not offer " + operation);
}

} // namespace

const char* toString(ShutdownReason reason) {
    switch (reason) {
    case ShutdownReason::poweroff:
        return "poweroff";
    case ShutdownReason::reboot:
        return "reboot";
    case ShutdownReason::suspend:
        return "suspend";
    case ShutdownReason::crash:
        return "crash";
    case ShutdownReason::watchdog:
        return "watchdog";
    case ShutdownReason::softReset:
        return "soft-reset";
    }
    return "unknown";
}

Task<> Hypervisor::save(DomId, UniqueFd, SaveMode) {
    notOffered("save");
}
Task<> Hypervisor::resume(DomId) {
    notOffered("resume");
}
Task<DomId> Hypervisor::restore(DomainConfig, UniqueFd, ProgressHandler) {
    notOffered("restore");
}
Task<std::string> Hypervisor::configurationJson(DomId) {
    notOffered("configurationJson");
}
Task<DomainConfig> Hypervisor::parseConfiguration(std::string) {
    notOffered("parseConfiguration");
}
Task<> Hypervisor::dumpCore(DomId, std::string) {
    notOffered("dumpCore");
}
Task<bool> Hypervisor::requestSleep(DomId, SleepState, std::chrono::seconds) {
    notOffered("requestSleep");
}
Task<> Hypervisor::wake(DomId) {
    notOffered("wake");
}
Task<bool> Hypervisor::hasPvDriver(DomId) {
    notOffered("hasPvDriver");
}
Task<MemoryTarget> Hypervisor::memoryTarget(DomId) {
    notOffered("memoryTarget");
}
Task<> Hypervisor::setMemoryTarget(DomId, std::uint64_t) {
    notOffered("setMemoryTarget");
}
Task<> Hypervisor::setMaxMemory(DomId, std::uint64_t) {
    notOffered("setMaxMemory");
}
Task<std::vector<VcpuInfo>> Hypervisor::vcpus(DomId) {
    notOffered("vcpus");
}
Task<> Hypervisor::setOnlineVcpus(DomId, unsigned) {
    notOffered("setOnlineVcpus");
}
Task<> Hypervisor::setAffinity(DomId, unsigned, std::optional<std::vector<unsigned>>,
                               std::optional<std::vector<unsigned>>) {
    notOffered("setAffinity");
}
Task<SchedulerParameters> Hypervisor::schedulerParameters(DomId) {
    notOffered("schedulerParameters");
}
Task<> Hypervisor::setSchedulerParameters(DomId, SchedulerParameters) {
    notOffered("setSchedulerParameters");
}
Task<std::vector<DeviceInfo<DiskConfig>>> Hypervisor::disks(DomId) {
    notOffered("disks");
}
Task<> Hypervisor::addDisk(DomId, DiskConfig) {
    notOffered("addDisk");
}
Task<> Hypervisor::removeDisk(DomId, std::string, bool) {
    notOffered("removeDisk");
}
Task<> Hypervisor::changeMedium(DomId, std::string, std::string) {
    notOffered("changeMedium");
}
Task<std::vector<DeviceInfo<NicConfig>>> Hypervisor::nics(DomId) {
    notOffered("nics");
}
Task<> Hypervisor::addNic(DomId, NicConfig) {
    notOffered("addNic");
}
Task<> Hypervisor::removeNic(DomId, int, bool) {
    notOffered("removeNic");
}
Task<std::vector<PciConfig>> Hypervisor::pciDevices(DomId) {
    notOffered("pciDevices");
}
Task<> Hypervisor::addPci(DomId, PciConfig) {
    notOffered("addPci");
}
Task<> Hypervisor::removePci(DomId, PciAddress, bool) {
    notOffered("removePci");
}
Task<std::vector<PciAddress>> Hypervisor::assignableDevices() {
    notOffered("assignableDevices");
}
Task<> Hypervisor::makeAssignable(PciAddress) {
    notOffered("makeAssignable");
}
Task<> Hypervisor::makeUnassignable(PciAddress, bool) {
    notOffered("makeUnassignable");
}
Task<std::string> Hypervisor::consoleRing() {
    notOffered("consoleRing");
}
Task<> Hypervisor::sendDebugKeys(std::string) {
    notOffered("sendDebugKeys");
}
Task<> Hypervisor::sendSysrq(DomId, char) {
    notOffered("sendSysrq");
}
Task<DomainDetails> Hypervisor::domainDetails(DomId) {
    notOffered("domainDetails");
}
Task<HostDetails> Hypervisor::hostDetails() {
    notOffered("hostDetails");
}
Task<> Hypervisor::permit(DomId, HostResource, bool) {
    notOffered("permit");
}
Task<> Hypervisor::setTarget(DomId, DomId) {
    notOffered("setTarget");
}
Task<unsigned> Hypervisor::setWatchdog(unsigned, unsigned) {
    notOffered("setWatchdog");
}
Task<bool> Hypervisor::flaskEnforces() {
    notOffered("flaskEnforces");
}
Task<> Hypervisor::setFlaskEnforces(bool) {
    notOffered("setFlaskEnforces");
}

} // namespace xb::xen
