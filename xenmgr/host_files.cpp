// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_files.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace xb::xenmgr {

namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::optional<std::uint32_t> parseNumber(std::string_view text, int base) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, base);
    if (text.empty() || error != std::errc() || rest != end)
        return std::nullopt;
    return value;
}

} // namespace

std::string busText(std::string_view raw) {
    return printable(trimmed(raw));
}

std::string readFactFile(const std::filesystem::path& file, std::size_t limit) {
    try {
        return readFileIfThere(file, limit).value_or("");
    } catch (const Error& e) {
        // Some facts are for root only, some files of /sys fail while a device goes: the fact is not known
        // then.
        log::debug("a fact about the host is not known: {}", e.what());
        return "";
    }
}

std::string readFact(const std::filesystem::path& file, std::size_t limit) {
    return busText(readFactFile(file, limit));
}

StringMap parseKeyValues(std::string_view text) {
    StringMap values;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t equals = line.find('=');
        if (line.starts_with('#') || equals == std::string_view::npos)
            continue;
        const std::string_view key = trimmed(line.substr(0, equals));
        std::string_view value = trimmed(line.substr(equals + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
            value.back() == value.front())
            value = value.substr(1, value.size() - 2);
        if (!key.empty())
            values[busText(key)] = busText(value);
    }
    return values;
}

StringMap readKeyValues(const std::filesystem::path& file) {
    return parseKeyValues(readFactFile(file));
}

std::optional<std::uint32_t> parseHex(std::string_view text, std::uint32_t largest) {
    text = trimmed(text);
    if (text.starts_with("0x") || text.starts_with("0X"))
        text.remove_prefix(2);
    const auto value = parseNumber(text, 16);
    return value && *value <= largest ? value : std::nullopt;
}

std::optional<std::uint32_t> parseDecimal(std::string_view text) {
    return parseNumber(trimmed(text), 10);
}

std::vector<std::string> directoryNames(const std::filesystem::path& directory, std::size_t limit) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
        const std::string name = it->path().filename();
        if (!isBusText(name)) {
            log::warn("left out an entry of {} whose name is not UTF-8", directory.string());
            continue;
        }
        if (names.size() == limit) {
            log::warn("{} has more than {} entries; the others are left out", directory.string(), limit);
            break;
        }
        names.push_back(name);
    }
    if (error && error != std::errc::no_such_file_or_directory)
        log::warn("cannot list {}: {}", directory.string(), error.message());
    std::ranges::sort(names);
    return names;
}

std::string linkTarget(const std::filesystem::path& link) {
    std::error_code error;
    return std::filesystem::read_symlink(link, error).filename();
}

} // namespace xb::xenmgr
