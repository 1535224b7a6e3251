// SPDX-License-Identifier: Apache-2.0
// A file system whose changes are remembered and seen by later calls, but never reach the disk: what would a
// start do?
#pragma once

#include "dbd/file_system.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::dbd {

class DryRun final : public FileSystem {
public:
    /// `disk` must outlive this.
    explicit DryRun(FileSystem& disk) : disk_(disk) {}

    /// Pretends that there is a file with this text.
    void put(const std::string& path, std::string text);
    /// What was unlinked, in order.
    const std::vector<std::string>& unlinked() const { return unlinked_; }

    std::error_code stat(const std::string& path, std::optional<FileStat>& out) override;
    /// As the disk has it: names that were made or removed here are not looked for.
    std::error_code list(const std::string& path, std::vector<std::string>& names) override;
    std::error_code read(const std::string& path, std::size_t limit, std::string& text,
                         FileStat& stat) override;
    std::error_code create(const std::string& path, std::unique_ptr<OutputFile>& out) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code unlink(const std::string& path) override;
    std::error_code makeDirectory(const std::string& path) override;
    std::error_code syncDirectory(const std::string& path) override;

private:
    struct Entry {
        std::optional<std::string> original; ///< the path on disk that it is
        std::shared_ptr<std::string> text;   ///< or its text; neither: nothing is there
    };
    std::error_code entry(const std::string& path, Entry& out);

    FileSystem& disk_;
    std::map<std::string, Entry> changed_;
    std::vector<std::string> unlinked_;
};

} // namespace xb::dbd
