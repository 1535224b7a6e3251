// SPDX-License-Identifier: Apache-2.0
// The args of a message from a client as a D-Bus body.
#pragma once

#include "rpc-proxy/json/values.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <string>
#include <string_view>

namespace xb::proxy::json {

/// The elements of `args`, an array, as a body of `signature` in this machine's byte order. Every value must
/// fit its type exactly. Throws xb::Error: InvalidArgs that names the argument, LimitsExceeded.
///
/// Numbers of 64 bits may be decimal strings, and NaN, Infinity and -Infinity are; keys of dicts are the text
/// of their D-Bus values; descriptors cannot be sent.
std::string toBody(Value args, std::string_view signature, const wire::Limits& limits = {});

} // namespace xb::proxy::json
