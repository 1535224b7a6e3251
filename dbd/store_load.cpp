// SPDX-License-Identifier: Apache-2.0
// From files to the tree at the start.
#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "dbd/store.hpp"
#include "dbd/store_detail.hpp"
#include "dbd/store_replay.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_set>
#include <variant>

namespace xb::dbd {

namespace {

/// The tree of a first start. showMsgOnVmStart is a JSON boolean, as in existing files.
constexpr std::string_view defaultDb = R"({
  "db-version": "42",
  "touchpad": { "tap-to-click-enable": "true", "scrolling-enable": "true", "speed": "5" },
  "power-management": { "ac-lid-close-action": "nothing", "battery-lid-close-action": "sleep" },
  "xenmgr": { "showMsgOnVmStart": true },
  "display-driver-whitelist": { }
})";

/// The records whose files dbd was about to write when it ended.
std::set<std::string> beingWritten(const JournalContent& journal) {
    std::set<std::string> records;
    for (const JournalEntry& entry : journal.entries) {
        const auto* const mark = std::get_if<FileMark>(&entry);
        if (mark != nullptr && mark->kind == FileMark::Kind::writing)
            records.insert(mark->record);
    }
    return records;
}

std::string_view parentOf(std::string_view node) {
    return node.substr(0, node.rfind('/'));
}

/// The record that a node of a sub-directory belongs to: "dom-store/a" of "dom-store/a/b/c".
std::string ownerOf(std::string_view node) {
    return std::string(node.substr(0, node.find('/', node.find('/') + 1)));
}

} // namespace

std::string versionTrouble(std::string_view text) {
    unsigned long version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error == std::errc::invalid_argument || end != text.data() + text.size())
        return "db-version is '" + forMessage(text) + "', which is not a number";
    if (error != std::errc{} || version > dbVersion)
        return "db-version is " + forMessage(text) + ", this dbd understands up to " +
               std::to_string(dbVersion);
    return {};
}

void checkVersion(const Node& root, const std::string& file) {
    const Node* const node = root.child(versionNode);
    const std::string trouble = node != nullptr ? versionTrouble(node->text()) : "";
    if (!trouble.empty())
        throw CannotStart({file, 0, trouble + "; start the dbd that wrote it, or restore an older /config"});
}

std::vector<Problem> Store::load() {
    return load(readJournal(fs_, directory_, tree_.limits().journalBytes + maxEntryBytes));
}

std::vector<Problem> Store::load(JournalContent journal) {
    std::vector<Problem> problems;
    sequence_ = journal.lastSequence + 1;
    syncInherited(journal, problems);
    loadFiles(journal, problems);
    problems.insert(problems.end(), journal.problems.begin(), journal.problems.end());
    const std::vector<Problem> overruled = Replay(*this, journal).run();
    problems.insert(problems.end(), overruled.begin(), overruled.end());
    anyChange_ = false;
    touched_.clear();
    journal_.adopt(journal);
    return problems;
}

/// What a dbd that was killed had done but not synced is there, but a power cut would still take it, and with
/// it what the files and the journal that we write from now on rely on.
void Store::syncInherited(const JournalContent& journal, std::vector<Problem>& problems) {
    const auto sync = [this, &problems](const std::string& path) {
        const std::error_code error = fs_.syncDirectory(path);
        if (error && error != std::errc::no_such_file_or_directory)
            problems.push_back(
                {path, 0, "may not survive a power cut, it cannot be synced: " + error.message()});
    };
    sync(directory_);
    if (journal.segments.empty())
        return; // an orderly end
    for (const SegmentFile& segment : journal.segments)
        sync(segment.path);
    sync(journal.segments.front().path.substr(0, journal.segments.front().path.rfind('/')));
    for (const Area& area : areas)
        sync(directory_ + "/" + std::string(area.directory));
}

void Store::loadFiles(const JournalContent& journal, std::vector<Problem>& problems) {
    const Flag loading(loading_);
    DiskScan scan = scanDirectory(fs_, directory_, tree_.limits());
    problems.insert(problems.end(), scan.problems.begin(), scan.problems.end());
    recover(scan, journal, problems);
    const bool first = loadDb(scan, problems);
    for (const DiskFile& file : scan.records) {
        if (!file.node.empty())
            loadRecord(file, problems);
    }
    shunUnusable(scan);
    loadNested(scan, problems);
    placeBinaries(scan, problems);
    if (first || moving_)
        touch("");
    checkAreaShapes(false);
}

