// SPDX-License-Identifier: Apache-2.0
// The file of a saved domain, in the form that xl writes and reads, so that `xl restore` takes ours and we
// take xl's (struct save_file_header of tools/xl/xl.h in Xen):
//
//   32 bytes  magic            4 bytes  byte order       4 bytes  mandatory flags
//    4 bytes  optional flags   4 bytes  length L of the optional data
//    L bytes  optional data: 4 bytes length of the domain's configuration, the configuration, unknown rest
//   the stream of Hypervisor::save()
//
// xl's JSON ends with a NUL byte, which counts, and which xl needs.
// Numbers are in the byte order of the machine that wrote them; those of another are refused. The header is
// hostile. Everything throws xb::Error naming the file. Files are read and written on the calling thread.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace xb::xen {

/// Longest configuration that is read, in bytes.
inline constexpr std::size_t maxSavedConfiguration = 1024 * 1024;
/// Most optional data that is skipped.
inline constexpr std::size_t maxSavedOptionalData = 4 * 1024 * 1024;
/// Bytes in front of the optional data.
inline constexpr std::size_t savedHeaderSize = 48;

struct SavedHeader {
    std::string configuration; ///< of the domain; empty: none was written
    bool json = true;          ///< libxl's JSON; otherwise xl's configuration language
};

/// The header for a domain with this configuration (Hypervisor::configurationJson()).
std::string savedHeader(std::string_view configuration);
/// Length of the optional data that follow these savedHeaderSize bytes.
std::size_t optionalDataSize(std::string_view header, const std::string& file);
/// What header and optional data say.
SavedHeader parseSavedHeader(std::string_view header, std::string_view optionalData, const std::string& file);

/// Opened for restore(): past the header.
struct OpenedSavedFile {
    SavedHeader header;
    UniqueFd stream;
};
OpenedSavedFile openSavedFile(const std::filesystem::path& file);
/// The same of a stream that is open, such as a pipe; `name` is for errors. Waits for it.
OpenedSavedFile openSavedStream(UniqueFd stream, const std::string& name);

/// Removes what somebody who was killed may have left beside `file` when he saved to it.
void removeUnfinished(const std::filesystem::path& file);

/// A file that is being saved to. It has its name only once it is complete and on the disk; what is not
/// finished vanishes, also when the program is killed.
class SavedFile {
public:
    /// `configuration`: see savedHeader(). Only its owner may read the file: it holds the guest's memory.
    SavedFile(std::filesystem::path file, std::string_view configuration);
    SavedFile(const SavedFile&) = delete;
    SavedFile& operator=(const SavedFile&) = delete;
    ~SavedFile();

    /// Of its own, for Hypervisor::save().
    UniqueFd stream() const;
    /// Waits for the disk and gives the file its name, in place of another that may have it.
    void finish();

private:
    std::filesystem::path file_;
    std::filesystem::path partial_;
    UniqueFd descriptor_;
    bool named_ = false; ///< partial_ exists
};

} // namespace xb::xen
