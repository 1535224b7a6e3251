// SPDX-License-Identifier: Apache-2.0
// A disk of the emulated guest: reads and writes sectors through its backend, one request at a time.
#pragma once

#include "xen/emulated/guest/frontend.hpp"

#include <optional>

namespace xb::xen::emulated {

class BlockFrontend final : public Frontend {
public:
    BlockFrontend(FrontendContext& context, std::string path);

    /// "xvda", from the device number.
    const std::string& name() const { return name_; }
    /// Says what the disk holds: size, mode and what its first sectors look like.
    void report() override;
    /// Writes text at a sector; the result is a line for the console.
    std::string writeText(std::uint64_t sector, const std::string& text);

protected:
    void describe(const std::string& ref) override;

private:
    std::string readSectors(std::uint64_t sector, std::uint32_t count);
    std::string request(BlockOperation operation, std::uint64_t sector, std::uint32_t count,
                        const std::string& data);

    std::string name_;
    std::uint64_t nextId_ = 1;
};

} // namespace xb::xen::emulated
