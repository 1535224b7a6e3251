// SPDX-License-Identifier: Apache-2.0
// Operations with their effect on files, and saving.
#include "dbd/store.hpp"

#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace xb::dbd {

namespace {

constexpr std::string_view dbRecord;

/// The first two names of a path.
struct Heads {
    std::string_view first;
    std::string_view second;
    explicit Heads(std::string_view path) {
        PathWalk walk(path);
        if (!walk.done())
            first = walk.take();
        if (!walk.done())
            second = walk.take();
    }
};

std::string childRecord(const Area& area, std::string_view child) {
    std::string record(area.node);
    record += '/';
    record += child;
    return record;
}

std::string areaPrefix(const Area& area) {
    return std::string(area.node) + "/";
}

/// db leaves out what has files of its own; no file holds binary nodes.
class DbFilter final : public WriteFilter {
public:
    explicit DbFilter(const Node& root) : root_(root) {}
    bool leavesOut(const Node& node) const override {
        const bool ownFiles =
            node.parent() == &root_ && node.childCount() > 0 && areaOf(node.name()) != nullptr;
        return ownFiles || node.kind() == NodeKind::File;
    }

private:
    const Node& root_;
};

class RecordFilter final : public WriteFilter {
public:
    bool leavesOut(const Node& node) const override { return node.kind() == NodeKind::File; }
};

} // namespace

Store::Store(FileSystem& fs, std::string directory, Limits limits)
    : fs_(fs), directory_(std::move(directory)), tree_(limits) {
    tree_.setListener([this](std::string_view path) { onChange(path); });
}

// ---- Operations ----

Effect Store::write(std::string_view path, std::string_view value) {
    checkTarget(path, nullptr);
    tree_.write(path, value);
    return finish();
}

Effect Store::inject(std::string_view path, std::string_view json) {
    NodePtr content = tree_.parse(path, json);
    checkTarget(path, content.get());
    tree_.put(path, std::move(content));
    return finish();
}

Effect Store::rm(std::string_view path) {
    tree_.rm(path);
    return finish();
}

/// Throws if a change at `path`, there with `content` (nullptr: a text), could not be saved.
void Store::checkTarget(std::string_view path, const Node* content) const {
    const Heads heads(path);
    if (heads.first.empty()) {
        for (const Area& area : areas)
            checkChildren(area, content != nullptr ? content->child(area.node) : nullptr);
    } else if (const Area* const area = areaOf(heads.first)) {
        if (heads.second.empty())
            checkChildren(*area, content);
        else
            checkRecord(childRecord(*area, heads.second));
    }
}

void Store::checkChildren(const Area& area, const Node* content) const {
    for (const Node* child = content != nullptr ? content->firstChild() : nullptr; child != nullptr;
         child = child->next())
        checkRecord(childRecord(area, child->name()));
}

void Store::checkRecord(std::string_view record) const {
    const std::string_view name = record.substr(record.find('/') + 1);
    if (name.size() > maxFileChildName)
        throw Error(errors::limitsExceeded, "the name " + forMessage(name) + " below /" +
                                                std::string(record.substr(0, record.find('/'))) + " has " +
                                                std::to_string(name.size()) + " bytes, the limit is " +
                                                std::to_string(maxFileChildName) +
                                                ": it is also a file's name");
    const auto state = states_.find(record);
    if (state != states_.end() && !state->second.quarantine.empty())
        throw Error("/" + forMessage(record) + " cannot be changed: its file " +
                    recordPath(directory_, record) + " could not be loaded (" + state->second.quarantine +
                    "); mend or remove the file and send dbd SIGHUP");
}

Effect Store::finish() {
    Effect effect;
    effect.changed = std::exchange(anyChange_, false);
    for (const std::string& record : touched_) {
        const bool onDisk = states_.find(record)->second.disk.exists;
        if (record.starts_with("vm/") && isPresent(record) != onDisk)
            effect.lifecycle.push_back(record);
    }
    touched_.clear();
    return effect;
}

// ---- Which files a change touches ----

void Store::onChange(std::string_view path) {
    if (!loading_) {
        anyChange_ = true;
        ++sequence_;
        const Heads heads(path);
        const Area* const area = areaOf(heads.first);
        if (area == nullptr)
            touch(dbRecord);
        if (heads.first.empty()) {
            for (const Area& each : areas)
                touchArea(each);
        } else if (area != nullptr && heads.second.empty()) {
            touchArea(*area);
        } else if (area != nullptr) {
            touch(path.substr(1, area->node.size() + 1 + heads.second.size()));
        }
        checkAreaShapes(heads.second.empty());
    }
    if (listener_)
        listener_(path);
}

/// /vm and /dom-store are in db only as long as they have no children: db changes with that. `always`: they
/// may have changed themselves.
void Store::checkAreaShapes(bool always) {
    for (std::size_t i = 0; i < inDb_.size(); ++i) {
        const bool now = isInDb(areas[i]);
        if (now != inDb_[i] || (now && always))
            touch(dbRecord);
        inDb_[i] = now;
    }
}

