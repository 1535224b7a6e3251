// SPDX-License-Identifier: Apache-2.0
// Rings of the emulated hypervisor: local stream sockets that xen-emulator brings together, and ends when the
// domain goes. Who opens a ring is known by the directory of the domain through which it does
// (emulator/vchan_hub.hpp); the control domain has a socket of its own.
//
//   <directory>/vchan               the control domain: "<domid> <path>\n" offers a ring. Answers: 'k' it is
//                                   on offer; 'o' with a descriptor: it is open, and this is it; 'e' and a
//                                   text: no. The ring lives as long as this connection.
//   <directory>/domains/<N>/vchan   domain N: "<path>\n" opens a ring. Answer: 'k', once there is one; from
//                                   there on this is the ring.
#pragma once

#include "xen/vchan/ring.hpp"

namespace xb::xen::vchan {

inline constexpr char ringOffered = 'k';
inline constexpr char ringOpened = 'o';
inline constexpr char ringRefused = 'e';
/// Longest line of both.
inline constexpr std::size_t maxHubLine = 64;

std::string hubPath(const std::string& directory);
std::string hubPath(const std::string& directory, DomId domid);

/// `directory`: the emulator's; `ownDomid`: who opens rings.
std::shared_ptr<Rings> makeEmulatedRings(const Executor& executor, const std::string& directory,
                                         DomId ownDomid);

} // namespace xb::xen::vchan
