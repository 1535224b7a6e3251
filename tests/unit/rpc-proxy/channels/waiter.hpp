// SPDX-License-Identifier: Apache-2.0
// A user of a stream that counts what it is told.
#pragma once

#include "rpc-proxy/channels/stream.hpp"

namespace xb::test {

class Waiter : public proxy::StreamUser {
public:
    void readable() override { ++reads; }
    void writable() override { ++writes; }
    int reads = 0;
    int writes = 0;
};

} // namespace xb::test
