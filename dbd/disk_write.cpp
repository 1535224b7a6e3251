// SPDX-License-Identifier: Apache-2.0
// Replacing and removing record files so that a crash or a failure at any point loses nothing.
#include "dbd/disk.hpp"

#include <cerrno>
#include <set>

namespace xb::dbd {

namespace {

constexpr int maxAsideNumber = 100'000; // copies of one file that are set aside

std::string parentOf(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

bool isErrno(const std::error_code& error, int value) {
    return error.category() == std::generic_category() && error.value() == value;
}

} // namespace

std::error_code makeDirectories(FileSystem& fs, const std::string& path) {
    std::error_code error = fs.makeDirectory(path);
    if (isErrno(error, ENOENT) && parentOf(path) != path) {
        error = makeDirectories(fs, parentOf(path)); // as deep as the option that named DIR, no deeper
        if (!error)
            error = fs.makeDirectory(path);
    }
    if (isErrno(error, EEXIST))
        return {};
    return error ? error : fs.syncDirectory(parentOf(path));
}

namespace {

class ImageWriter {
public:
    ImageWriter(FileSystem& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}

    std::vector<WriteResult> run(const std::vector<FileImage>& images) {
        bool failed = false;
        bool removing = false;
        for (const FileImage& image : images) {
            // What an earlier record may have taken over must be durable before this one forgets it.
            const bool remove = image.action == FileImage::Action::Remove;
            if (image.onlyAfterOthers && !(remove && removing))
                failed = syncDirectories() || failed;
            removing = remove;
            WriteResult result{image.record, image.sequence, false, image.expected, {}};
            if (image.onlyAfterOthers && failed) {
                result.problems.push_back({image.path, 0,
                                           remove ? "is not removed before the other files are written"
                                                  : "is not written before the other files are"});
            } else {
                one(image, result);
                failed = failed || (!remove && !result.durable);
            }
            results_.push_back(std::move(result));
            parents_.push_back(parentOf(image.path));
        }
        syncDirectories();
        return std::move(results_);
    }

private:
    /// Carries out one image. result.durable then still depends on the directory's sync.
    void one(const FileImage& image, WriteResult& result) {
        std::string step;
        const bool write = image.action == FileImage::Action::Write;
        std::error_code error = write ? replace(image, result, step) : remove(image, result, step);
        for (const std::string& path : image.superseded) {
            if (!error)
                error = moveAside(path, "its content is now in " + image.path, result, step);
        }
        if (error)
            result.problems.push_back({image.path, 0, step + ": " + error.message()});
        result.durable = !error;
    }

    /// What is on disk now. Reads only if the file does not look as it should.
    std::error_code current(const FileImage& image, Fingerprint& now) {
        std::optional<FileStat> stat;
        if (const std::error_code error = fs_.stat(image.path, stat))
            return error;
        if (!stat) {
            now = {};
            return {};
        }
        if (image.expected.looksLike(*stat)) {
            now = image.expected;
            return {};
        }
        if (stat->type != FileStat::Type::Regular)
            return {stat->type == FileStat::Type::Directory ? EISDIR : EINVAL, std::generic_category()};
        std::string text;
        FileStat read;
        if (const std::error_code error = fs_.read(image.path, static_cast<std::size_t>(-1), text, read))
            return error;
        now = Fingerprint(read, text);
        return {};
    }

    static bool sameContent(const Fingerprint& a, const Fingerprint& b) {
        return a.exists == b.exists && (!a.exists || (a.size == b.size && a.hash == b.hash));
    }

    static bool holds(const Fingerprint& file, std::string_view text) {
        const Fingerprint wanted(FileStat{}, text);
        return file.exists && file.size == wanted.size && file.hash == wanted.hash;
    }

    std::error_code moveAside(const std::string& path, const std::string& why, WriteResult& result,
                              std::string& step) {
        step = "cannot set " + path + " aside";
        std::string newPath;
        const std::error_code error = setAside(fs_, directory_, path, newPath);
        if (isErrno(error, ENOENT))
            return {};
        if (!error) {
            result.problems.push_back({path, 0, why + "; it was kept as " + newPath});
            touched_.insert(parentOf(path));
        }
        return error;
    }

    /// Sets a file aside that is not what dbd left there.
    std::error_code keepForeign(const FileImage& image, WriteResult& result, std::string& step) {
        if (!result.now.exists || sameContent(result.now, image.expected))
            return {};
        const std::error_code error =
            moveAside(image.path, "was changed by somebody else while a change of dbd's was not yet saved",
                      result, step);
        if (!error)
            result.now = {};
        return error;
    }

