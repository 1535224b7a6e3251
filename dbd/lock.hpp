// SPDX-License-Identifier: Apache-2.0
// One dbd per directory: whoever changes the files in DIR holds a lock on DIR/journal/lock, which the kernel
// lets go when that process ends, however it ends. The file holds the process id, for messages alone.
#pragma once

#include "dbd/disk.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <optional>
#include <string>

namespace xb::dbd {

/// The lock's name in DIR/journal.
inline constexpr std::string_view lockName = "lock";

class DirectoryLock {
public:
    /// Takes the lock. Throws xb::Error, naming the process that has it, if there is one.
    DirectoryLock(FileSystem& fs, const std::string& directory);

    /// Why there is no lock although nobody else has it, as on a read-only disk; an empty text: it is held.
    const Problem& trouble() const { return trouble_; }

private:
    UniqueFd file_;
    Problem trouble_;
};

/// The process that holds DIR, "process 123"; nothing if there is none. Changes nothing and never stands in
/// the way of a dbd that starts.
std::optional<std::string> holderOf(const std::string& directory);

} // namespace xb::dbd
