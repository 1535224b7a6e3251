// SPDX-License-Identifier: Apache-2.0
// What a guest asks of its disk, carried out on the medium. The guest is hostile: it reads and writes the
// sectors of its medium and nothing else.
#pragma once

#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/device_channel.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace xb::xen::emulated {

/// An open medium; without a file it has no sectors.
struct DiskMedium {
    UniqueFd file;
    std::uint64_t sectors = 0;
    bool writable = false;
};

/// The answer to one message of the guest (device_channel.hpp); empty when it is too short to be a request.
/// Blocks.
std::string answerRequest(const DiskMedium& medium, std::string_view message);

} // namespace xb::xen::emulated