    std::error_code replace(const FileImage& image, WriteResult& result, std::string& step) {
        step = "cannot be examined";
        if (const std::error_code error = current(image, result.now))
            return error;
        if (sameContent(result.now, image.expected) && holds(result.now, image.text)) {
            touched_.insert(parentOf(image.path)); // an earlier sync of it may have failed
            return {};
        }
        const std::string temporary = image.path + ".tmp";
        FileStat stat;
        std::error_code error = writeTemporary(temporary, image.text, stat, step);
        if (!error)
            error = keepForeign(image, result, step);
        if (!error) {
            step = "cannot be replaced";
            error = fs_.rename(temporary, image.path);
        }
        if (error) {
            // With the foreign file moved away the temporary is all there is: it stays and is recovered at a
            // start.
            const bool onlyCopy = image.expected.exists && !result.now.exists;
            if (!onlyCopy)
                static_cast<void>(
                    fs_.unlink(temporary)); // best effort: a left-over is dealt with at the next write
            return error;
        }
        result.now = Fingerprint(stat, image.text);
        touched_.insert(parentOf(image.path));
        return {};
    }

    std::error_code writeTemporary(const std::string& path, std::string_view text, FileStat& stat,
                                   std::string& step) {
        step = "cannot remove the left-over " + path;
        std::error_code error = fs_.unlink(path);
        if (error && !isErrno(error, ENOENT))
            return error;
        step = "cannot create " + path;
        std::unique_ptr<OutputFile> file;
        error = fs_.create(path, file);
        if (isErrno(error, ENOENT)) {
            error = makeDirectories(fs_, parentOf(path));
            if (!error)
                error = fs_.create(path, file);
        }
        if (error)
            return error;
        step = "cannot write " + path;
        if ((error = writeAll(*file, text)))
            return error;
        step = "cannot sync " + path;
        if ((error = file->sync()))
            return error;
        return file->stat(stat);
    }

    std::error_code remove(const FileImage& image, WriteResult& result, std::string& step) {
        step = "cannot remove the left-over " + image.path + ".tmp"; // it would come back as the file
        std::error_code error = fs_.unlink(image.path + ".tmp");
        if (error && !isErrno(error, ENOENT))
            return error;
        step = "cannot be examined";
        if ((error = current(image, result.now)))
            return error;
        if ((error = keepForeign(image, result, step)))
            return error;
        if (result.now.exists) {
            step = "cannot be removed";
            if ((error = fs_.unlink(image.path)) && !isErrno(error, ENOENT))
                return error;
        }
        result.now = {};
        touched_.insert(parentOf(image.path));
        return {};
    }

    /// True if one failed: then nothing in that directory counts as durable.
    bool syncDirectories() {
        bool failed = false;
        for (const std::string& path : touched_) {
            const std::error_code error = fs_.syncDirectory(path);
            if (!error || (isErrno(error, ENOENT))) // removed from a directory that is gone itself
                continue;
            failed = true;
            for (std::size_t i = 0; i < results_.size(); ++i) {
                if (parents_[i] != path || !results_[i].durable)
                    continue;
                results_[i].durable = false;
                results_[i].problems.push_back({path, 0, "cannot be synced: " + error.message()});
            }
        }
        touched_.clear();
        return failed;
    }

    FileSystem& fs_;
    std::string directory_;
    std::vector<WriteResult> results_;
    std::vector<std::string> parents_; // the directory of each result's file
    std::set<std::string> touched_;
};

} // namespace

std::string asideDirectory(const std::string& directory) {
    return directory + "/set-aside";
}

namespace {

/// A free name in DIR/set-aside, which is made, for what `path` names.
std::error_code freeName(FileSystem& fs, const std::string& directory, const std::string& path,
                         std::string& newPath) {
    const std::string aside = asideDirectory(directory);
    if (const std::error_code error = makeDirectories(fs, aside))
        return error;
    std::string name = path.starts_with(directory + "/") ? path.substr(directory.size() + 1) : path;
    for (char& c : name)
        c = c == '/' ? '_' : c;
    constexpr std::size_t room = 240; // of the 255 that a file name may have
    if (name.size() > room)
        name.resize(room);
    for (int number = 1; number <= maxAsideNumber; ++number) {
        newPath = aside;
        newPath.append("/").append(name).append(".").append(std::to_string(number));
        std::optional<FileStat> stat;
        if (const std::error_code error = fs.stat(newPath, stat))
            return error;
        if (!stat)
            return {};
    }
    return {EEXIST, std::generic_category()};
}

} // namespace

std::error_code setAside(FileSystem& fs, const std::string& directory, const std::string& path,
                         std::string& newPath) {
    if (const std::error_code error = freeName(fs, directory, path, newPath))
        return error;
    if (const std::error_code error = fs.rename(path, newPath))
        return error;
    return fs.syncDirectory(parentOf(newPath));
}

std::error_code keepAside(FileSystem& fs, const std::string& directory, const std::string& path,
                          std::string_view text, std::string& newPath) {
    if (const std::error_code error = freeName(fs, directory, path, newPath))
        return error;
    std::unique_ptr<OutputFile> file;
    if (const std::error_code error = fs.create(newPath, file))
        return error;
    if (const std::error_code error = writeAll(*file, text))
        return error;
    if (const std::error_code error = file->sync())
        return error;
    return fs.syncDirectory(parentOf(newPath));
}

std::vector<WriteResult> writeImages(FileSystem& fs, const std::string& directory,
                                     std::vector<FileImage> images) {
    return ImageWriter(fs, directory).run(images);
}

} // namespace xb::dbd
