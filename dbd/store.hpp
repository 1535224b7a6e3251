// SPDX-License-Identifier: Apache-2.0
// The tree together with its files. Owns the tree and knows, per file, what is on disk and what has changed
// since; every change of the tree goes through here, into the journal first. The disk is touched by load(),
// reloadNow() and saveNow(), and by the journal's short writes; other work for the disk is handed out as
// values, done elsewhere, and the result brought back, so that no client waits for an fsync. One disk job at
// a time: between takeDirty() and completed(), or beginReload() and applyReload(), no other job is given out.
// Not thread-safe: it belongs to the loop.
#pragma once

#include "dbd/change.hpp"
#include "dbd/disk.hpp"
#include "dbd/journal.hpp"
#include "dbd/tree.hpp"
#include "toolstack/libs/error.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

/// The value of /db-version that this program writes and the highest it understands.
inline constexpr unsigned long dbVersion = 42;

/// The reason why a database cannot be served at all.
class CannotStart : public Error {
public:
    explicit CannotStart(Problem problem) : Error(problem.message()), problem_(std::move(problem)) {}
    const Problem& problem() const { return problem_; }

private:
    Problem problem_;
};

/// An error of one of several steps: as it is, with the step's number before its text (0: without).
Error inStep(std::size_t number, const Error& error);

class Store {
public:
    static constexpr std::size_t noLimit = std::numeric_limits<std::size_t>::max();

    /// `fs` must outlive the store. `directory` is DIR, without a slash at its end.
    Store(FileSystem& fs, std::string directory, Limits limits = {});
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Reads everything. Throws CannotStart if the daemon must not start: DIR/db is bad, unreadable or too
    /// new. A bad VM file is reported, left as it is and not served; its node refuses changes.
    std::vector<Problem> load();
    /// With this in the place of the journal on disk.
    std::vector<Problem> load(JournalContent journal);

    const Tree& tree() const { return tree_; }
    const std::string& directory() const { return directory_; }
    /// Hears the canonical path of everything that changes, reloads included.
    void setListener(Tree::Listener listener) { listener_ = std::move(listener); }

    /// Does all steps, one after the other, or, when it throws, none: as the tree's operations do, and if a
    /// node's file or the journal cannot take the change. Every step is checked against the tree as it was
    /// before the first. A change is in the journal when this returns. Returns whether the tree changed.
    /// Among several steps, remove instead of rm: what an rm discards besides is found before the first step.
    bool apply(std::span<const StepView> steps);
    bool write(std::string_view path, std::string_view value);
    bool inject(std::string_view path, std::string_view json);
    bool rm(std::string_view path);

    Journal& journal() { return journal_; }
    const Journal& journal() const { return journal_; }

    /// Files with changes that are not on disk, those being written included.
    std::size_t dirtyFiles() const { return dirty_.size() + inFlight_.size(); }
    /// Their names.
    std::vector<std::string> unsaved() const;
    bool busy() const { return !inFlight_.empty() || reloading_; }
    /// A flush is beginFlush(), then takeDirty(), a sync of the journal, writeImages() and completed() again
    /// and again, then endFlush(). The journal begins a new segment, so that the ones before can go at the
    /// end.
    void beginFlush() { journal_.rotate(); }
    /// Serialises changed records until `maxBytes` of text are reached, at least one. Empty while busy. The
    /// journal has to be synced before these are written. Throws if the journal cannot take the news.
    std::vector<FileImage> takeDirty(std::size_t maxBytes = noLimit);
    /// Takes the result of writeImages(). What failed is dirty again. Returns what to tell people.
    std::vector<Problem> completed(const std::vector<WriteResult>& results);
    /// The journal's segments that are not needed any more, for removeSegments(); tell the journal which are
    /// removed.
    std::vector<SpentSegment> endFlush();
    /// Saves everything, blocking: for the end of the daemon. dirtyFiles() says what could not be saved.
    std::vector<Problem> saveNow();

    /// Starts a reload: the input of findChanges(). Only while !busy().
    KnownFiles beginReload();
    /// Takes over what findChanges() found. Changed files of unchanged nodes are read; a file that changed on
    /// disk while its node has unsaved changes is reported and set aside by the next save; deleted files
    /// delete nodes.
    std::vector<Problem> applyReload(DiskChanges changes);
    /// Both at once, blocking.
    std::vector<Problem> reloadNow();

