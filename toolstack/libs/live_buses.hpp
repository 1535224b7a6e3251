// SPDX-License-Identifier: Apache-2.0
// Which connections exist. A call under way may outlive its connection (a daemon that stops, a test): before
// it answers it asks here. Inside of toolstack/libs only.
#pragma once

namespace xb {

class Bus;

/// Kept by Bus itself.
void addLiveBus(const Bus* bus);
void removeLiveBus(const Bus* bus);
bool isLiveBus(const Bus* bus);

} // namespace xb
