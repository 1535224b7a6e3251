// SPDX-License-Identifier: Apache-2.0
// A limit on what a network card sends, as xl-network-configuration(5) has it: 10Mb/s, 250KB/s@20ms. Units of
// 1000; b are bits, B are bytes; what follows the @ is the interval that the limit is kept in (50 ms).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xb {

struct TransferRate {
    std::uint64_t bytes = 0;      ///< in each interval
    std::uint32_t intervalUs = 0; ///< microseconds
};

/// Answers an error text, empty when it is fine; `rate` is filled in only then.
std::string parseTransferRate(std::string_view text, TransferRate& rate);

} // namespace xb
