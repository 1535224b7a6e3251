// SPDX-License-Identifier: Apache-2.0
// The few file operations that dbd needs, behind an interface, so that tests can put a full disk, a broken
// one or a kill between any two of them. Every failure is a std::error_code of errno; nothing is retried or
// swallowed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace xb::dbd {

struct FileStat {
    enum class Type : std::uint8_t {
        Regular, ///< also a symbolic link to one
        Directory,
        Other, ///< devices, fifos, sockets, links to directories or to nowhere
    };
    Type type = Type::Other;
    std::uint64_t size = 0;
    std::int64_t modifiedNs = 0;
    std::uint64_t inode = 0;
};

/// A file that is being written. The descriptor is closed with the object.
class OutputFile {
public:
    virtual ~OutputFile() = default;
    OutputFile() = default;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    /// Writes a part of `data`; `written` says how many bytes.
    virtual std::error_code write(std::string_view data, std::size_t& written) = 0;
    virtual std::error_code sync() = 0;
    virtual std::error_code stat(FileStat& out) = 0;
};

/// Writes all of `data`, however short single writes are.
std::error_code writeAll(OutputFile& file, std::string_view data);

class FileSystem {
public:
    virtual ~FileSystem() = default;
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;

    /// What is at `path`; nothing there is no error.
    virtual std::error_code stat(const std::string& path, std::optional<FileStat>& out) = 0;
    /// Names in a directory without "." and "..", sorted.
    virtual std::error_code list(const std::string& path, std::vector<std::string>& names) = 0;
    /// The whole of a regular file of at most `limit` bytes; a longer one is EFBIG, another kind EISDIR or
    /// EINVAL.
    virtual std::error_code read(const std::string& path, std::size_t limit, std::string& text,
                                 FileStat& stat) = 0;
    /// Creates a file that must not exist, mode 0644.
    virtual std::error_code create(const std::string& path, std::unique_ptr<OutputFile>& out) = 0;
    virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
    virtual std::error_code unlink(const std::string& path) = 0;
    /// Mode 0755.
    virtual std::error_code makeDirectory(const std::string& path) = 0;
    /// Makes the names in a directory durable, or the bytes of a file that another process wrote.
    virtual std::error_code syncDirectory(const std::string& path) = 0;
};

/// The real thing. Has no state and may be used from any thread.
class PosixFileSystem final : public FileSystem {
public:
    std::error_code stat(const std::string& path, std::optional<FileStat>& out) override;
    std::error_code list(const std::string& path, std::vector<std::string>& names) override;
    std::error_code read(const std::string& path, std::size_t limit, std::string& text,
                         FileStat& stat) override;
    std::error_code create(const std::string& path, std::unique_ptr<OutputFile>& out) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code unlink(const std::string& path) override;
    std::error_code makeDirectory(const std::string& path) override;
    std::error_code syncDirectory(const std::string& path) override;
};

} // namespace xb::dbd
