// SPDX-License-Identifier: Apache-2.0
#include "dbd/store_replay.hpp"

#include "dbd/json.hpp"
#include "dbd/store_detail.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::dbd {

NodePtr Store::Bare::make() const {
    NodePtr node = Node::make({});
    if (kind == NodeKind::Nodes)
        node->setNodes();
    else
        node->setValue(kind, text);
    return node;
}

std::vector<Problem> Replay::run() {
    for (const JournalEntry& entry : content_.entries) {
        if (const auto* mark = std::get_if<FileMark>(&entry))
            learn(*mark);
    }
    for (const JournalEntry& entry : content_.entries) {
        if (const auto* change = std::get_if<Change>(&entry)) {
            for (const Step& step : change->steps)
                redo(step.view(), change->sequence);
        }
    }
    if (!content_.entries.empty())
        settleBare();
    // From here on a file is at the position that was found for it, or contains everything.
    for (auto& [record, state] : store_.states_) {
        const auto position = positions_.find(record);
        if (!state.dirty()) {
            state.changed = state.saved = store_.sequence_;
        } else if (position != positions_.end() && position->second != foreign) {
            state.saved = position->second;
            state.since = position->second + 1;
        }
    }
    keepOnDisk();
    return std::move(problems_);
}

void Replay::learn(const FileMark& mark) {
    std::vector<FileMark>& known = marks_[mark.record];
    if (mark.kind == FileMark::Kind::saved)
        known.clear();
    else if (mark.kind == FileMark::Kind::found)
        std::erase_if(known, [&mark](const FileMark& each) {
            return each.kind != FileMark::Kind::writing || each.position <= mark.position;
        });
    known.push_back(mark);
}

/// Up to which change a record's file is, or `foreign`. Asked before the first change of the record is done
/// again.
std::uint64_t Replay::positionOf(const std::string& record) {
    const auto known = positions_.find(record);
    if (known != positions_.end())
        return known->second;
    return positions_[record] = match(record);
}

std::uint64_t Replay::match(const std::string& record) const {
    const auto state = store_.states_.find(record);
    if (state != store_.states_.end() && !state->second.quarantine.empty())
        return foreign;
    const Fingerprint disk = state == store_.states_.end() ? Fingerprint{} : state->second.disk;
    const auto marks = marks_.find(record);
    if (marks == marks_.end())
        return disk.exists ? foreign : 0;
    for (auto mark = marks->second.rbegin(); mark != marks->second.rend(); ++mark) {
        if (mark->exists == disk.exists &&
            (!disk.exists || (mark->size == disk.size && mark->hash == disk.hash)))
            return mark->position;
    }
    // A record without a file has had none all the time, unless a mark says otherwise.
    const bool hadFile = std::ranges::any_of(marks->second, [](const FileMark& mark) {
        return mark.kind != FileMark::Kind::writing && mark.exists;
    });
    return disk.exists || hadFile ? foreign : 0;
}

void Replay::redo(const StepView& step, std::uint64_t sequence) {
    Scope scope(step.path);
    if (step.kind == StepKind::discard && scope.wide) { // of /vm itself, which is the business of db
        scope.wide = false;
        scope.record = dbRecord;
    }
    if (scope.wide) {
        redoWide(step, sequence, scope.record);
        return;
    }
    const std::uint64_t position = positionOf(scope.record);
    followBare(step, sequence);
    if (position == foreign)
        keep(scope.record, step, sequence);
    else if (position < sequence)
        doStep(step);
}

/// The paths of the parts of the tree that the prefix of a wide scope covers: the records of areas, and for
/// the whole tree each node that db holds as well.
std::set<std::string> Replay::partsBelow(const std::string& prefix) const {
    std::set<std::string> parts;
    for (const Area& area : areas) {
        if (!prefix.empty() && prefix != areaPrefix(area))
            continue;
        const Node* const node = store_.tree_.root().child(area.node);
        for (const Node* child = node != nullptr ? node->firstChild() : nullptr; child != nullptr;
             child = child->next())
            parts.insert(childRecord(area, child->name()));
        for (auto mark = marks_.lower_bound(areaPrefix(area));
             mark != marks_.end() && mark->first.starts_with(areaPrefix(area)); ++mark)
            parts.insert(mark->first);
    }
    if (prefix.empty()) {
        for (const Node* child = store_.tree_.root().firstChild(); child != nullptr; child = child->next()) {
            if (areaOf(child->name()) == nullptr)
                parts.emplace(child->name());
        }
    }
    return parts;
}

