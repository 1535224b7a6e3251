// SPDX-License-Identifier: Apache-2.0
// Reading what the system tells about itself in small text files (/sys, /proc, /etc). All of it is foreign
// text: bounded in size, cleaned before it may travel on the bus, and "" where the machine does not say.
#pragma once

#include "toolstack/libs/message.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenmgr {

/// Largest file of facts that is read, in bytes.
inline constexpr std::size_t factFileLimit = 64 * 1024;
/// Most entries of a directory that are looked at.
inline constexpr std::size_t directoryLimit = 4096;

/// `raw` without blanks around it; control characters and what is not UTF-8 become '?'.
std::string busText(std::string_view raw);

/// The content of a file as busText; "" when it is absent or cannot be read (the reason is logged at debug
/// level).
std::string readFact(const std::filesystem::path& file, std::size_t limit = factFileLimit);
/// As readFact, but nothing cleaned and nothing cut: for files that are parsed further.
std::string readFactFile(const std::filesystem::path& file, std::size_t limit = factFileLimit);
/// The lines KEY=value of a file; quotes around values are taken off, lines with # are comments. Empty when
/// there is no such file.
StringMap readKeyValues(const std::filesystem::path& file);
/// The same from text.
StringMap parseKeyValues(std::string_view text);

/// A hexadecimal number, with 0x or without, of at most `largest`.
std::optional<std::uint32_t> parseHex(std::string_view text, std::uint32_t largest);
/// A decimal number without sign.
std::optional<std::uint32_t> parseDecimal(std::string_view text);

/// The names in a directory, sorted, at most `limit` of them; empty when there is none. Names that the bus
/// cannot carry are left out with a warning.
std::vector<std::string> directoryNames(const std::filesystem::path& directory,
                                        std::size_t limit = directoryLimit);
/// The last part of what a symbolic link points to; "" when there is none.
std::string linkTarget(const std::filesystem::path& link);

} // namespace xb::xenmgr