bool Store::isInDb(const Area& area) const {
    const Node* const node = tree_.root().child(area.node);
    return node != nullptr && node->childCount() == 0;
}

void Store::touchArea(const Area& area) {
    const std::string prefix = areaPrefix(area);
    for (auto state = states_.lower_bound(prefix); state != states_.end() && state->first.starts_with(prefix);
         ++state)
        touch(state->first);
    if (const Node* const node = tree_.root().child(area.node)) {
        for (const Node* child = node->firstChild(); child != nullptr; child = child->next())
            touch(childRecord(area, child->name()));
    }
}

void Store::touch(std::string_view record) {
    auto state = states_.find(record);
    if (state == states_.end())
        state = states_.try_emplace(std::string(record)).first;
    if (!state->second.quarantine.empty())
        return; // rm of /vm: the file that could not be read stays
    state->second.changed = sequence_;
    if (!inFlight_.contains(record) && !dirty_.contains(record))
        dirty_.emplace(record);
    if (!touched_.contains(record))
        touched_.emplace(record);
}

// ---- Saving ----

/// Whether a record should have a file.
bool Store::isPresent(std::string_view record) const {
    const Node* const node = tree_.find(record);
    return record == dbRecord || (node != nullptr && node->kind() != NodeKind::File);
}

bool Store::isSaved(const std::string& record) const {
    const auto state = states_.find(record);
    return state == states_.end() || !state->second.dirty();
}

FileImage Store::image(const std::string& record, const FileState& state) const {
    FileImage result;
    result.record = record;
    result.path = recordPath(directory_, record);
    result.expected = state.disk;
    result.superseded = state.superseded;
    result.sequence = state.changed;
    if (!isPresent(record)) {
        result.action = FileImage::Action::Remove;
    } else if (record == dbRecord) {
        result.onlyAfterOthers = moving_;
        const DbFilter filter(tree_.root());
        appendPrettyJson(result.text, tree_.root(), &filter);
    } else {
        const RecordFilter filter;
        appendPrettyJson(result.text, *tree_.find(record), &filter);
    }
    return result;
}

std::vector<FileImage> Store::takeRecords(const std::vector<std::string>& records) {
    std::vector<FileImage> images;
    if (busy())
        return images;
    for (const std::string& record : records) {
        if (dirty_.contains(record))
            images.push_back(image(record, states_.find(record)->second));
    }
    for (const FileImage& each : images) {
        dirty_.erase(each.record);
        inFlight_.insert(each.record);
    }
    return images;
}

std::vector<FileImage> Store::takeDirty(std::size_t maxBytes) {
    std::vector<FileImage> images;
    if (busy())
        return images;
    // New content comes before what it may have been moved from: children's files, then db, then removals.
    std::array<std::vector<std::string>, 3> phases;
    for (const std::string& record : dirty_)
        phases[record == dbRecord ? 1 : isPresent(record) ? 0 : 2].push_back(record);
    std::size_t bytes = 0;
    for (const std::vector<std::string>& phase : phases) {
        for (const std::string& record : phase) {
            if (bytes >= maxBytes)
                return images;
            images.push_back(image(record, states_.find(record)->second));
            FileImage& last = images.back();
            last.onlyAfterOthers = last.onlyAfterOthers || last.action == FileImage::Action::Remove;
            bytes += images.back().text.size();
            inFlight_.insert(dirty_.extract(record));
        }
    }
    return images;
}

std::vector<Problem> Store::completed(const std::vector<WriteResult>& results) {
    std::vector<Problem> problems;
    for (const WriteResult& result : results) {
        problems.insert(problems.end(), result.problems.begin(), result.problems.end());
        const auto found = states_.find(result.record);
        if (inFlight_.erase(result.record) == 0 || found == states_.end())
            throw std::logic_error("dbd: a result for " + result.record + ", which nobody is writing");
        FileState& state = found->second;
        state.disk = result.now;
        if (result.durable) {
            state.saved = result.sequence;
            state.superseded.clear();
            moving_ = moving_ && result.record != dbRecord;
        }
        if (state.dirty())
            dirty_.insert(result.record);
        else if (!state.disk.exists)
            states_.erase(found);
    }
    return problems;
}

std::vector<Problem> Store::saveNow() {
    if (busy())
        throw std::logic_error("dbd: saveNow while a disk job is under way");
    return completed(writeImages(fs_, directory_, takeDirty()));
}

std::vector<Problem> Store::quarantined() const {
    std::vector<Problem> problems;
    for (const auto& [record, state] : states_) {
        if (!state.quarantine.empty())
            problems.push_back({recordPath(directory_, record), state.quarantineLine, state.quarantine});
    }
    return problems;
}

} // namespace xb::dbd
