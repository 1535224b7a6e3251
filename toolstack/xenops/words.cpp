// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/words.hpp"

#include "toolstack/xenops/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace xb::xenops {

namespace {

constexpr std::string_view blanks = " \t\r\n";

bool parse(std::string_view text, int base, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

unsigned parseCpu(std::string_view text, std::string_view argument) {
    return static_cast<unsigned>(numberWithin(text, argument, 0, cpuLimit - 1));
}

unsigned hex(std::string_view text, std::string_view whole, std::string_view argument, unsigned most) {
    std::uint64_t value = 0;
    if (!parse(text, 16, value) || value > most)
        throw notValid(argument, fmt::format("\"{}\" is no PCI address, such as 0000:03:00.0", whole));
    return static_cast<unsigned>(value);
}

} // namespace

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> splitWords(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.emplace_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::uint64_t numberWithin(std::string_view text, std::string_view argument, std::uint64_t least,
                           std::uint64_t most) {
    std::uint64_t value = 0;
    const bool read = text.starts_with("0x") ? parse(text.substr(2), 16, value) : parse(text, 10, value);
    if (!read || value < least || value > most)
        throw notValid(argument, fmt::format("\"{}\" is no number from {} to {}", text, least, most));
    return value;
}

std::uint64_t parseMemory(std::string_view text, std::string_view argument, std::uint64_t unitKib) {
    static constexpr std::string_view letters = "kmgt";
    std::uint64_t unit = unitKib;
    std::string_view digits = text;
    if (!text.empty()) {
        const char last = static_cast<char>(text.back() | 0x20);
        const auto power = letters.find(last);
        if (power != std::string_view::npos) {
            unit = std::uint64_t{1} << (10 * power);
            digits.remove_suffix(1);
        }
    }
    return numberWithin(digits, argument, 1, memoryLimitKib / unit) * unit;
}

std::vector<unsigned> parseCpus(std::string_view text, std::string_view argument) {
    if (text == "all")
        return {};
    std::set<unsigned> cpus;
    for (const std::string& part : splitWords(text, ',')) {
        std::string_view range = part;
        const bool without = range.starts_with('^');
        if (without)
            range.remove_prefix(1);
        const auto dash = range.find('-');
        const unsigned first = parseCpu(range.substr(0, dash), argument);
        const unsigned last =
            dash == std::string_view::npos ? first : parseCpu(range.substr(dash + 1), argument);
        if (first > last)
            throw notValid(argument, fmt::format("the range {} ends before it begins", part));
        for (unsigned cpu = first; cpu <= last; ++cpu) {
            if (without)
                cpus.erase(cpu);
            else
                cpus.insert(cpu);
        }
    }
    if (cpus.empty())
        throw notValid(argument, fmt::format("\"{}\" leaves no CPU", text));
    return {cpus.begin(), cpus.end()};
}

std::string cpusText(const std::vector<unsigned>& cpus) {
    if (cpus.empty())
        return "all";
    std::string text;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1)
            ++last;
        text += text.empty() ? "" : ",";
        text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
        i = last + 1;
    }
    return text;
}

std::vector<unsigned> parseCpuBitmap(std::string_view text, std::string_view argument) {
    std::vector<unsigned> cpus;
    if (text.empty() || text.size() > cpuLimit || text.find_first_not_of("01") != std::string_view::npos)
        throw notValid(argument, fmt::format("\"{}\" is not made of 0 and 1, one for each CPU", text));
    for (unsigned cpu = 0; cpu < text.size(); ++cpu)
        if (text[cpu] == '1')
            cpus.push_back(cpu);
    if (cpus.empty())
        throw notValid(argument, fmt::format("\"{}\" leaves no CPU", text));
    return cpus;
}

std::string cpuBitmapText(const std::vector<unsigned>& set, unsigned cpus) {
    std::string text(cpus, set.empty() ? '1' : '0');
    for (const unsigned cpu : set)
        if (cpu < cpus)
            text[cpu] = '1';
    return text;
}

xen::PciAddress parsePciAddress(std::string_view text, std::string_view argument) {
    auto parts = splitWords(text, ':');
    if (parts.size() == 2)
        parts.insert(parts.begin(), "0000");
    const auto slot = parts.size() == 3 ? splitWords(parts[2], '.') : std::vector<std::string>();
    if (slot.size() != 2)
        throw notValid(argument, fmt::format("\"{}\" is no PCI address, such as 0000:03:00.0", text));
    xen::PciAddress address;
    address.domain = hex(parts[0], text, argument, 0xffff);
    address.bus = hex(parts[1], text, argument, 0xff);
    address.device = hex(slot[0], text, argument, 0x1f);
    address.function = hex(slot[1], text, argument, 7);
    return address;
}

std::string pciText(const xen::PciAddress& address) {
    return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.device,
                       address.function);
}

} // namespace xb::xenops
