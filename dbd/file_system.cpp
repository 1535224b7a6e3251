// SPDX-License-Identifier: Apache-2.0
// File operations by POSIX calls.
#include "dbd/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::dbd {

namespace {

constexpr mode_t fileMode = 0644;
constexpr mode_t directoryMode = 0755;
constexpr std::size_t readChunk = std::size_t{64} * 1024;

std::error_code lastError() {
    return {errno, std::generic_category()};
}
std::error_code errorOf(int value) {
    return {value, std::generic_category()};
}

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor() {
        if (value_ >= 0)
            ::close(value_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }
    bool valid() const { return value_ >= 0; }

private:
    int value_;
};

FileStat convert(const struct stat& from) {
    FileStat to;
    if (S_ISREG(from.st_mode))
        to.type = FileStat::Type::Regular;
    else if (S_ISDIR(from.st_mode))
        to.type = FileStat::Type::Directory;
    to.size = static_cast<std::uint64_t>(from.st_size);
    to.modifiedNs = std::int64_t{from.st_mtim.tv_sec} * 1'000'000'000 + from.st_mtim.tv_nsec;
    to.inode = from.st_ino;
    return to;
}

class PosixOutputFile final : public OutputFile {
public:
    explicit PosixOutputFile(int fd) : fd_(fd) {}

    std::error_code write(std::string_view data, std::size_t& written) override {
        ssize_t count = 0;
        do
            count = ::write(fd_.get(), data.data(), data.size());
        while (count < 0 && errno == EINTR);
        if (count < 0)
            return lastError();
        written = static_cast<std::size_t>(count);
        return {};
    }
    std::error_code sync() override { return ::fsync(fd_.get()) == 0 ? std::error_code{} : lastError(); }
    std::error_code stat(FileStat& out) override {
        struct stat raw {};
        if (::fstat(fd_.get(), &raw) != 0)
            return lastError();
        out = convert(raw);
        return {};
    }

private:
    Descriptor fd_;
};

} // namespace

std::error_code PosixFileSystem::stat(const std::string& path, std::optional<FileStat>& out) {
    out.reset();
    struct stat raw {};
    if (::lstat(path.c_str(), &raw) != 0)
        return errno == ENOENT ? std::error_code{} : lastError();
    const bool link = S_ISLNK(raw.st_mode);
    if (link && ::stat(path.c_str(), &raw) != 0 && errno != ENOENT)
        return lastError();
    out = convert(raw);
    if (link && out->type == FileStat::Type::Directory)
        out->type = FileStat::Type::Other; // so that no walk goes in circles
    return {};
}

std::error_code PosixFileSystem::list(const std::string& path, std::vector<std::string>& names) {
    names.clear();
    struct Closer {
        void operator()(DIR* directory) const { ::closedir(directory); }
    };
    const std::unique_ptr<DIR, Closer> directory(::opendir(path.c_str()));
    if (directory == nullptr)
        return lastError();
    while (true) {
        errno = 0;
        const dirent* const entry = ::readdir(directory.get()); // one thread per DIR: readdir is safe
        if (entry == nullptr)
            break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            names.emplace_back(name);
    }
    if (errno != 0)
        return lastError();
    std::ranges::sort(names);
    return {};
}

std::error_code PosixFileSystem::read(const std::string& path, std::size_t limit, std::string& text,
                                      FileStat& stat) {
    text.clear();
    // O_NONBLOCK: a fifo in the place of a file must not hang us.
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid())
        return lastError();
    struct stat raw {};
    if (::fstat(fd.get(), &raw) != 0)
        return lastError();
    stat = convert(raw);
    if (stat.type != FileStat::Type::Regular)
        return errorOf(stat.type == FileStat::Type::Directory ? EISDIR : EINVAL);
    if (stat.size > limit)
        return errorOf(EFBIG);
    text.reserve(stat.size);
    std::size_t length = 0;
    while (true) {
        text.resize(length +
                    std::max<std::size_t>(stat.size - std::min<std::uint64_t>(length, stat.size), 1));
        const ssize_t count =
            ::read(fd.get(), text.data() + length, std::min(text.size() - length, readChunk));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return lastError();
        if (count == 0)
            break;
        length += static_cast<std::size_t>(count);
        if (length > limit)
            return errorOf(EFBIG);
    }
    text.resize(length);
    return {};
}

std::error_code PosixFileSystem::create(const std::string& path, std::unique_ptr<OutputFile>& out) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, fileMode);
    if (fd < 0)
        return lastError();
    out = std::make_unique<PosixOutputFile>(fd);
    if (::fchmod(fd, fileMode) != 0) // whatever the umask: tools of other users read these files
        return lastError();
    return {};
}

std::error_code PosixFileSystem::rename(const std::string& from, const std::string& to) {
    return ::rename(from.c_str(), to.c_str()) == 0 ? std::error_code{} : lastError();
}

std::error_code PosixFileSystem::unlink(const std::string& path) {
    return ::unlink(path.c_str()) == 0 ? std::error_code{} : lastError();
}

std::error_code PosixFileSystem::makeDirectory(const std::string& path) {
    return ::mkdir(path.c_str(), directoryMode) == 0 ? std::error_code{} : lastError();
}

std::error_code PosixFileSystem::syncDirectory(const std::string& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid() || ::fsync(fd.get()) != 0)
        return lastError();
    return {};
}

std::error_code writeAll(OutputFile& file, std::string_view data) {
    while (!data.empty()) {
        std::size_t written = 0;
        if (const std::error_code error = file.write(data, written))
            return error;
        if (written == 0)
            return {EIO, std::generic_category()};
        data.remove_prefix(written);
    }
    return {};
}

} // namespace xb::dbd
