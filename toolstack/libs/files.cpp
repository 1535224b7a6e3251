// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/files.hpp"

#include "toolstack/libs/error.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb {

namespace {

std::string readDescriptor(int fd, const std::filesystem::path& file, std::size_t limit) {
    std::string text;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw systemError("cannot read " + file.string(), errno);
        if (n == 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(n));
        if (text.size() > limit)
            throw Error(errors::limitsExceeded,
                        "cannot read " + file.string() + ": larger than " + std::to_string(limit) + " bytes");
    }
}

} // namespace

std::optional<std::string> readFileIfThere(const std::filesystem::path& file, std::size_t limit) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT)
        return std::nullopt;
    if (!fd)
        throw systemError("cannot open " + file.string(), errno);
    return readDescriptor(fd.get(), file, limit);
}

std::string readFile(const std::filesystem::path& file, std::size_t limit) {
    auto text = readFileIfThere(file, limit);
    if (!text)
        throw systemError("cannot open " + file.string(), ENOENT);
    return std::move(*text);
}

void writeAll(int fd, std::string_view data, std::string_view what) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw systemError("cannot write " + std::string(what), errno);
        data.remove_prefix(static_cast<std::size_t>(n));
    }
}

void writeFileAtomically(const std::filesystem::path& file, std::string_view text, mode_t mode, bool sync) {
    const std::string temporary = file.string() + ".new." + std::to_string(::getpid());
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd)
        throw systemError("cannot create " + temporary, errno);
    try {
        writeAll(fd.get(), text, temporary);
        if (sync && ::fsync(fd.get()) != 0)
            throw systemError("cannot sync " + temporary, errno);
        if (::rename(temporary.c_str(), file.c_str()) != 0)
            throw systemError("cannot rename " + temporary + " to " + file.string(), errno);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    if (!sync)
        return;
    UniqueFd directory(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0)
        throw systemError("cannot sync the directory of " + file.string(), errno);
}

void makeDirectories(const std::filesystem::path& directory, mode_t mode) {
    std::filesystem::path made;
    for (const auto& part : directory) {
        made /= part;
        if (::mkdir(made.c_str(), mode) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS)
            throw systemError("cannot create the directory " + made.string(), errno);
    }
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0)
        throw systemError("cannot create the directory " + directory.string(), errno);
    if (!S_ISDIR(status.st_mode))
        throw systemError(directory.string(), ENOTDIR);
}

std::filesystem::path below(const std::filesystem::path& root, const std::filesystem::path& path) {
    return root.empty() || root == "/" ? path : root / path.relative_path();
}

} // namespace xb
