// SPDX-License-Identifier: Apache-2.0
// From files to the tree: at the start, and again on SIGHUP.
#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "dbd/store.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <unordered_set>

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

constexpr std::size_t recordDepth = 2; // of the root of a VM's file in the tree

std::string_view parentOf(std::string_view node) {
    return node.substr(0, node.rfind('/'));
}

/// The record that a node of a sub-directory belongs to: "dom-store/a" of "dom-store/a/b/c".
std::string ownerOf(std::string_view node) {
    return std::string(node.substr(0, node.find('/', node.find('/') + 1)));
}

bool sameContent(const Node& a, const Node* b) {
    if (b == nullptr)
        return false;
    std::string textA;
    std::string textB;
    appendPrettyJson(textA, a);
    appendPrettyJson(textB, *b);
    return textA == textB;
}

/// Throws if this db was written by a later dbd, or nobody can tell.
void checkVersion(const Node& root, const std::string& file) {
    const Node* const node = root.child("db-version");
    if (node == nullptr)
        return;
    const std::string_view text = node->text();
    unsigned long version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error == std::errc::invalid_argument || end != text.data() + text.size())
        throw Error(file + ": db-version is '" + forMessage(text) + "', which is not a number");
    if (error != std::errc{} || version > dbVersion)
        throw Error(file + ": db-version is " + forMessage(text) + ", this dbd understands up to " +
                    std::to_string(dbVersion) + "; start the dbd that wrote it, or restore an older /config");
}

class Flag {
public:
    explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
    ~Flag() { flag_ = false; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;

private:
    bool& flag_;
};

} // namespace

// ---- Start
// ---------------------------------------------------------------------------------------------------------

std::vector<Problem> Store::load() {
    std::vector<Problem> problems;
    const Flag loading(loading_);
    ++sequence_;
    DiskScan scan = scanDirectory(fs_, directory_, tree_.limits());
    problems = scan.problems;
    recover(scan, problems);
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
    touched_.clear();
    return problems;
}

/// A left-over temporary: garbage if its file is there, else the file itself, if it is whole.
void Store::recover(DiskScan& scan, std::vector<Problem>& problems) {
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
        if (recoverOne(temporary, recovered, problems))
            scan.records.push_back(recovered);
    }
    std::ranges::sort(scan.records, {}, &DiskFile::node);
}

