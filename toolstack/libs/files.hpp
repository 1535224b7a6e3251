// SPDX-License-Identifier: Apache-2.0
// Whole small files: read with a size limit, written so that a reader sees either the old or the new text.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace xb {

/// Largest file that readFile takes unless told otherwise.
inline constexpr std::size_t defaultFileLimit = 64 * 1024 * 1024;

/// The file's content; throws xb::Error naming the file and the reason (also when it is larger than `limit`
/// bytes).
std::string readFile(const std::filesystem::path& file, std::size_t limit = defaultFileLimit);
/// As readFile, but nothing when there is no such file.
std::optional<std::string> readFileIfThere(const std::filesystem::path& file,
                                           std::size_t limit = defaultFileLimit);
/// Writes `text` to a temporary file beside `file` and renames it over; synced to disk when `sync`. Throws
/// xb::Error.
void writeFileAtomically(const std::filesystem::path& file, std::string_view text, mode_t mode = 0644,
                         bool sync = false);
/// Creates `directory` and its parents; those made get `mode`.
void makeDirectories(const std::filesystem::path& directory, mode_t mode = 0755);
/// Writes everything to a descriptor, over short writes and EINTR. Throws xb::Error naming `what`.
void writeAll(int fd, std::string_view data, std::string_view what);

/// `path` below `root`: absolute paths are moved below it, so that "/config" becomes "<root>/config".
std::filesystem::path below(const std::filesystem::path& root, const std::filesystem::path& path);

} // namespace xb
