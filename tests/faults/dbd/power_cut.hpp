// SPDX-License-Identifier: Apache-2.0
// What a disk holds after a power cut: made from the log that disk_log.c kept of a program's work on a
// directory. For certain there is what was synced: a file's bytes that were there when a sync of the file
// began, a directory's names that were there when a sync of the directory began. Of the rest, any part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xb::test {

struct DiskRecord {
    std::uint32_t kind = 0; ///< xb_disk_kind
    std::uint64_t file = 0;
    std::uint64_t sync = 0;
    std::uint64_t time = 0; ///< nanoseconds
    std::string path;
    std::string second;
    std::string data;
    std::size_t end = 0; ///< where it ends in the log, in bytes
};
/// The words in front of a program that let it work on a disk which keeps a log of what is done to
/// `directory`. `harm`: of XB_DISK_HARM, or empty.
std::vector<std::string> onLoggedDisk(const std::filesystem::path& log,
                                      const std::filesystem::path& directory, const std::string& harm = "",
                                      bool ignoresSync = false);
/// What is at the end and not whole is left out.
std::vector<DiskRecord> readDiskLog(const std::filesystem::path& log);

/// What becomes of that which was not synced.
enum class Unsynced {
    lost,
    namesStay, ///< and new bytes are lost
    bytesStay, ///< and new names are lost
    halfStays, ///< names do, and the first half of new bytes
    zeros,     ///< names stay, and new bytes are zeros
    random,    ///< each name by itself, and some of the new bytes
};
inline constexpr Unsynced everyFate[] = {Unsynced::lost,      Unsynced::namesStay, Unsynced::bytesStay,
                                         Unsynced::halfStays, Unsynced::zeros,     Unsynced::random};
const char* nameOf(Unsynced fate);

class Disk {
public:
    /// All that is in `directory` now is on the disk for certain.
    explicit Disk(const std::filesystem::path& directory);

    /// Throws for what the log could not express.
    void apply(const DiskRecord& record);
    /// Makes `directory`, which must not exist, what the disk would hold.
    void writeAfterCut(const std::filesystem::path& directory, Unsynced fate, unsigned seed) const;

private:
    struct Node;
    using Names = std::map<std::string, std::shared_ptr<Node>>;
    struct Node {
        bool isDirectory = false;
        std::string bytes; ///< of a file
        std::string syncedBytes;
        Names names; ///< in a directory
        Names syncedNames;
    };
    struct Sync {
        std::shared_ptr<Node> node;
        std::string bytes;
        Names names;
    };

    static std::shared_ptr<Node> load(const std::filesystem::path& directory);
    std::shared_ptr<Node> find(const std::filesystem::path& path) const;
    Names& parentOf(const std::filesystem::path& path) const;
    static std::shared_ptr<Node> take(Names& names, const std::filesystem::path& path);

    std::filesystem::path top_;
    std::shared_ptr<Node> root_;
    std::map<std::uint64_t, std::shared_ptr<Node>> files_;
    std::map<std::uint64_t, Sync> syncs_; ///< that go on
};

} // namespace xb::test