bool Store::recoverOne(const DiskFile& temporary, DiskFile& recovered, std::vector<Problem>& problems) {
    std::string text;
    std::error_code error = fs_.read(temporary.path, tree_.limits().fileBytes, text, recovered.stat);
    if (error) {
        problems.push_back({temporary.path, 0, "left over, cannot be read: " + error.message()});
        return false;
    }
    const bool whole =
        text.ends_with('\n') && parseJson(text, Trailing::Refused, tree_.limits()).node != nullptr;
    if (!whole) {
        std::string newPath;
        error = setAside(fs_, directory_, temporary.path, newPath);
        problems.push_back({temporary.path, 0,
                            error
                                ? "left over and torn, cannot be set aside: " + error.message()
                                : "left over from an interrupted write and torn; it was kept as " + newPath});
        return false;
    }
    error = fs_.rename(temporary.path, recovered.path);
    if (!error)
        error = fs_.syncDirectory(recovered.path.substr(0, recovered.path.rfind('/')));
    if (error) {
        problems.push_back(
            {temporary.path, 0, "cannot be recovered as " + recovered.path + ": " + error.message()});
        recovered.path = temporary.path; // served all the same
    } else {
        problems.push_back({recovered.path, 0, "was missing; it was recovered from " + temporary.path});
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
        throw Error(path + ":" + std::to_string(parsed.line) + ": column " + std::to_string(parsed.column) +
                    ": " + parsed.error);
    checkVersion(*parsed.node, path);
    return std::move(parsed.node);
}

/// Returns true if there was no db.
bool Store::loadDb(const DiskScan& scan, std::vector<Problem>& problems) {
    const auto isDb = [](const DiskFile& file) { return file.node.empty(); };
    if (std::ranges::any_of(scan.unusable, isDb))
        throw Error(recordPath(directory_, "") +
                    ": is not a regular file that can be read; it must hold the database");
    const auto file = std::ranges::find_if(scan.records, isDb);
    if (file == scan.records.end()) {
        problems.push_back({recordPath(directory_, ""), 0, "does not exist; starting with the default tree"});
        tree_.graft("/", parseDb(defaultDb));
        return true;
    }
    std::string text;
    FileStat stat;
    if (const std::error_code error = fs_.read(file->path, tree_.limits().fileBytes, text, stat))
        throw Error(file->path + ": cannot be read: " + error.message());
    tree_.graft("/", parseDb(text));
    const bool recoveredInPlace = file->path == recordPath(directory_, "");
    states_[""].disk = recoveredInPlace ? Fingerprint(stat, text) : Fingerprint{};
    for (std::size_t i = 0; i < inDb_.size(); ++i) {
        inDb_[i] = isInDb(areas[i]);
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
    tree_.graft(record, std::move(parsed.node));
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

// ---- SIGHUP
// --------------------------------------------------------------------------------------------------------

KnownFiles Store::beginReload() {
    if (busy())
        throw std::logic_error("dbd: beginReload while a disk job is under way");
    reloading_ = true;
    KnownFiles known;
    for (const auto& [record, state] : states_)
        known.emplace(record, state.disk);
    return known;
}

std::vector<Problem> Store::reloadNow() {
    const KnownFiles known = beginReload();
    return applyReload(findChanges(fs_, directory_, tree_.limits(), known));
}

std::vector<Problem> Store::applyReload(DiskChanges changes) {
    if (!std::exchange(reloading_, false))
        throw std::logic_error("dbd: applyReload without beginReload");
    std::vector<Problem> problems = changes.scan.problems;
    const Flag loading(loading_);
    ++sequence_;
    for (const auto& [record, now] : changes.same) {
        FileState& state = states_[record];
        state.disk = now;
        if (!state.quarantine.empty())
            problems.push_back({recordPath(directory_, record), state.quarantineLine, state.quarantine});
    }
    reloadDb(changes, problems);
    for (auto& [record, changed] : changes.changed) {
        if (!record.empty())
            reloadRecord(record, changed, problems);
    }
    forgetMissing(changes, problems);
    shunUnusable(changes.scan);
    dropStaleBinaries(changes.scan);
    loadNested(changes.scan, problems);
    placeBinaries(changes.scan, problems);
    checkAreaShapes(false);
    touched_.clear();
    return problems;
}

void Store::reloadDb(DiskChanges& changes, std::vector<Problem>& problems) {
    const std::string path = recordPath(directory_, "");
    const auto changed = changes.changed.find("");
    FileState& state = states_[""];
    if (changed == changes.changed.end()) {
        if (!changes.same.contains("") && state.disk.exists) {
            problems.push_back({path, 0, "is gone; it will be written again from memory"});
            state.disk = {};
            touch("");
        }
        return;
    }
    if (changed->second.error) {
        problems.push_back({path, 0, "cannot be read, memory counts: " + changed->second.error.message()});
        return;
    }
    if (state.dirty()) {
        problems.push_back({path, 0,
                            "was changed while dbd has unsaved changes to it; memory counts, the next save "
                            "sets the file aside"});
        return;
    }
    try {
        const NodePtr content = parseDb(changed->second.text);
        state.disk = changed->second.now;
        replaceDb(*content, problems);
    } catch (const Error& error) {
        problems.push_back({path, 0, std::string(error.what()) + "; memory counts"});
    }
}

/// Makes the part of the tree that db holds equal to `content`, touching only what differs.
void Store::replaceDb(Node& content, std::vector<Problem>& problems) {
    for (std::size_t i = 0; i < inDb_.size(); ++i) { // as the file has it
        const Node* const node = content.child(areas[i].node);
        inDb_[i] = node != nullptr && node->childCount() == 0;
    }
    std::vector<std::string> gone;
    for (const Node* child = tree_.root().firstChild(); child != nullptr; child = child->next()) {
        const bool ownFiles = areaOf(child->name()) != nullptr && child->childCount() > 0;
        if (!ownFiles && content.child(child->name()) == nullptr)
            gone.emplace_back(child->name());
    }
    for (const std::string& name : gone)
        tree_.drop(name);
    std::vector<Node*> children;
    for (Node* child = content.firstChild(); child != nullptr; child = child->next())
        children.push_back(child);
    for (Node* const child : children) {
        NodePtr node = child->detach();
        const std::string name(node->name());
        const Area* const area = areaOf(name);
        const Node* const present = tree_.root().child(name);
        if (area == nullptr || node->childCount() == 0) {
            const bool filesCount = area != nullptr && present != nullptr && present->childCount() > 0;
            if (!filesCount && !sameContent(*node, present))
                tree_.graft(name, std::move(node));
            continue;
        }
        // Children of /vm that somebody wrote into db: those that are new get files of their own.
        moving_ = true;
        touch("");
        while (Node* const each = node->firstChild()) {
            NodePtr record = each->detach();
            const std::string key = name + "/" + std::string(record->name());
            if (tree_.exists(key) || states_.contains(key)) {
                problems.push_back({recordPath(directory_, ""), 0,
                                    "holds /" + key + " too; " + recordPath(directory_, key) +
                                        " is the one that counts, this file will be set aside"});
                states_[""].disk = {};
                continue;
            }
            tree_.graft(key, std::move(record));
            touch(key);
        }
    }
}

void Store::reloadRecord(const std::string& record, DiskChanges::Changed& changed,
                         std::vector<Problem>& problems) {
    const std::string path = recordPath(directory_, record);
    const auto found = states_.find(record);
    const bool dirty = found != states_.end() && found->second.dirty();
    const bool served = tree_.exists(record) && (found == states_.end() || found->second.quarantine.empty());
    if (dirty) {
        problems.push_back({path, 0,
                            "was changed while dbd has unsaved changes to it; memory counts, the next save "
                            "sets the file aside"});
    } else if (changed.error && served) {
        problems.push_back({path, 0, "cannot be read, memory counts: " + changed.error.message()});
    } else if (changed.error) {
        quarantine(record, 0, "cannot be read: " + changed.error.message(), {}, problems);
    } else if (served && found != states_.end()) {
        // A node that is being served stays as it was if its file went bad; a later save sets the file aside.
        const ParseResult parsed = parseJson(changed.text, Trailing::Refused, tree_.limits(), recordDepth);
        if (parsed.node == nullptr)
            problems.push_back({path, parsed.line, parsed.error + "; memory counts"});
        else
            adoptRecord(record, changed.text, changed.now, problems);
    } else {
        adoptRecord(record, changed.text, changed.now, problems);
    }
}

/// Files that were there and are not any more.
void Store::forgetMissing(const DiskChanges& changes, std::vector<Problem>& problems) {
    const auto unlisted = [&changes](const std::string& record) {
        return std::ranges::any_of(changes.scan.unreadable, [&record](const std::string& node) {
            return record.starts_with(node + "/");
        });
    };
    const auto unusable = [&changes](const std::string& record) {
        return std::ranges::find(changes.scan.unusable, record, &DiskFile::node) !=
               changes.scan.unusable.end();
    };
    std::vector<std::string> missing;
    for (const auto& [record, state] : states_) {
        const bool known = state.disk.exists || !state.quarantine.empty();
        if (known && !record.empty() && !changes.changed.contains(record) && !changes.same.contains(record) &&
            !unlisted(record) && !unusable(record))
            missing.push_back(record);
    }
    for (const std::string& record : missing) {
        FileState& state = states_.find(record)->second;
        if (state.dirty()) {
            problems.push_back({recordPath(directory_, record), 0,
                                "is gone while dbd has unsaved changes to it; it will be written again"});
            state.disk = {};
            continue;
        }
        if (state.quarantine.empty())
            tree_.drop(record);
        states_.erase(record);
    }
}

void Store::dropStaleBinaries(const DiskScan& scan) {
    std::unordered_set<std::string> present;
    for (const DiskFile& file : scan.binaries)
        present.insert("/" + file.node);
    std::vector<std::string> stale;
    const Node& root = tree_.root();
    for (const Node* node = &root; node != nullptr; node = node->following(root)) {
        if (node->kind() != NodeKind::File)
            continue;
        std::string path = pathOf(*node);
        if (!present.contains(path))
            stale.push_back(std::move(path));
    }
    for (const std::string& path : stale)
        tree_.drop(path);
}

} // namespace xb::dbd
