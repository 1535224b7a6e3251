// SPDX-License-Identifier: Apache-2.0
// Repairing a database directory. In order of preference a record's damaged file is mended where its meaning
// is beyond doubt, replaced by a whole temporary that lies beside it, set aside and its record made again
// from the journal, or just set aside. The rest is what a start and an orderly end do.
#include "dbd/json.hpp"
#include "dbd/lock.hpp"
#include "dbd/maintenance_detail.hpp"
#include "dbd/path.hpp"
#include "dbd/store.hpp"
#include "dbd/store_detail.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>

namespace xb::dbd {

namespace {

/// What may lie in the way and is found only when other things are in order.
constexpr int maxSweeps = 3;

/// No damage: somebody who may read the file has to look.
bool isForbidden(const std::error_code& error) {
    return error.category() == std::generic_category() && (error.value() == EACCES || error.value() == EPERM);
}

bool removes(StepKind kind) {
    return kind == StepKind::rm || kind == StepKind::remove;
}

/// Whether a step leaves the whole of a record defined, whatever it was before.
bool definesAll(const StepView& step, std::string_view record) {
    if (step.kind != StepKind::inject && !removes(step.kind))
        return false;
    const std::string path = canonicalPath(step.path).substr(1);
    return path.empty() || path == record || record.starts_with(path + "/");
}

class Repairer {
public:
    Repairer(FileSystem& fs, const std::string& directory, const Limits& limits)
        : fs_(fs), directory_(directory), limits_(limits) {}

    Report run() {
        requireDirectory(fs_, directory_);
        refuseOtherVersions();
        clearJournalPlace();
        const DirectoryLock lock(fs_, directory_);
        if (!lock.trouble().text.empty())
            throw Error(lock.trouble().message());
        clearPlaces();
        std::vector<std::string> lost;
        for (const DiskFile& file : scan().records) {
            if (!repairRecord(file))
                lost.push_back(file.node);
        }
        save(lost);
        for (int sweep = 0; sweep < maxSweeps && setUselessAside(); ++sweep)
            save({});
        const std::vector<Problem> left = inspect(fs_, directory_, limits_, false);
        std::ranges::copy(left, std::back_inserter(report_.lines));
        report_.good = report_.good && left.empty();
        return std::move(report_);
    }

private:
    void say(const std::string& file, std::string text) {
        report_.lines.push_back({isCleanText(file) ? file : forMessage(file), 0, std::move(text)});
    }

    DiskScan scan() const { return scanDirectory(fs_, directory_, limits_); }

    /// True: done. False: it could not be, which is reported.
    bool moveAside(const std::string& path, const std::string& why) {
        std::string newPath;
        const std::error_code error = setAside(fs_, directory_, path, newPath);
        if (error)
            say(path, why + "; cannot be set aside: " + error.message());
        else
            say(path, why + "; it is kept as " + newPath);
        report_.good = report_.good && !error;
        return !error;
    }

    /// A database of a later version is not damaged, and one whose version nobody knows is not to be touched.
    void refuseOtherVersions() {
        std::string text;
        FileStat stat;
        const std::string path = recordPath(directory_, dbRecord);
        if (fs_.read(path, limits_.fileBytes, text, stat) || isBlank(text))
            return;
        std::vector<std::string> changes;
        const ParseResult parsed = parseDamaged(text, limits_, 0, changes);
        if (parsed.node != nullptr)
            checkVersion(*parsed.node, path);
    }

    /// DIR/journal as something else than a directory, where no lock could be.
    void clearJournalPlace() {
        std::vector<std::string> names;
        const std::error_code error = fs_.list(journalDirectory(directory_), names);
        if (error == std::errc::not_a_directory)
            moveAside(journalDirectory(directory_), "is not a directory");
    }

    /// What has no place where it lies, or is in the way of something.
    void clearPlaces() {
        for (const std::string& path : readJournal(fs_, directory_, limits_).foreign)
            moveAside(path, "is no segment of the journal");
        const DiskScan found = scan();
        for (const std::string& path : found.ignored)
            moveAside(path, "has no place in the tree");
        for (const DiskFile& file : found.unusable)
            moveAside(file.path, "is not a regular file");
        for (const DiskFile& file : found.temporaries) {
            if (file.stat.type != FileStat::Type::Regular)
                moveAside(file.path, "is not a regular file");
        }
        for (const Area& area : areas) {
            const std::string path = directory_ + "/" + std::string(area.directory);
            std::vector<std::string> names;
            if (fs_.list(path, names) == std::errc::not_a_directory)
                moveAside(path, "is not a directory");
        }
    }

    /// False: the record has no file any more.
    bool repairRecord(const DiskFile& file) {
        std::string text;
        FileStat stat;
        const std::error_code error = fs_.read(file.path, limits_.fileBytes, text, stat);
        if (isForbidden(error))
            return true; // the check at the end reports it
        std::string why = "cannot be read: " + error.message();
        if (!error) {
            const bool blankDb = file.node.empty() && isBlank(text); // an empty tree
            const ParseResult parsed = parse(text, file.node);
            if (blankDb || parsed.node != nullptr)
                return true;
            if (mend(file, text))
                return true;
            why = parsed.place();
        }
        return !moveAside(file.path, why) || takeTemporary(file);
    }

