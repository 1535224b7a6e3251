// SPDX-License-Identifier: Apache-2.0
// What is done to a database directory while no dbd serves it: checking, settling and repairing it. Reads as
// the daemon does; no bus.
#pragma once

#include "dbd/disk.hpp"
#include "dbd/limits.hpp"

#include <string>
#include <vector>

namespace xb::dbd {

/// What to print, and whether the directory is as it should be.
struct Report {
    std::vector<Problem> lines;
    std::vector<std::string> notes; ///< worth knowing, but nothing is wrong
    bool good = true;
};

/// Finds everything that is wrong with the files and the journal in `directory`, as a start would, and
/// changes nothing. May be used while a dbd runs there; then what is in the journal and not in the files is
/// no problem. Good: nothing is wrong. Throws xb::Error if there is no such directory.
Report check(FileSystem& fs, const std::string& directory, const Limits& limits);

/// Writes what the journal holds into the files, as a start and an orderly end would. Good: everything is
/// saved and the journal is empty. Throws xb::Error if a dbd runs there, or none could start.
Report settle(FileSystem& fs, const std::string& directory, const Limits& limits);

/// Makes the directory one that a start finds nothing wrong with, and says what it did. Nothing is deleted:
/// what is damaged ends in DIR/set-aside. Good: a check finds nothing any more. Throws xb::Error, having
/// changed nothing, if a dbd runs there or the database is of a version that this dbd does not know.
Report repair(FileSystem& fs, const std::string& directory, const Limits& limits);

} // namespace xb::dbd