/// A left-over temporary: garbage if its file is there, else the file itself, if it is whole.
void Store::recover(DiskScan& scan, const JournalContent& journal, std::vector<Problem>& problems) {
    const std::set<std::string> announced = beingWritten(journal);
    for (const DiskFile& temporary : scan.temporaries) {
        const auto isFile = [&temporary](const DiskFile& file) { return file.node == temporary.node; };
        if (std::ranges::any_of(scan.unusable, isFile))
            continue; // nobody knows which of the two counts
        if (std::ranges::any_of(scan.records, isFile)) {
            if (const std::error_code error = fs_.unlink(temporary.path))
                problems.push_back({temporary.path, 0, "left over, cannot be removed: " + error.message()});
            continue;
        }
        DiskFile recovered{temporary.node, recordPath(directory_, temporary.node), {}};
        if (recoverOne(temporary, recovered, announced.contains(temporary.node), problems))
            scan.records.push_back(recovered);
    }
    std::ranges::sort(scan.records, {}, &DiskFile::node);
}

/// `announced`: the journal says that it was being written, so it holds all that a torn one would.
bool Store::recoverOne(const DiskFile& temporary, DiskFile& recovered, bool announced,
                       std::vector<Problem>& problems) {
    std::string text;
    std::error_code error = fs_.read(temporary.path, tree_.limits().fileBytes, text, recovered.stat);
    if (error) {
        problems.push_back({temporary.path, 0, "left over, cannot be read: " + error.message()});
        return false;
    }
    const bool whole =
        text.ends_with('\n') && parseJson(text, Trailing::Refused, tree_.limits()).node != nullptr;
    if (!whole && announced) {
        error = fs_.unlink(temporary.path);
        if (error)
            problems.push_back({temporary.path, 0, "left over, cannot be removed: " + error.message()});
        return false;
    }
    if (!whole) {
        std::string newPath;
        error = setAside(fs_, directory_, temporary.path, newPath);
        problems.push_back({temporary.path, 0,
                            error
                                ? "left over and torn, cannot be set aside: " + error.message()
                                : "left over from an interrupted write and torn; it is kept as " + newPath});
        return false;
    }
    error = fs_.syncDirectory(temporary.path); // its bytes: who wrote them may have died before he did
    if (!error)
        error = fs_.rename(temporary.path, recovered.path);
    if (!error)
        error = fs_.syncDirectory(recovered.path.substr(0, recovered.path.rfind('/')));
    if (error) {
        problems.push_back(
            {temporary.path, 0, "cannot be recovered as " + recovered.path + ": " + error.message()});
        recovered.path = temporary.path; // served all the same
    } else {
        problems.push_back({recovered.path, 0, "is missing; it is recovered from " + temporary.path});
    }
    return true;
}

NodePtr Store::parseDb(std::string_view text) const {
    const std::string path = recordPath(directory_, "");
    NodePtr content;
    if (isBlank(text)) {
        content = Node::make({});
        content->setNodes();
        return content;
    }
    ParseResult parsed = parseJson(text, Trailing::Refused, tree_.limits());
    if (parsed.node == nullptr)
        throw CannotStart(
            {path, parsed.line, "column " + std::to_string(parsed.column) + ": " + parsed.error});
    checkVersion(*parsed.node, path);
    return std::move(parsed.node);
}

/// Returns true if there was no db.
bool Store::loadDb(const DiskScan& scan, std::vector<Problem>& problems) {
    const auto isDb = [](const DiskFile& file) { return file.node.empty(); };
    if (std::ranges::any_of(scan.unusable, isDb))
        throw CannotStart({recordPath(directory_, ""), 0,
                           "is not a regular file that can be read; it must hold the database"});
    const auto file = std::ranges::find_if(scan.records, isDb);
    if (file == scan.records.end()) {
        problems.push_back({recordPath(directory_, ""), 0, "does not exist; starting with the default tree"});
        tree_.graft("/", parseDb(defaultDb));
        return true;
    }
    std::string text;
    FileStat stat;
    if (const std::error_code error = fs_.read(file->path, tree_.limits().fileBytes, text, stat))
        throw CannotStart({file->path, 0, "cannot be read: " + error.message()});
    tree_.graft("/", parseDb(text));
    const bool recoveredInPlace = file->path == recordPath(directory_, "");
    states_[""].disk = recoveredInPlace ? Fingerprint(stat, text) : Fingerprint{};
    for (std::size_t i = 0; i < inDb_.size(); ++i) {
        inDb_[i] = isInDb(areas[i]);
        if (inDb_[i])
            bareInDb_[i].emplace(*tree_.root().child(areas[i].node));
        const Node* const node = tree_.root().child(areas[i].node);
        for (const Node* child = node != nullptr ? node->firstChild() : nullptr; child != nullptr;
             child = child->next()) {
            moving_ = true; // it gets a file of its own now
            touch(std::string(areas[i].node) + "/" + std::string(child->name()));
        }
    }
    return !recoveredInPlace;
}

