// SPDX-License-Identifier: Apache-2.0
#include "dbd/journal.hpp"

#include "dbd/lock.hpp"
#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace xb::dbd {

namespace {

constexpr std::string_view suffix = ".log";

bool isErrno(const std::error_code& error, int value) {
    return error.category() == std::generic_category() && error.value() == value;
}

/// Names beyond are nobody's: counting on from there must be possible.
constexpr std::uint64_t maxSegmentNumber = 1'000'000'000'000;

/// The number in a segment's name; 0: it is none.
std::uint64_t segmentNumber(std::string_view name) {
    if (!name.ends_with(suffix))
        return 0;
    name.remove_suffix(suffix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    return whole && number <= maxSegmentNumber ? number : 0;
}

/// Sets a damaged segment aside, in the place of the oldest if there are many.
std::error_code keepDamaged(FileSystem& fs, const SpentSegment& segment) {
    const std::string aside = asideDirectory(segment.keptBelow);
    std::vector<std::string> names;
    static_cast<void>(fs.list(aside, names)); // not there yet: nothing to make room for
    std::erase_if(names, [](const std::string& name) { return !name.starts_with("journal_"); });
    std::vector<std::pair<std::int64_t, std::string>> kept; // by age
    for (const std::string& name : names) {
        std::optional<FileStat> stat;
        if (!fs.stat(aside + "/" + name, stat) && stat)
            kept.emplace_back(stat->modifiedNs, aside + "/" + name);
    }
    std::ranges::sort(kept);
    for (std::size_t i = 0; i + maxDamagedKept <= kept.size(); ++i) {
        if (const std::error_code error = fs.unlink(kept[i].second))
            return error;
    }
    std::string newPath;
    return setAside(fs, segment.keptBelow, segment.path, newPath);
}

} // namespace

std::string journalDirectory(const std::string& directory) {
    return directory + "/journal";
}

// ---- Reading ----

JournalContent readJournal(FileSystem& fs, const std::string& directory, std::size_t maxBytes) {
    JournalContent content;
    const std::string place = journalDirectory(directory);
    std::vector<std::string> names;
    if (const std::error_code error = fs.list(place, names)) {
        if (!isErrno(error, ENOENT))
            content.problems.push_back({place, 0, "the journal cannot be listed: " + error.message()});
        return content;
    }
    for (const std::string& name : names) {
        if (const std::uint64_t number = segmentNumber(name))
            content.segments.push_back({number, place + "/" + name});
        else if (name != lockName)
            content.foreign.push_back(place + "/" + name);
    }
    for (const std::string& path : content.foreign)
        content.problems.push_back({forMessage(path), 0, "is ignored: it is no segment of the journal"});
    std::ranges::sort(content.segments, {}, &SegmentFile::number);
    for (const SegmentFile& segment : content.segments) {
        std::string bytes;
        FileStat stat;
        if (const std::error_code error = fs.read(segment.path, maxBytes, bytes, stat)) {
            content.problems.push_back(
                {segment.path, 0,
                 "cannot be read, its changes are missing, the next save sets it aside: " + error.message()});
            content.damaged.push_back(segment.path);
            continue;
        }
        JournalSegment parsed = parseSegment(bytes);
        if (!parsed.trouble.empty() && !parsed.torn) {
            content.problems.push_back({segment.path, 0,
                                        fmt::format("{} from byte {} on; the changes there are missing, "
                                                    "the next save sets the segment aside",

                                                    parsed.trouble, parsed.goodBytes)});
            content.damaged.push_back(segment.path);
        }
        for (JournalEntry& entry : parsed.entries) {
            if (const auto* change = std::get_if<Change>(&entry))
                content.lastSequence = std::max(content.lastSequence, change->sequence);
            else
                content.lastSequence = std::max(content.lastSequence, std::get<FileMark>(entry).position);
            content.entries.push_back(std::move(entry));
        }
    }
    return content;
}

Removal removeSegments(FileSystem& fs, const std::vector<SpentSegment>& segments) {
    Removal removal;
    for (const SpentSegment& segment : segments) {
        // A later segment must not go before an earlier one, in a power cut either: the files are at
        // positions that it tells of.
        const bool kept = !segment.keptBelow.empty();
        std::error_code error;
        if (removal.removed > 0)
            error = fs.syncDirectory(segment.path.substr(0, segment.path.rfind('/')));
        if (!error)
            error = kept ? keepDamaged(fs, segment) : fs.unlink(segment.path);
        if (error && !isErrno(error, ENOENT)) {
            removal.problems.push_back({segment.path, 0,
                                        fmt::format("is not needed any more but cannot be {}: {}",
                                                    kept ? "set aside" : "removed", error.message())});
            break;
        }
        ++removal.removed;
    }
    return removal;
}

// ---- Writing ----

Journal::Journal(FileSystem& fs, const std::string& directory, std::size_t maxBytes)
    : fs_(fs), parent_(directory), directory_(journalDirectory(directory)), maxBytes_(maxBytes) {}

void Journal::adopt(const JournalContent& content) {
    for (const SegmentFile& file : content.segments) {
        std::optional<FileStat> stat;
        static_cast<void>(fs_.stat(file.path, stat)); // of use for the size alone
        Segment segment;
        segment.file = file;
        segment.lastSequence = content.lastSequence;
        segment.damaged = std::ranges::find(content.damaged, file.path) != content.damaged.end();
        segment.bytes = stat ? static_cast<std::size_t>(stat->size) : 0;
        bytes_ += segment.bytes;
        nextNumber_ = file.number + 1;
        segments_.push_back(std::move(segment));
    }
}

void Journal::begin() {
    Segment segment;
    segment.file = {nextNumber_, fmt::format("{}/{:08}{}", directory_, nextNumber_, suffix)};
    std::unique_ptr<OutputFile> output;
    std::error_code error = fs_.create(segment.file.path, output);
    if (isErrno(error, ENOENT)) {
        error = makeDirectories(fs_, directory_); // once in the life of a machine
        if (!error)
            error = fs_.create(segment.file.path, output);
    }
    if (error)
        throw Error("the change cannot be recorded, nothing was changed: creating " + segment.file.path +
                    ": " + error.message());
    ++nextNumber_;
    segment.output = std::move(output);
    segment.synced = false;
    segments_.push_back(std::move(segment));
    newNames_ = true;
    open_ = true;
    known_.clear();
}

void Journal::append(std::uint64_t sequence, std::span<const StepView> steps,
                     std::span<const FileMark> found) {
    buffer_.clear();
    for (const FileMark& mark : found)
        appendMark(buffer_, mark);
    appendChange(buffer_, sequence, steps);
    write(sequence, buffer_, found.size() + 1);
    for (const FileMark& mark : found)
        known_.insert(mark.record);
}

void Journal::append(std::span<const FileMark> marks) {
    if (marks.empty())
        return;
    buffer_.clear();
    for (const FileMark& mark : marks)
        appendMark(buffer_, mark);
    write(0, buffer_, marks.size());
}

void Journal::write(std::uint64_t sequence, std::string_view bytes, std::size_t entries) {
    const bool isNews = sequence == 0; // marks lead to an end of the shortage
    if (!isNews && bytes_ + bytes.size() > maxBytes_)
        throw Error(
            errors::limitsExceeded,
            fmt::format(
                "the journal in {} holds {} bytes of changes that are not in their files yet, the limit "
                "is {}: see the log for what keeps dbd from writing them",
                directory_, bytes_, maxBytes_));
    if (!open_)
        begin();
    Segment& segment = segments_.back();
    std::string header;
    if (segment.bytes == 0) {
        header = journalHeader();
        header += bytes;
        bytes = header;
    }
    if (const std::error_code error = writeAll(*segment.output, bytes)) {
        rotate(); // what was cut off here is the end of this segment; nobody was told that it was done
        throw Error("the change cannot be recorded, nothing was changed: writing " + segment.file.path +
                    ": " + error.message());
    }
    segment.bytes += bytes.size();
    bytes_ += bytes.size();
    segment.synced = false;
    segment.lastSequence = std::max(segment.lastSequence, sequence);
    written_ += entries;
}

void Journal::rotate() {
    open_ = false;
    known_.clear();
}

const std::vector<SpentSegment>& Journal::dismissCovered(std::uint64_t sequence) {
    auto end = segments_.begin();
    for (; end != segments_.end(); ++end) {
        const bool inUse = open_ && &*end == &segments_.back();
        if (end->lastSequence >= sequence || inUse)
            break;
        dismissed_.push_back({end->file.path, end->damaged ? parent_ : std::string()});
        bytes_ -= end->bytes;
    }
    segments_.erase(segments_.begin(), end);
    return dismissed_;
}

void Journal::removed(std::size_t count) {
    dismissed_.erase(dismissed_.begin(), dismissed_.begin() + static_cast<std::ptrdiff_t>(count));
}

// ---- Syncing ----

Problem Journal::SyncJob::run(FileSystem& fs) const {
    for (const auto& file : files) {
        if (const std::error_code error = file->sync())
            return {place, 0, "the journal cannot be synced: " + error.message()};
    }
    if (newNamesIn.empty())
        return {};
    if (const std::error_code error = fs.syncDirectory(newNamesIn))
        return {newNamesIn, 0, "the journal's names cannot be synced: " + error.message()};
    return {};
}

Journal::SyncJob Journal::takeSync() {
    SyncJob job;
    job.place = directory_;
    for (Segment& segment : segments_) {
        if (segment.output && !segment.synced)
            job.files.push_back(segment.output);
        segment.synced = true;
    }
    if (newNames_)
        job.newNamesIn = directory_;
    newNames_ = false;
    job.upTo = written_;
    return job;
}

void Journal::synced(const SyncJob& job, bool done) {
    if (done) {
        synced_ = std::max(synced_, job.upTo);
        return;
    }
    for (Segment& segment : segments_)
        segment.synced = segment.synced && std::ranges::find(job.files, segment.output) == job.files.end();
    newNames_ = newNames_ || !job.newNamesIn.empty();
}

} // namespace xb::dbd
