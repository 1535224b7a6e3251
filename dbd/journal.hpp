// SPDX-License-Identifier: Apache-2.0
// The journal: every change is written to it before the tree takes it, so that a process that dies loses
// nothing, and it is synced so that a power cut loses little or nothing. It is a directory of segments,
// DIR/journal/NNNNNNNN.log; a flush begins a new segment, and segments whose changes are all in their files
// are removed. It is empty while all files are up to date. Belongs to the loop; only what a SyncJob holds is
// used by a worker.
#pragma once

#include "dbd/disk.hpp"
#include "dbd/journal_format.hpp"

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace xb::dbd {

/// A segment on disk.
struct SegmentFile {
    std::uint64_t number = 0;
    std::string path;
};

/// What a start finds. Nothing is changed.
struct JournalContent {
    std::vector<JournalEntry> entries; ///< of all segments, in order
    std::vector<SegmentFile> segments; ///< in order
    std::uint64_t lastSequence = 0;
    std::vector<Problem> problems;    ///< what could not be read
    std::vector<std::string> damaged; ///< segments with bytes that nobody understands, beyond a torn end
    std::vector<std::string> foreign; ///< what lies between the segments and is none
};
/// DIR/journal.
std::string journalDirectory(const std::string& directory);
JournalContent readJournal(FileSystem& fs, const std::string& directory, std::size_t maxBytes);

/// A segment whose changes are all in the files. A damaged one is kept: what nobody could read may matter to
/// a person.
struct SpentSegment {
    std::string path;
    std::string keptBelow; ///< DIR, in whose set-aside it ends; empty: it is removed
};

/// How many damaged segments are kept in DIR/set-aside; another one takes the place of the oldest.
inline constexpr std::size_t maxDamagedKept = 8;

class Journal {
public:
    /// `directory` is DIR. `maxBytes`: of all segments together.
    Journal(FileSystem& fs, const std::string& directory, std::size_t maxBytes);

    /// Takes over the segments that a start found: they stay until their changes are in the files.
    void adopt(const JournalContent& content);

    /// Whether the segment in use knows yet what a record's file held before its changes.
    bool knows(std::string_view record) const { return known_.contains(record); }
    /// Writes a change, behind the marks that it needs. Throws xb::Error if it cannot: then nothing happened.
    void append(std::uint64_t sequence, std::span<const StepView> steps, std::span<const FileMark> found);
    /// Writes marks. Throws as append.
    void append(std::span<const FileMark> marks);

    /// The next entry goes into a new segment.
    void rotate();
    /// Segments that are not needed once all changes before `sequence` are in the files, oldest first: to be
    /// removed with removeSegments(), again and again until removed() is told.
    const std::vector<SpentSegment>& dismissCovered(std::uint64_t sequence);
    void removed(std::size_t count);
    /// Whether there is anything on disk.
    bool empty() const { return segments_.empty() && dismissed_.empty(); }
    std::size_t bytes() const { return bytes_; }

    /// What to sync so that everything up to `upTo` survives a power cut. Runs on a worker.
    struct SyncJob {
        std::string place; ///< of the journal
        std::vector<std::shared_ptr<OutputFile>> files;
        std::string newNamesIn;            ///< a directory that got names, or empty
        std::uint64_t upTo = 0;            ///< entries, counted since the start
        Problem run(FileSystem& fs) const; ///< an empty text: done
    };
    /// Entries written, and how many of them are on the disk.
    std::uint64_t written() const { return written_; }
    std::uint64_t synced() const { return synced_; }
    bool isSynced() const { return synced_ == written_; }
    SyncJob takeSync();
    void synced(const SyncJob& job, bool done);

private:
    struct Segment {
        SegmentFile file;
        std::uint64_t lastSequence = 0;
        std::size_t bytes = 0;
        std::shared_ptr<OutputFile> output; ///< nullptr: from before this start, or done with
        bool damaged = false;
        bool synced = true;
    };
    void write(std::uint64_t sequence, std::string_view bytes, std::size_t entries);
    void begin();

    FileSystem& fs_;
    std::string parent_;    ///< DIR
    std::string directory_; ///< DIR/journal
    std::size_t maxBytes_;
    std::vector<Segment> segments_;
    std::vector<SpentSegment> dismissed_; ///< older than those
    std::uint64_t nextNumber_ = 1;
    bool open_ = false; ///< the last segment takes entries
    bool newNames_ = false;
    std::size_t bytes_ = 0;
    std::set<std::string, std::less<>> known_;
    std::uint64_t written_ = 0;
    std::uint64_t synced_ = 0;
    std::string buffer_;
};

/// Removes segments, oldest first, or sets them aside, until one cannot be.
struct Removal {
    std::size_t removed = 0;
    std::vector<Problem> problems;
};
Removal removeSegments(FileSystem& fs, const std::vector<SpentSegment>& segments);

} // namespace xb::dbd