    /// Records that are on disk but cannot be served, with the reason.
    std::vector<Problem> quarantined() const;

private:
    struct FileState {
        Fingerprint disk;
        std::uint64_t changed = 0;       // sequence number of the last change
        std::uint64_t saved = 0;         // the last change that is on disk
        std::uint64_t since = 0;         // the first change that no image contains; 0: none
        std::uint64_t inFlightSince = 0; // the first change in the image that is being written
        std::vector<std::string> superseded;
        std::string quarantine; // why the file is not served; empty: it is
        std::size_t quarantineLine = 0;
        bool dirty() const { return changed > saved; }
    };
    using States = std::map<std::string, FileState, std::less<>>;

    void onChange(std::string_view path);
    void touch(std::string_view record);
    void touchArea(const Area& area);
    void checkAreaShapes(bool always);
    bool isInDb(const Area& area) const;
    std::vector<Subtree> checkSteps(std::span<const StepView> steps) const;
    TreeSize checkStep(const StepView& step, Subtree& content) const;
    bool isIgnored(const StepView& step) const;
    void record(std::span<const StepView> steps);
    void doStep(const StepView& step, Subtree content);
    bool finish();
    std::vector<FileMark> foundMarks(std::span<const StepView> steps) const;
    FileMark markOf(FileMark::Kind kind, const std::string& record, const FileState& state) const;
    void checkTarget(std::string_view path, const Node* content) const;
    void checkRecord(std::string_view record) const;
    void checkChildren(const Area& area, const Node* content) const;
    bool isPresent(std::string_view record) const;
    FileImage image(const std::string& record, const FileState& state) const;

    // Loading: store_load.cpp
    void loadFiles(const JournalContent& journal, std::vector<Problem>& problems);
    void syncInherited(const JournalContent& journal, std::vector<Problem>& problems);
    bool loadDb(const DiskScan& scan, std::vector<Problem>& problems);
    void recover(DiskScan& scan, const JournalContent& journal, std::vector<Problem>& problems);
    bool recoverOne(const DiskFile& temporary, DiskFile& recovered, bool announced,
                    std::vector<Problem>& problems);
    void loadRecord(const DiskFile& file, std::vector<Problem>& problems);
    void adoptRecord(const std::string& record, std::string_view text, const Fingerprint& now,
                     std::vector<Problem>& problems);
    void quarantine(const std::string& record, std::size_t line, const std::string& why,
                    const Fingerprint& now, std::vector<Problem>& problems);
    void shunUnusable(const DiskScan& scan);
    void loadNested(const DiskScan& scan, std::vector<Problem>& problems);
    void placeBinaries(const DiskScan& scan, std::vector<Problem>& problems);

    // Reloading: store_reload.cpp
    void reloadDb(DiskChanges& changes, std::vector<Problem>& problems);
    void replaceDb(Node& content, std::vector<Problem>& problems);
    void reloadRecord(const std::string& record, DiskChanges::Changed& changed,
                      std::vector<Problem>& problems);
    void forgetMissing(const DiskChanges& changes, std::vector<Problem>& problems);
    void dropStaleBinaries(const DiskScan& scan);
    NodePtr parseDb(std::string_view text) const;

    // Doing the journal's changes again: store_replay.cpp
    friend class Replay;

    FileSystem& fs_;
    std::string directory_;
    Tree tree_;
    Journal journal_;
    Tree::Listener listener_;
    States states_;
    std::set<std::string, std::less<>> dirty_; // records that changed and are not in flight
    std::set<std::string, std::less<>> inFlight_;
    std::set<std::string, std::less<>> touched_; // by the operation under way
    std::array<bool, std::size(areas)> inDb_{};  // whether db holds /vm, /dom-store: only without children
    std::vector<FileMark> saved_;                // since the flush began
    struct Bare {                                // a childless node
        NodeKind kind = NodeKind::Nodes;
        std::string text;
        explicit Bare(const Node& node) : kind(node.kind()), text(node.text()) {}
        NodePtr make() const;
    };
    std::array<std::optional<Bare>, std::size(areas)>
        bareInDb_; // the childless areas that db held at the start
    std::uint64_t sequence_ = 0;
    bool anyChange_ = false; // in the operation under way
    bool loading_ = false;   // changes come from files and make nothing dirty
    bool reloading_ = false;
    bool moving_ = false; // db on disk holds children of /vm that get files of their own
};

} // namespace xb::dbd