/// An operation on /, /vm or /dom-store: files that contain it already keep their part of the tree as it is.
void Replay::redoWide(const StepView& step, std::uint64_t sequence, const std::string& prefix) {
    const auto isAhead = [this, sequence](const std::string& path) {
        return positionOf(Scope(path).record) >= sequence;
    };
    std::map<std::string, NodePtr> ahead; ///< by path; nullptr: it must not be there
    std::set<std::string> overruled;
    for (const std::string& path : partsBelow(prefix)) {
        if (!isAhead(path))
            continue;
        ahead[path] = store_.tree_.extract(path);
        const std::string record = Scope(path).record;
        if (positionOf(record) == foreign && overruled.insert(record).second)
            keep(record, step, sequence);
    }
    doStep(step);
    followBare(step, sequence);
    Tree& tree = store_.tree_;
    for (const std::string& path : partsBelow(prefix)) {
        if (isAhead(path))
            static_cast<void>(tree.extract(path));
    }
    for (auto& [path, content] : ahead) {
        if (content)
            tree.graft(path, std::move(content));
    }
}

/// /vm and /dom-store are in db as long as they have no children: what they are then follows the position of
/// db, whatever the records below them are at.
void Replay::followBare(const StepView& step, std::uint64_t sequence) {
    if (positionOf(std::string(dbRecord)) >= sequence)
        return;
    const Heads heads(step.path);
    const bool below = !heads.second.empty();
    if (below && (step.kind == StepKind::rm || step.kind == StepKind::discard))
        return;      // if that takes the last child, a discard of its own says so
    NodePtr content; // of the path, where the step leaves something there
    if (below && step.kind == StepKind::remove) {
        content = Node::make({}); // what the area is if that takes the last child
        content->setNodes();
    } else if (!below && step.kind == StepKind::inject) {
        content = parseJson(step.value, Trailing::Ignored, store_.tree_.limits()).node;
    } else if (!below && step.kind == StepKind::write) {
        content = Node::make({});
        content->setValue(NodeKind::String, step.value);
    }
    for (std::size_t i = 0; i < bare_.size(); ++i) {
        if (!heads.first.empty() && heads.first != areas[i].node)
            continue;
        const Node* node = content.get();
        if (node != nullptr && heads.first.empty())
            node = node->child(areas[i].node);
        if (node != nullptr && node->childCount() == 0)
            bare_[i].emplace(*node);
        else
            bare_[i].reset();
    }
}

/// At the end.
void Replay::settleBare() {
    Tree& tree = store_.tree_;
    for (std::size_t i = 0; i < bare_.size(); ++i) {
        const Node* const node = tree.root().child(areas[i].node);
        if (node != nullptr && node->childCount() > 0)
            continue;
        const std::string path(areas[i].node);
        static_cast<void>(tree.extract(path));
        if (bare_[i])
            tree.graft(path, bare_[i]->make());
    }
    store_.checkAreaShapes(false);
}

void Replay::doStep(const StepView& step) {
    try {
        Tree& tree = store_.tree_;
        Subtree content;
        if (step.kind == StepKind::inject)
            content = tree.parse(step.path, step.value);
        std::vector<std::string> spared; // what an rm took with it elsewhere has steps of its own
        if (step.kind == StepKind::rm)
            spared = tree.discardedHigh(step.path);
        std::erase_if(
            spared, [&tree](const std::string& path) { return tree.find(path)->kind() != NodeKind::Empty; });
        for (const std::string& path : spared)
            static_cast<void>(tree.extract(path));
        store_.doStep(step, std::move(content));
        for (const std::string& path : spared)
            tree.graft(path, Node::make({}));
    } catch (const Error& error) {
        // It was possible once: limits were lowered, or a binary file took its place.
        problems_.push_back({store_.directory_ + "/journal", 0,
                             fmt::format("a {} of {} cannot be done again: {}", nameOf(step.kind),
                                         forMessage(step.path), error.what())});
        keep(Scope(step.path).record, step, 0);
    }
}

void Replay::keep(const std::string& record, const StepView& step, std::uint64_t sequence) {
    std::string& text = kept_[record];
    text += fmt::format("{{\"change\":{},\"do\":\"{}\",\"path\":", sequence, nameOf(step.kind));
    appendJsonString(text, step.path);
    if (step.kind == StepKind::write || step.kind == StepKind::inject) {
        text += ",\"value\":";
        appendJsonString(text, step.value);
    }
    text += "}\n";
}

void Replay::keepOnDisk() {
    for (const auto& [record, text] : kept_) {
        const std::string file = recordPath(store_.directory_, record);
        std::string where;
        if (const std::error_code error =
                keepAside(store_.fs_, store_.directory_, file + ".changes", text, where))
            problems_.push_back(
                {file, 0, "changes that it does not hold cannot be kept: " + error.message()});
        else
            problems_.push_back(
                {file, 0,
                 "was changed by somebody else while dbd had changes that were not in it; the file "
                 "counts, those changes are kept as " +
                     where});
    }
}

} // namespace xb::dbd
