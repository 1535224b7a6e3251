// SPDX-License-Identifier: Apache-2.0
// How an emulated domain lies in a file or passes through a pipe: a header with length and checksum, and the
// guest's state. Reading and writing wait for the other side, so they belong on a thread; an Interrupt ends
// them. What is read is hostile. All throw xb::Error.
//
//   8 bytes  "XBEMUDOM"        4 bytes  version      4 bytes  length of the state
//   4 bytes  CRC-32 of it      the state (guest_state.hpp); numbers are little-endian
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <string>

namespace xb::xen::emulated {

/// Ends a transfer that waits.
class Interrupt {
public:
    Interrupt();
    void raise();
    int descriptor() const { return event_.get(); }

private:
    UniqueFd event_;
};

void writeSavedStream(int stream, const std::string& state, const Interrupt& interrupt);
/// The state, checked to be one.
std::string readSavedStream(int stream, const Interrupt& interrupt);

} // namespace xb::xen::emulated
