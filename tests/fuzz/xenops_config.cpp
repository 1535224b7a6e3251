// SPDX-License-Identifier: Apache-2.0
// Hostile: a guest's configuration file. What is refused is refused with the file and line; what is accepted
// makes a domain within bounds, whose devices have all that they need.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/mac_address.hpp"
#include "toolstack/xenops/guest_config.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xenops;

void checkDomain(const GuestConfig& config) {
    const xen::DomainConfig& domain = config.domain;
    expect(domain.memoryKib > 0 && (domain.maxMemoryKib == 0 || domain.maxMemoryKib >= domain.memoryKib),
           "a domain has memory");
    expect(domain.vcpus > 0 && config.onlineVcpus <= domain.vcpus, "a domain has virtual CPUs");
    expect(!domain.name.empty() && domain.name.find('/') == std::string::npos, "a name is one path element");
    for (const xen::DiskConfig& disk : domain.disks) {
        expect(!disk.vdev.empty(), "a disk has a device");
        expect(disk.path.empty() ? disk.cdrom : disk.path.front() == '/', "a disk has an absolute path");
    }
    for (const xen::NicConfig& nic : domain.nics)
        expect(isMacAddress(nic.mac), "a card has an address");
    static_cast<void>(describe(config));
}

void run(std::string_view input) {
    try {
        const auto entries = parseConfigFile(input, "FILE");
        expect(entries.size() <= maxConfigEntries, "assignments within their limit");
        checkDomain(toGuestConfig(entries, "FILE", "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a", {{"driver", 5}}));
    } catch (const Error& e) {
        expect(std::string_view(e.what()).starts_with("FILE"), "an error says where");
    }
}

const Target target("xenops_config", run);

} // namespace

} // namespace xb::fuzz
