// SPDX-License-Identifier: Apache-2.0
// Doing again, at a start, what the journal holds and the files do not: for each record the changes behind
// the position that its file is at. A file that is none of those that dbd wrote or found was restored or
// edited by somebody, and wins: the changes of that record are kept in DIR/set-aside as text. Used by
// Store::load() alone.
#pragma once

#include "dbd/store.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xb::dbd {

class Replay {
public:
    Replay(Store& store, const JournalContent& content)
        : store_(store), content_(content), bare_(store.bareInDb_) {}
    /// Changes the tree and marks what is not in the files as such.
    std::vector<Problem> run();

private:
    static constexpr std::uint64_t foreign = std::numeric_limits<std::uint64_t>::max();

    void learn(const FileMark& mark);
    std::uint64_t positionOf(const std::string& record);
    std::uint64_t match(const std::string& record) const;
    void redo(const StepView& step, std::uint64_t sequence);
    void redoWide(const StepView& step, std::uint64_t sequence, const std::string& prefix);
    void followBare(const StepView& step, std::uint64_t sequence);
    void settleBare();
    void doStep(const StepView& step);
    void keep(const std::string& record, const StepView& step, std::uint64_t sequence);
    std::set<std::string> partsBelow(const std::string& prefix) const;
    void keepOnDisk();

    Store& store_;
    const JournalContent& content_;
    std::array<std::optional<Store::Bare>, std::size(areas)> bare_; ///< what a childless /vm or /dom-store is
    std::map<std::string, std::vector<FileMark>> marks_;            ///< what each record's file may be
    std::map<std::string, std::uint64_t> positions_;
    std::map<std::string, std::string> kept_; ///< by record: the changes that its file overrules, a line each
    std::vector<Problem> problems_;
};

} // namespace xb::dbd
