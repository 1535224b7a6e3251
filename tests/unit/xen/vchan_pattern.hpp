// SPDX-License-Identifier: Apache-2.0
// What both ends of a vchan test send each other: bytes in which a loss, a repetition or an exchange shows.
#pragma once

#include "xen/vchan.hpp"

namespace xb::xen::test {

/// Byte number `index` of the pattern; its period is a prime.
char patternByte(std::size_t index);
Task<> sendPattern(VchanStream& stream, std::size_t size);
/// Throws xb::Error when another byte or the end comes.
Task<> receivePattern(VchanStream& stream, std::size_t size);
/// Bytes that came.
Task<std::size_t> readToEnd(VchanStream& stream);

} // namespace xb::xen::test
