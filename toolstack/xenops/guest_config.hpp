// SPDX-License-Identifier: Apache-2.0
// What the keys of a guest's configuration file mean: the description of a domain, and what is done to it
// before it runs. Pure. What a file asks for and xenops cannot do is refused by name; what is not known is
// warned of.
#pragma once

#include "toolstack/xenops/config_file.hpp"
#include "toolstack/xenops/device_words.hpp"
#include "xen/facts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace xb::xenops {

struct GuestConfig {
    xen::DomainConfig domain;
    std::vector<unsigned> cpus;     ///< that its virtual CPUs may run on; empty: all
    std::vector<unsigned> softCpus; ///< that they should run on; empty: all
    unsigned onlineVcpus = 0;       ///< at the start; 0: all
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> cap;
    Warnings warnings;
};

/// `freshUuid` is for a file that names none. Throws xb::Error, "FILE:LINE: reason".
GuestConfig toGuestConfig(const std::vector<ConfigEntry>& entries, const std::string& file,
                          const std::string& freshUuid, const DomainNames& names);

/// For people and tests: a line for each thing that is not as it is by default.
std::string describe(const GuestConfig& config);

/// Keys by what becomes of them, for the documentation and its test.
const std::vector<std::string_view>& keysWithoutEffect();
const std::vector<std::string_view>& refusedKeys();

} // namespace xb::xenops
