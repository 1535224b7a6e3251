// SPDX-License-Identifier: Apache-2.0
// What passes between an emulated guest's frontend and the emulator's backend once xenbus has connected them:
// messages on a SOCK_SEQPACKET socket that the guest listens on at domains/<domid>/grants/<ring-ref>. It
// stands for the shared rings of blkif and netif. Both sides treat what they receive as hostile.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xb::xen::emulated {

inline constexpr std::size_t sectorSize = 512;
/// Most sectors of one block request.
inline constexpr std::uint32_t maxRequestSectors = 64;
/// Longest Ethernet frame (1500 bytes of payload and a VLAN tag).
inline constexpr std::size_t maxFrame = 1518;

enum class BlockOperation : std::uint32_t { read = 0, write = 1, flush = 3 }; // as BLKIF_OP_* of io/blkif.h

/// A request; a write is followed by its data.
struct BlockRequest {
    std::uint64_t id;
    std::uint64_t sector;
    std::uint32_t operation;
    std::uint32_t sectors;
};

/// The answer; that to a read is followed by the data.
struct BlockResponse {
    std::uint64_t id;
    std::int32_t status; ///< 0, or -errno
    std::uint32_t reserved;
};

inline constexpr std::size_t maxBlockMessage = sizeof(BlockRequest) + maxRequestSectors * sectorSize;

/// States of a xenbus device (XenbusState* of io/xenbus.h).
enum class XenbusState {
    unknown = 0,
    initialising = 1,
    initWait = 2,
    initialised = 3,
    connected = 4,
    closing = 5,
    closed = 6
};

} // namespace xb::xen::emulated
