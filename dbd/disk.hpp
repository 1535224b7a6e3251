// SPDX-License-Identifier: Apache-2.0
// The on-disk layout and what is done to it: DIR/db holds the tree without /vm and /dom-store,
// DIR/vms/<name>.db and DIR/dom-store/<name>.db one child of those each; other files there are binary nodes.
// Scanning finds files, writing replaces them one by one so that a crash at any point leaves the old or the
// new file. These functions own nothing, touch no tree and may block: they run on a worker thread. Failures
// are values with file and reason.
#pragma once

#include "dbd/file_system.hpp"
#include "dbd/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace xb::dbd {

/// Something about a file that a person should know.
struct Problem {
    std::string file;
    std::size_t line = 0; ///< from 1; 0: the file as a whole
    std::string text;
    /// "<file>:<line>: <text>"
    std::string message() const;
};

/// How a file looked when dbd last read or wrote it.
struct Fingerprint {
    bool exists = false;
    std::uint64_t size = 0;
    std::int64_t modifiedNs = 0;
    std::uint64_t inode = 0;
    std::uint64_t hash = 0; ///< of the content

    Fingerprint() = default;
    Fingerprint(const FileStat& stat, std::string_view content);
    /// Whether a file that looks like `stat` is surely the same without reading it.
    bool looksLike(const FileStat& stat) const;
};

/// Names of the two parts of the tree that have a file per child, and of their directories.
struct Area {
    std::string_view node;
    std::string_view directory;
};
inline constexpr Area areas[] = {{"vm", "vms"}, {"dom-store", "dom-store"}};
const Area* areaOf(std::string_view firstName);

/// The longest name of a child of /vm or /dom-store: its file and that one's temporary need a name as well.
inline constexpr std::size_t maxFileChildName = 255 - std::string_view(".db.tmp").size();

/// The file of a record. Records are named by tree path without the leading slash: "" (db), "vm/x",
/// "dom-store/y".
std::string recordPath(const std::string& directory, std::string_view record);

struct DiskFile {
    std::string node; ///< tree path without the leading slash
    std::string path;
    FileStat stat;
};

/// What lies in the directory, in the order of names. Nothing is read or changed.
struct DiskScan {
    std::vector<DiskFile> records; ///< regular *.db files of the two directories, and db
    std::vector<DiskFile> nested;  ///< *.db files in sub-directories
    std::vector<DiskFile> binaries;
    std::vector<DiskFile> unusable;       ///< db or *.db that are directories, devices and the like
    std::vector<DiskFile> temporaries;    ///< <f>.tmp; node is f's
    std::vector<std::string> directories; ///< nodes of sub-directories
    std::vector<std::string> ignored;     ///< paths of what has no place in the tree
    std::vector<std::string> unreadable;  ///< nodes of directories that could not be listed; "" = DIR
    std::vector<Problem> problems;
};
DiskScan scanDirectory(FileSystem& fs, const std::string& directory, const Limits& limits);

/// A change of one file, complete in itself: serialised on the loop, carried out elsewhere.
struct FileImage {
    enum class Action : std::uint8_t { Write, Remove };
    std::string record;
    std::string path;
    Action action = Action::Write;
    bool onlyAfterOthers = false; ///< not if a Write before it failed
    std::string text;
    Fingerprint expected;                ///< anything else on disk was made by somebody else and is set aside
    std::vector<std::string> superseded; ///< files whose content is in this record now; set aside
    std::uint64_t sequence = 0;          ///< the last change that the text contains
};

struct WriteResult {
    std::string record;
    std::uint64_t sequence = 0;
    bool durable = false;
    Fingerprint now;               ///< what is on disk now, also after a failure
    std::vector<Problem> problems; ///< the failure, and what was set aside
};

/// Carries out the images in their order. Each Write: temporary, fsync, rename; each Remove: unlink; then the
/// directories are synced. A failure leaves the old file, is in the result, and does not stop the others.
std::vector<WriteResult> writeImages(FileSystem& fs, const std::string& directory,
                                     std::vector<FileImage> images);

/// mkdir -p, with every new directory's name made durable.
std::error_code makeDirectories(FileSystem& fs, const std::string& path);

/// DIR/set-aside.
std::string asideDirectory(const std::string& directory);

/// Moves a file to DIR/set-aside, where a person finds it. `newPath` says where to.
std::error_code setAside(FileSystem& fs, const std::string& directory, const std::string& path,
                         std::string& newPath);

/// Writes a text to DIR/set-aside under a name made of `path`, synced. `newPath` says where.
std::error_code keepAside(FileSystem& fs, const std::string& directory, const std::string& path,
                          std::string_view text, std::string& newPath);

/// What reloading found: the scan, and the content of the records that differ from the known fingerprints.
struct DiskChanges {
    struct Changed {
        std::string text;
        Fingerprint now;
        std::error_code error; ///< it could not be read
    };
    DiskScan scan;
    std::unordered_map<std::string, Changed> changed;
    std::unordered_map<std::string, Fingerprint> same; ///< with a new date, perhaps
};
using KnownFiles = std::unordered_map<std::string, Fingerprint>;
DiskChanges findChanges(FileSystem& fs, const std::string& directory, const Limits& limits,
                        const KnownFiles& known);

} // namespace xb::dbd
