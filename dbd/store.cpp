// SPDX-License-Identifier: Apache-2.0
// Operations with their effect on files, and saving.
#include "dbd/store.hpp"

#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "dbd/store_detail.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <stdexcept>

namespace xb::dbd {

namespace {

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
    : fs_(fs), directory_(std::move(directory)), tree_(limits),
      journal_(fs, directory_, limits.journalBytes) {
    tree_.setListener([this](std::string_view path) { onChange(path); });
}

// ---- Operations ----

bool Store::write(std::string_view path, std::string_view value) {
    const StepView step{StepKind::write, path, value, 0};
    return apply({&step, 1});
}

bool Store::inject(std::string_view path, std::string_view json) {
    const StepView step{StepKind::inject, path, json, 0};
    return apply({&step, 1});
}

bool Store::rm(std::string_view path) {
    const StepView step{StepKind::rm, path, {}, 0};
    return apply({&step, 1});
}

bool Store::apply(std::span<const StepView> steps) {
    std::vector<Subtree> contents = checkSteps(steps);
    if (steps.size() == 1 && isIgnored(steps.front()))
        return false;
    record(steps);
    for (std::size_t i = 0; i < steps.size(); ++i)
        doStep(steps[i], std::move(contents[i]));
    return finish();
}

/// Whether a step is one that has no effect: a text for a node with children, the removal of nothing.
bool Store::isIgnored(const StepView& step) const {
    if (step.kind != StepKind::write && step.kind != StepKind::remove)
        return false;
    const Node* const node = tree_.find(step.path);
    return step.kind == StepKind::write ? node != nullptr && node->isInner() : node == nullptr;
}

/// Puts a change into the journal, each effect on a record under the path of that record: an rm also takes
/// Empty nodes of other records with it.
void Store::record(std::span<const StepView> steps) {
    std::vector<std::string> paths;
    for (const StepView& step : steps) {
        if (step.kind == StepKind::rm)
            std::ranges::move(tree_.discardedHigh(step.path), std::back_inserter(paths));
    }
    std::vector<StepView> all;
    if (!paths.empty()) {
        all.assign(steps.begin(), steps.end());
        for (const std::string& path : paths)
            all.push_back({StepKind::discard, path, {}, 0});
        steps = all;
    }
    journal_.append(sequence_ + 1, steps, foundMarks(steps));
    ++sequence_;
}

/// Throws what any of the steps would. Returns the parsed content of each inject. What holds for each step on
/// the tree as it is now, and for their sum, holds for one after the other as well: steps make no binary
/// nodes, and no node is there twice.
std::vector<Subtree> Store::checkSteps(std::span<const StepView> steps) const {
    std::vector<Subtree> contents(steps.size());
    TreeSize growth;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        try {
            const TreeSize more = checkStep(steps[i], contents[i]);
            growth.nodes += more.nodes;
            growth.bytes += more.bytes;
            if (steps.size() > 1)
                tree_.checkGrowth(growth, steps[i].path);
        } catch (const Error& error) {
            throw inStep(steps[i].number, error);
        }
    }
    return contents;
}

namespace {

/// Throws if the next start would refuse the db-version that `value`, or the content for an inject, leaves.
void checkNextStart(std::string_view path, std::string_view value, const Node* content) {
    const Heads heads(path);
    std::string trouble;
    if (heads.first.empty() && content != nullptr) {
        if (const Node* const version = content->child(versionNode))
            trouble = versionTrouble(version->text());
    } else if (heads.first == versionNode) {
        trouble = heads.second.empty() ? versionTrouble(content != nullptr ? content->text() : value)
                                       : "db-version is a number and has no nodes below it";
    }
    if (!trouble.empty())
        throw Error("/db-version is not changed, as dbd would not start again: " + trouble);
}

} // namespace

/// The most by which the tree may grow.
TreeSize Store::checkStep(const StepView& step, Subtree& content) const {
    if (step.kind == StepKind::write) {
        checkTarget(step.path, nullptr);
        checkNextStart(step.path, step.value, nullptr);
        return tree_.checkWrite(step.path, step.value);
    }
    if (step.kind == StepKind::inject) {
        content = tree_.parse(step.path, step.value);
        checkTarget(step.path, content.node.get());
        checkNextStart(step.path, {}, content.node.get());
        return tree_.checkPut(step.path, content);
    }
    tree_.checkRm(step.path);
    return {};
}

Error inStep(std::size_t number, const Error& error) {
    return number == 0 ? error : Error(error.name(), "step " + std::to_string(number) + ": " + error.what());
}

void Store::doStep(const StepView& step, Subtree content) {
    switch (step.kind) {
    case StepKind::write:
        tree_.write(step.path, step.value);
        break;
    case StepKind::inject:
        tree_.put(step.path, std::move(content));
        break;
    case StepKind::rm:
        tree_.rm(step.path);
        break;
    case StepKind::remove:
        tree_.remove(step.path, areaOf(Heads(step.path).first) != nullptr);
        break;
    case StepKind::discard:
        tree_.discard(step.path);
        break;
    }
}

FileMark Store::markOf(FileMark::Kind kind, const std::string& record, const FileState& state) const {
    return {kind, record, state.saved, state.disk.exists, state.disk.size, state.disk.hash};
}

/// What the journal must know of the files of the records that the steps change. Of files that do not exist
/// it knows already: a record without a mark has none.
std::vector<FileMark> Store::foundMarks(std::span<const StepView> steps) const {
    std::vector<FileMark> marks;
    const auto add = [this, &marks](States::const_iterator state) {
        if (state != states_.end() && state->second.disk.exists && !journal_.knows(state->first))
            marks.push_back(markOf(FileMark::Kind::found, state->first, state->second));
    };
    for (const StepView& step : steps) {
        const Scope scope(step.path);
        if (!scope.wide || step.kind == StepKind::discard) {
            // That of /vm is the business of db.
            add(states_.find(scope.wide ? std::string(dbRecord) : scope.record));
            continue;
        }
        add(states_.find(dbRecord)); // which holds /vm itself while that has no children
        for (auto state = states_.lower_bound(scope.record);
             state != states_.end() && state->first.starts_with(scope.record); ++state)
            add(state);
    }
    return marks;
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

bool Store::finish() {
    touched_.clear();
    return std::exchange(anyChange_, false);
}

// ---- Which files a change touches ----

void Store::onChange(std::string_view path) {
    if (!loading_) {
        anyChange_ = true;
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
    if (state->second.since == 0)
        state->second.since = sequence_;
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

std::vector<FileImage> Store::takeDirty(std::size_t maxBytes) {
    std::vector<FileImage> images;
    if (busy())
        return images;
    // New content comes before what it may have been moved from: children's files, then db, then removals.
    std::array<std::vector<std::string>, 3> phases;
    for (const std::string& record : dirty_)
        phases[record == dbRecord ? 1 : isPresent(record) ? 0 : 2].push_back(record);
    std::size_t bytes = 0;
    std::vector<FileMark> marks;
    for (const std::vector<std::string>& phase : phases) {
        for (const std::string& record : phase) {
            if (bytes >= maxBytes)
                break;
            images.push_back(image(record, states_.find(record)->second));
            FileImage& last = images.back();
            last.onlyAfterOthers = last.onlyAfterOthers || last.action == FileImage::Action::Remove;
            bytes += last.text.size();
            const Fingerprint wanted(FileStat{}, last.text);
            const bool written = last.action == FileImage::Action::Write;
            marks.push_back({FileMark::Kind::writing, record, last.sequence, written,
                             written ? wanted.size : 0, written ? wanted.hash : 0});
        }
    }
    journal_.append(marks);
    for (const FileImage& each : images) {
        FileState& state = states_.find(each.record)->second;
        state.inFlightSince = std::exchange(state.since, 0);
        inFlight_.insert(dirty_.extract(each.record));
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
        const std::uint64_t contained = std::exchange(state.inFlightSince, 0);
        if (!result.durable) {
            state.since = contained;
        } else {
            state.saved = result.sequence;
            saved_.push_back(markOf(FileMark::Kind::saved, result.record, state));
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

std::vector<SpentSegment> Store::endFlush() {
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max(); // that is in the journal alone
    for (const auto* records : {&dirty_, &inFlight_}) {
        for (const std::string& record : *records) {
            const FileState& state = states_.find(record)->second;
            for (const std::uint64_t since : {state.since, state.inFlightSince})
                oldest = since == 0 ? oldest : std::min(oldest, since);
        }
    }
    const std::vector<FileMark> saved = std::exchange(saved_, {});
    if (dirtyFiles() == 0)
        journal_.rotate(); // not even the last segment is needed
    else
        journal_.append(saved);
    return journal_.dismissCovered(oldest);
}

std::vector<Problem> Store::saveNow() {
    if (busy())
        throw std::logic_error("dbd: saveNow while a disk job is under way");
    std::vector<Problem> problems;
    try {
        beginFlush();
        std::vector<FileImage> images = takeDirty();
        const Journal::SyncJob job = journal_.takeSync();
        const Problem trouble = job.run(fs_);
        journal_.synced(job, trouble.text.empty());
        if (!trouble.text.empty())
            problems.push_back(trouble);
        const auto written = completed(writeImages(fs_, directory_, std::move(images)));
        problems.insert(problems.end(), written.begin(), written.end());
        const Removal removal = removeSegments(fs_, endFlush());
        journal_.removed(removal.removed);
        problems.insert(problems.end(), removal.problems.begin(), removal.problems.end());
    } catch (const Error& error) {
        problems.push_back({directory_, 0, error.what()});
    }
    return problems;
}

std::vector<std::string> Store::unsaved() const {
    std::vector<std::string> records(dirty_.begin(), dirty_.end());
    records.insert(records.end(), inFlight_.begin(), inFlight_.end());
    return records;
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
