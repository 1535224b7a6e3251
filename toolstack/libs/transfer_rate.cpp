// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/transfer_rate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace xb {

std::string parseTransferRate(std::string_view text, TransferRate& rate) {
    constexpr std::uint64_t defaultIntervalUs = 50000;
    constexpr std::uint64_t usPerSecond = 1000000;
    constexpr std::uint64_t most = 1000000000; // of the numbers before the units
    auto complaint = fmt::format("rate \"{}\" is not of the form 10Mb/s or 250KB/s@20ms", text);
    const auto takeNumber = [](std::string_view& from) -> std::optional<std::uint64_t> {
        const auto digits = std::min(from.find_first_not_of("0123456789"), from.size());
        std::uint64_t number = 0;
        const auto [end, problem] = std::from_chars(from.data(), from.data() + digits, number);
        const bool valid = problem == std::errc() && end == from.data() + digits;
        from.remove_prefix(digits);
        if (!valid || number == 0 || number > most)
            return std::nullopt;
        return number;
    };
    const auto at = std::min(text.find('@'), text.size());
    std::string_view speed = text.substr(0, at);
    const auto number = takeNumber(speed);
    if (!number)
        return complaint;
    std::uint64_t perSecond = *number;
    if (const auto unit = std::string_view("KMG").find(speed.empty() ? ' ' : speed.front());
        unit != std::string_view::npos) {
        for (std::size_t i = 0; i <= unit; ++i)
            perSecond *= 1000;
        speed.remove_prefix(1);
    }
    if (speed == "b/s")
        perSecond /= 8;
    else if (speed != "B/s")
        return complaint;
    std::uint64_t interval = defaultIntervalUs;
    if (at < text.size()) {
        std::string_view time = text.substr(at + 1);
        const auto count = takeNumber(time);
        const std::uint64_t unit = time == "us" ? 1 : time == "ms" ? 1000 : time == "s" ? usPerSecond : 0;
        if (!count || unit == 0 || *count * unit > std::numeric_limits<std::uint32_t>::max())
            return complaint;
        interval = *count * unit;
    }
    // Whole units first: the product of both may be too much for 64 bits where the result is not.
    const std::uint64_t whole = perSecond / usPerSecond;
    if (whole > std::numeric_limits<std::uint64_t>::max() / (2 * interval))
        return complaint;
    const std::uint64_t bytes = whole * interval + perSecond % usPerSecond * interval / usPerSecond;
    if (bytes == 0)
        return fmt::format("rate \"{}\" is less than a byte in each interval", text);
    rate = {bytes, static_cast<std::uint32_t>(interval)};
    return {};
}

} // namespace xb
