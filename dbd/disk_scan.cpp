// SPDX-License-Identifier: Apache-2.0
// Finding out what lies in the database directory.
#include "dbd/disk.hpp"

#include "dbd/path.hpp"
#include "dbd/siphash.hpp"

#include <algorithm>

namespace xb::dbd {

namespace {

constexpr std::string_view recordSuffix = ".db";
constexpr std::string_view temporarySuffix = ".tmp";

struct Directory {
    std::string path;
    std::string node;
    std::size_t depth; // of the node
};

class Scanner {
public:
    Scanner(FileSystem& fs, const Limits& limits) : fs_(fs), limits_(limits) {}

    DiskScan scan(const std::string& directory) {
        root(directory);
        for (const Area& area : areas)
            pending_.push_back({directory + "/" + std::string(area.directory), std::string(area.node), 1});
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const Directory next = pending_[i]; // a copy: walking it adds to the list
            walk(next);
        }
        return std::move(result_);
    }

private:
    void problem(const std::string& file, std::string text) {
        result_.problems.push_back({file, 0, std::move(text)});
    }

    void ignore(const std::string& path, const std::string& why) {
        problem(isCleanText(path) ? path : forMessage(path), "is ignored: " + why);
        result_.ignored.push_back(path);
    }

    void root(const std::string& directory) {
        const DiskFile file{"", directory + "/db", {}};
        place(file, result_.records, "is not a regular file");
        std::optional<FileStat> stat;
        const std::string temporary = file.path + std::string(temporarySuffix);
        if (!fs_.stat(temporary, stat) && stat)
            result_.temporaries.push_back({"", temporary, *stat});
    }

    /// Adds `file` to `list` if it is a regular one.
    void place(DiskFile file, std::vector<DiskFile>& list, const char* otherwise) {
        std::optional<FileStat> stat;
        if (const std::error_code error = fs_.stat(file.path, stat)) {
            problem(file.path, "cannot be examined: " + error.message());
            result_.unusable.push_back(std::move(file));
        } else if (stat && stat->type == FileStat::Type::Regular) {
            file.stat = *stat;
            list.push_back(std::move(file));
        } else if (stat) {
            problem(file.path, otherwise);
            result_.unusable.push_back(std::move(file));
        }
    }

    void walk(const Directory& directory) {
        std::optional<FileStat> stat;
        std::error_code error = fs_.stat(directory.path, stat);
        if (!error && !stat)
            return;
        std::vector<std::string> names;
        if (!error)
            error = fs_.list(directory.path, names);
        if (error) {
            problem(directory.path, "cannot be listed, what it holds is missing: " + error.message());
            result_.unreadable.push_back(directory.node);
            return;
        }
        for (const std::string& name : names)
            entry(directory, name);
    }

    void entry(const Directory& directory, const std::string& name) {
        const std::string path = directory.path + "/" + name;
        if (!isCleanText(name)) {
            ignore(path, "its name is not valid UTF-8");
            return;
        }
        const std::string_view view = name;
        const std::string prefix = directory.node + "/";
        if (view.ends_with(temporarySuffix) &&
            view.substr(0, view.size() - temporarySuffix.size()).ends_with(recordSuffix)) {
            const std::string_view base =
                view.substr(0, view.size() - temporarySuffix.size() - recordSuffix.size());
            if (directory.depth == 1 && !base.empty())
                place({prefix + std::string(base), path, {}}, result_.temporaries, "is not a regular file");
            else
                ignore(path, "it is left over from an interrupted write of a file that is not dbd's");
        } else if (view.ends_with(recordSuffix)) {
            const std::string base(view.substr(0, view.size() - recordSuffix.size()));
            if (base.empty())
                ignore(path, "it has no name before .db");
            else
                place({prefix + base, path, {}}, directory.depth == 1 ? result_.records : result_.nested,
                      "is not a regular file, so the node cannot be served or written");
        } else {
            other(directory, {prefix + name, path, {}});
        }
    }

    /// A file without .db, or a sub-directory.
    void other(const Directory& directory, DiskFile file) {
        std::optional<FileStat> stat;
        if (const std::error_code error = fs_.stat(file.path, stat)) {
            ignore(file.path, error.message());
        } else if (!stat || stat->type == FileStat::Type::Other) {
            ignore(file.path, "it is neither a file nor a directory");
        } else if (directory.depth + 1 > limits_.depth) {
            ignore(file.path, "it lies deeper than " + std::to_string(limits_.depth) + " levels");
        } else if (stat->type == FileStat::Type::Directory) {
            result_.directories.push_back(file.node);
            pending_.push_back({file.path, file.node, directory.depth + 1});
        } else {
            file.stat = *stat;
            result_.binaries.push_back(std::move(file));
        }
    }

    FileSystem& fs_;
    const Limits& limits_;
    DiskScan result_;
    std::vector<Directory> pending_;
};

} // namespace

std::string Problem::message() const {
    return file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + text;
}

Fingerprint::Fingerprint(const FileStat& stat, std::string_view content)
    : exists(true), size(content.size()), modifiedNs(stat.modifiedNs), inode(stat.inode),
      hash(sipHash({}, content)) {}

bool Fingerprint::looksLike(const FileStat& stat) const {
    return exists && stat.type == FileStat::Type::Regular && size == stat.size &&
           modifiedNs == stat.modifiedNs && inode == stat.inode;
}

const Area* areaOf(std::string_view firstName) {
    const auto* const found = std::ranges::find(areas, firstName, &Area::node);
    return found == std::end(areas) ? nullptr : found;
}

std::string recordPath(const std::string& directory, std::string_view record) {
    const auto slash = record.find('/');
    const Area* const area = areaOf(record.substr(0, slash));
    if (area == nullptr || slash == std::string_view::npos)
        return directory + "/db";
    return directory + "/" + std::string(area->directory) + std::string(record.substr(slash)) +
           std::string(recordSuffix);
}

DiskScan scanDirectory(FileSystem& fs, const std::string& directory, const Limits& limits) {
    return Scanner(fs, limits).scan(directory);
}

DiskChanges findChanges(FileSystem& fs, const std::string& directory, const Limits& limits,
                        const KnownFiles& known) {
    DiskChanges result;
    result.scan = scanDirectory(fs, directory, limits);
    for (const DiskFile& file : result.scan.records) {
        const auto before = known.find(file.node);
        if (before != known.end() && before->second.looksLike(file.stat)) {
            result.same.emplace(file.node, before->second);
            continue;
        }
        DiskChanges::Changed changed;
        FileStat stat;
        changed.error = fs.read(file.path, limits.fileBytes, changed.text, stat);
        if (!changed.error)
            changed.now = Fingerprint(stat, changed.text);
        const bool same = !changed.error && before != known.end() && before->second.exists &&
                          before->second.hash == changed.now.hash && before->second.size == changed.now.size;
        if (same)
            result.same.emplace(file.node, changed.now);
        else
            result.changed.emplace(file.node, std::move(changed));
    }
    return result;
}

} // namespace xb::dbd
