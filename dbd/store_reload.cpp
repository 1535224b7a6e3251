// SPDX-License-Identifier: Apache-2.0
// From files to the tree on SIGHUP: what somebody changed on disk is taken over where dbd itself has no
// unsaved change, and reported where it has one.
#include "dbd/json.hpp"
#include "dbd/store.hpp"
#include "dbd/store_detail.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_set>

namespace xb::dbd {

namespace {

bool sameContent(const Node& a, const Node* b) {
    if (b == nullptr)
        return false;
    std::string textA;
    std::string textB;
    appendPrettyJson(textA, a);
    appendPrettyJson(textB, *b);
    return textA == textB;
}

} // namespace

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