void Store::loadRecord(const DiskFile& file, std::vector<Problem>& problems) {
    std::string text;
    FileStat stat;
    if (const std::error_code error = fs_.read(file.path, tree_.limits().fileBytes, text, stat)) {
        quarantine(file.node, 0, "cannot be read: " + error.message(), {}, problems);
        return;
    }
    if (moving_ && tree_.exists(file.node)) {
        problems.push_back({recordPath(directory_, ""), 0,
                            "holds /" + file.node + " too; " + file.path + " is the one that counts"});
        states_[""].disk = {}; // so that it is set aside when it is written without
    }
    const bool inPlace = file.path == recordPath(directory_, file.node);
    adoptRecord(file.node, text, inPlace ? Fingerprint(stat, text) : Fingerprint{}, problems);
    if (!inPlace)
        touch(file.node);
}

/// Puts a file's content into the tree, or the file into quarantine.
void Store::adoptRecord(const std::string& record, std::string_view text, const Fingerprint& now,
                        std::vector<Problem>& problems) {
    ParseResult parsed = parseJson(text, Trailing::Refused, tree_.limits(), recordDepth);
    if (parsed.node == nullptr) {
        quarantine(record, parsed.line, "column " + std::to_string(parsed.column) + ": " + parsed.error, now,
                   problems);
        return;
    }
    FileState& state = states_[record];
    state.disk = now;
    state.quarantine.clear();
    state.saved = state.changed;
    dirty_.erase(record);
    tree_.graft(record, Subtree{std::move(parsed.node), parsed.size});
}

void Store::quarantine(const std::string& record, std::size_t line, const std::string& why,
                       const Fingerprint& now, std::vector<Problem>& problems) {
    const std::string path = recordPath(directory_, record);
    if (tree_.exists(record) && dirty_.contains(record)) {
        problems.push_back(
            {path, line, why + "; what db holds of /" + record + " is served, the file will be set aside"});
        return;
    }
    problems.push_back({path, line, why + "; /" + record + " is not served and the file is left as it is"});
    FileState& state = states_[record];
    state.disk = now;
    state.quarantine = why;
    state.quarantineLine = line;
}

/// Directories and the like in the place of a file: nothing could be saved there.
void Store::shunUnusable(const DiskScan& scan) {
    for (const DiskFile& file : scan.unusable) {
        if (!file.node.empty() && !tree_.exists(file.node))
            states_[file.node].quarantine = "it is not a regular file";
    }
}

/// *.db files in sub-directories: their content becomes part of the record above them, whose file replaces
/// them.
void Store::loadNested(const DiskScan& scan, std::vector<Problem>& problems) {
    std::unordered_set<std::string> open; // owners without a file: all their nested files are taken
    for (const DiskFile& file : scan.nested) {
        const std::string owner = ownerOf(file.node);
        const auto state = states_.find(owner);
        if (state == states_.end())
            open.insert(owner);
        if (!open.contains(owner)) {
            const std::string by = recordPath(directory_, owner);
            problems.push_back({file.path, 0, "is ignored: " + by + " covers it"});
            continue;
        }
        std::string text;
        FileStat stat;
        std::string why;
        if (const std::error_code error = fs_.read(file.path, tree_.limits().fileBytes, text, stat)) {
            why = error.message();
        } else {
            const auto depth = 1 + static_cast<std::size_t>(std::ranges::count(file.node, '/'));
            ParseResult parsed = parseJson(text, Trailing::Refused, tree_.limits(), depth);
            if (parsed.node != nullptr) {
                tree_.graft(file.node, std::move(parsed.node));
                touch(owner);
                states_[owner].superseded.push_back(file.path);
                continue;
            }
            why = parsed.place();
        }
        problems.push_back({file.path, 0, "cannot be loaded and is left as it is: " + why});
    }
}

/// Binary nodes and the nodes of directories, where no record has put something else.
void Store::placeBinaries(const DiskScan& scan, std::vector<Problem>& problems) {
    for (const std::string& directory : scan.directories) {
        if (const Node* const above = tree_.find(parentOf(directory));
            tree_.exists(directory) || (above != nullptr && !above->isInner()))
            continue;
        NodePtr node = Node::make({});
        node->setNodes();
        tree_.graft(directory, std::move(node));
    }
    for (const DiskFile& file : scan.binaries) {
        const Node* const node = tree_.find(file.node);
        const Node* const above = tree_.find(parentOf(file.node));
        if (node != nullptr && node->kind() == NodeKind::File)
            continue;
        if (node != nullptr || (above != nullptr && !above->isInner())) {
            problems.push_back({file.path, 0, "is not served: a .db file has a value for /" + file.node});
            continue;
        }
        NodePtr binary = Node::make({});
        binary->setValue(NodeKind::File, file.path);
        tree_.graft(file.node, std::move(binary));
    }
}

} // namespace xb::dbd
