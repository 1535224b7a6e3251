// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/log_rotation.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb {

namespace {

std::string numbered(const std::filesystem::path& file, unsigned number) {
    return file.string() + "." + std::to_string(number);
}

void renameIfThere(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
        throw systemError("cannot rename " + from + " to " + to, errno);
}

// FILE.1 is free then.
void shift(const std::filesystem::path& file, unsigned kept) {
    for (unsigned number = kept; number > 1; --number)
        renameIfThere(numbered(file, number - 1), numbered(file, number));
}

void copy(int from, const std::string& target, mode_t mode, std::uint64_t most) {
    if (::unlink(target.c_str()) != 0 && errno != ENOENT)
        throw systemError("cannot remove " + target, errno);
    UniqueFd to(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!to)
        throw systemError("cannot create " + target, errno);
    std::array<char, 64 * 1024> buffer{};
    for (std::uint64_t left = most; left > 0;) {
        const ssize_t n = ::read(from, buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw systemError("cannot read what is to become " + target, errno);
        if (n == 0)
            break;
        writeAll(to.get(), std::string_view(buffer.data(), static_cast<std::size_t>(n)), target);
        left -= static_cast<std::uint64_t>(n);
    }
}

} // namespace

void rotateByName(const std::filesystem::path& file, unsigned kept) {
    if (kept == 0) {
        if (::unlink(file.c_str()) != 0 && errno != ENOENT)
            throw systemError("cannot remove " + file.string(), errno);
        return;
    }
    shift(file, kept);
    renameIfThere(file.string(), numbered(file, 1));
}

void rotateByCopy(const std::filesystem::path& file, unsigned kept, std::uint64_t most) {
    const UniqueFd log(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!log || ::fstat(log.get(), &status) != 0)
        throw systemError("cannot open " + file.string(), errno);
    if (!S_ISREG(status.st_mode))
        throw Error(file.string() + " is not a plain file");
    std::string failure;
    try {
        if (kept > 0) {
            shift(file, kept);
            copy(log.get(), numbered(file, 1), status.st_mode & 0777U, most);
        }
    } catch (const Error& e) {
        failure = e.what();
        ::unlink(numbered(file, 1).c_str()); // half of it would take the place of a whole one
    }
    if (::ftruncate(log.get(), 0) != 0)
        throw systemError("cannot empty " + file.string(), errno);
    if (!failure.empty())
        throw Error(failure + "; " + file.string() + " begins anew without a copy");
}

} // namespace xb
