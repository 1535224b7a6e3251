// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/nics.hpp"

#include "toolstack/libs/mac_address.hpp"
#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>

#include <bitset>
#include <random>

namespace xb::xenvm {

std::string derivedMac(int id, const std::string& model, const std::string& uuid) {
    return deriveMacAddress(model.empty() ? fmt::format("{} {}", id, uuid)
                                          : fmt::format("{} {} {}", id, model, uuid));
}

std::string randomMac() {
    std::random_device random;
    const unsigned bits = random();
    return fmt::format("00:16:3e:{:02x}:{:02x}:{:02x}", (bits >> 16) & 0x7f, (bits >> 8) & 0xff, bits & 0xff);
}

std::string assignNics(Config& config, const std::string& uuid) {
    std::bitset<maxNics> used;
    for (const NicEntry& nic : config.nics) {
        if (nic.id < 0)
            continue;
        if (used.test(static_cast<std::size_t>(nic.id)))
            return fmt::format("two NICs have the id {}; give each its own", nic.id);
        used.set(static_cast<std::size_t>(nic.id));
    }
    if (config.nics.size() > maxNics)
        return fmt::format("{} NICs are configured; a VM has at most {}", config.nics.size(), maxNics);

    for (NicEntry& nic : config.nics) {
        if (nic.id < 0) {
            int free = 0;
            while (used.test(static_cast<std::size_t>(free)))
                ++free;
            nic.id = free;
            used.set(static_cast<std::size_t>(free));
        }
        if (nic.mac == "random")
            nic.mac = randomMac();
        else if (!isMacAddress(nic.mac))
            nic.mac = derivedMac(nic.id, nic.model, uuid);
        nic.mac = toLower(nic.mac);
    }
    return {};
}

} // namespace xb::xenvm
