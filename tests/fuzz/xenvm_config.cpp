// SPDX-License-Identifier: Apache-2.0
// Hostile: the configuration file of a VM, and single keys set over the bus. What could not be read is told
// with its line; what get says of a key, set takes and get says again; NICs get ids and addresses of their
// own; and the domain that is made of it is within what the hypervisor layer is told.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/mac_address.hpp"
#include "toolstack/xenvm/config_parser.hpp"
#include "toolstack/xenvm/domain_builder.hpp"
#include "toolstack/xenvm/nics.hpp"
#include "toolstack/xenvm/text.hpp"

#include <set>

namespace xb::fuzz {

namespace {

using namespace xb::xenvm;

const std::string uuid = "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a";

void checkKey(const Config& config, std::string_view key) {
    const auto value = getKey(config, key);
    if (!value || value->empty()) // of many scalars "not set", which cannot be said
        return;
    Config copy;
    const std::string error = replaceKey(copy, key, *value);
    expect(error.empty(), "set takes what get said of " + std::string(key) + ": " + error);
    expect(getKey(copy, key) == value, "get says what was set of " + std::string(key));
}

void checkNics(const Config& config) {
    std::set<int> ids;
    for (const NicEntry& nic : config.nics) {
        expect(nic.id >= 0 && nic.id < maxNics && ids.insert(nic.id).second, "a NIC has an id of its own");
        expect(isMacAddress(nic.mac), "a NIC has an address");
    }
}

void checkDomain(const Config& config) {
    try {
        const Translation translation = toDomainConfig(config, uuid, {"/root", {"xenbr0"}});
        const xen::DomainConfig& domain = translation.domain;
        expect(domain.memoryKib > 0 && domain.maxMemoryKib >= domain.memoryKib, "a domain has memory");
        expect(domain.vcpus > 0 && domain.disks.size() == config.disks.size(),
               "a domain has vCPUs and its disks");
        static_cast<void>(neededFiles(domain));
    } catch (const Error& e) {
        expect(*e.what() != 0, "an error says why");
    }
}

void checkErrors(const ParsedConfig& parsed) {
    expect(parsed.errors.size() <= maxConfigErrors, "errors within their limit");
    for (const ConfigError& error : parsed.errors)
        expect(error.line >= 0 && !error.text.empty(), "an error says where and what");
    static_cast<void>(describe(parsed.errors, "FILE"));
}

void run(std::string_view input) {
    ParsedConfig parsed = parseConfig(input);
    checkErrors(parsed);
    for (const std::string_view line : split(input, '\n'))
        checkKey(parsed.config, splitPair(line).first);
    if (!assignNics(parsed.config, uuid).empty())
        return;
    checkNics(parsed.config);
    checkDomain(parsed.config);
}

const Target target("xenvm_config", run);

} // namespace

} // namespace xb::fuzz
