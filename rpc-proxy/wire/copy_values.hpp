// SPDX-License-Identifier: Apache-2.0
// Values from one body into another, which may have the other byte order.
#pragma once

#include "rpc-proxy/wire/body_reader.hpp"
#include "rpc-proxy/wire/body_writer.hpp"

namespace xb::proxy::wire {

/// Writes what is left of the body, or of the container that is open, in `from`. `to` expects the same types.
/// Throws what BodyWriter throws.
void copyValues(BodyReader& from, BodyWriter& to);

} // namespace xb::proxy::wire
