// SPDX-License-Identifier: Apache-2.0
// What check, settle and repair share; not for others.
#pragma once

#include "dbd/journal.hpp"
#include "dbd/maintenance.hpp"

#include <string>
#include <vector>

namespace xb::dbd {

/// Throws xb::Error if there is no directory to work on.
void requireDirectory(FileSystem& fs, const std::string& directory);

/// The journal, as a start reads it.
JournalContent readJournal(FileSystem& fs, const std::string& directory, const Limits& limits);

/// What a start would find wrong, by file and line. `live`: the journal is a running dbd's, and what it holds
/// counts for nothing.
std::vector<Problem> inspect(FileSystem& fs, const std::string& directory, const Limits& limits, bool live);

/// Loads with this journal and saves everything. Adds to the report. The lock must be held.
void loadAndSave(FileSystem& fs, const std::string& directory, const Limits& limits, JournalContent journal,
                 Report& report);

} // namespace xb::dbd