    ParseResult parse(std::string_view text, const std::string& record) const {
        return parseJson(text, Trailing::Refused, limits_, record.empty() ? 0 : recordDepth);
    }

    bool mend(const DiskFile& file, std::string_view text) {
        std::vector<std::string> changes;
        const ParseResult parsed = parseDamaged(text, limits_, file.node.empty() ? 0 : recordDepth, changes);
        if (parsed.node == nullptr)
            return false;
        std::string mended;
        appendPrettyJson(mended, *parsed.node);
        std::string original;
        std::error_code error = keepAside(fs_, directory_, file.path, text, original);
        if (!error)
            error = replace(file.path, mended);
        if (error) {
            say(file.path, "cannot be mended: " + error.message());
            report_.good = false;
            return true;
        }
        for (const std::string& change : changes)
            say(file.path, change);
        say(file.path, "is mended; as it was it is kept as " + original);
        return true;
    }

    /// The file has this text then, or, if this fails, the one that it had.
    std::error_code replace(const std::string& path, std::string_view text) {
        FileImage image;
        image.path = path;
        image.text = text;
        std::string old;
        FileStat stat;
        if (const std::error_code error = fs_.read(path, limits_.fileBytes, old, stat))
            return error;
        image.expected = Fingerprint(stat, old);
        // Its temporary, if there is one, is older than what a person left in the file; it is kept as well.
        std::optional<FileStat> temporary;
        if (!fs_.stat(path + ".tmp", temporary) && temporary &&
            !moveAside(path + ".tmp", "is left over from an interrupted write"))
            return {EBUSY, std::generic_category()};
        const std::vector<WriteResult> results = writeImages(fs_, directory_, {image});
        if (results.front().durable)
            return {};
        for (const Problem& problem : results.front().problems)
            report_.lines.push_back(problem);
        return {EIO, std::generic_category()};
    }

    /// A whole temporary becomes the file that is missing now. As a start does it; here for what it says.
    bool takeTemporary(const DiskFile& file) {
        const std::string temporary = file.path + ".tmp";
        std::string text;
        FileStat stat;
        if (fs_.read(temporary, limits_.fileBytes, text, stat) || !text.ends_with('\n') ||
            parse(text, file.node).node == nullptr)
            return false;
        std::error_code error = fs_.rename(temporary, file.path);
        if (!error)
            error = fs_.syncDirectory(file.path.substr(0, file.path.rfind('/')));
        say(file.path, error ? "cannot be recovered from " + temporary + ": " + error.message()
                             : "is recovered from " + temporary);
        report_.good = report_.good && !error;
        return !error;
    }

    /// Loads and saves; first the records without a file are brought back from the journal where it has all
    /// of them.
    void save(const std::vector<std::string>& lost) {
        keepTemporaries();
        JournalContent journal = readJournal(fs_, directory_, limits_);
        for (const std::string& record : lost)
            bringBack(journal, record);
        try {
            loadAndSave(fs_, directory_, limits_, std::move(journal), report_);
        } catch (const CannotStart& error) {
            report_.lines.push_back(error.problem());
            report_.good = false;
        }
    }

    /// A start removes a temporary whose file is there.
    void keepTemporaries() {
        const DiskScan found = scan();
        for (const DiskFile& temporary : found.temporaries) {
            if (std::ranges::find(found.records, temporary.node, &DiskFile::node) != found.records.end())
                moveAside(temporary.path, "is left over from an interrupted write");
        }
    }

    /// If the journal has the whole of the record, has it done again from there on.
    void bringBack(JournalContent& journal, const std::string& record) {
        std::uint64_t from = 0;
        bool removed = false;
        for (const JournalEntry& entry : journal.entries) {
            const auto* const change = std::get_if<Change>(&entry);
            if (change == nullptr)
                continue;
            for (const Step& step : change->steps) {
                if (definesAll(step.view(), record)) {
                    from = change->sequence;
                    removed = removes(step.kind);
                }
            }
        }
        if (from == 0)
            return;
        // What a start would have believed of a file that had never been written.
        journal.entries.emplace_back(FileMark{FileMark::Kind::saved, record, from - 1, false, 0, 0});
        say(recordPath(directory_, record), removed ? "is not needed: its node had been removed"
                                                    : "is made again from the journal, which has all of it");
    }

    /// Sets aside the files that a start reads but cannot use. True: some.
    bool setUselessAside() {
        const DiskScan found = scan();
        bool any = false;
        for (const Problem& problem : inspect(fs_, directory_, limits_, false)) {
            for (const auto* files : {&found.nested, &found.binaries, &found.temporaries}) {
                if (std::ranges::find(*files, problem.file, &DiskFile::path) == files->end())
                    continue;
                std::string text;
                FileStat stat;
                if (!isForbidden(fs_.read(problem.file, limits_.fileBytes, text, stat)))
                    any = moveAside(problem.file, problem.text) || any;
            }
        }
        return any;
    }

    FileSystem& fs_;
    const std::string& directory_;
    const Limits& limits_;
    Report report_;
};

} // namespace

Report repair(FileSystem& fs, const std::string& directory, const Limits& limits) {
    return Repairer(fs, directory, limits).run();
}

} // namespace xb::dbd
