// SPDX-License-Identifier: Apache-2.0
#include "dbd/lock.hpp"

#include "dbd/journal.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace xb::dbd {

namespace {

constexpr mode_t lockMode = 0644;

std::string lockPath(const std::string& directory) {
    return journalDirectory(directory) + "/" + std::string(lockName);
}

struct flock wholeFile() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

/// Who wrote a process id into the file; only a hint: a full disk may have kept it from being written.
std::string nameIn(int file) {
    char text[32];
    const ssize_t count = ::pread(file, text, sizeof text, 0);
    std::string_view digits(text, count > 0 ? static_cast<std::size_t>(count) : 0);
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    return digits.empty() ? "another process" : "process " + std::string(digits);
}

std::string reason() {
    return std::error_code(errno, std::generic_category()).message();
}

} // namespace

DirectoryLock::DirectoryLock(FileSystem& fs, const std::string& directory) {
    const std::string path = lockPath(directory);
    const std::error_code made = makeDirectories(fs, journalDirectory(directory));
    if (!made)
        file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, lockMode));
    if (!file_) {
        trouble_ = {path, 0,
                    "cannot be locked, so a second dbd would not notice: " +
                        (made ? made.message() : reason())};
        return;
    }
    const struct flock lock = wholeFile();
    if (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            throw Error(directory + " is in use by dbd, " + nameIn(file_.get()) +
                        ": two would overwrite each other's changes; end that one first");
        trouble_ = {path, 0, "cannot be locked, so a second dbd would not notice: " + reason()};
        file_.reset();
        return;
    }
    const std::string id = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file_.get(), 0) != 0 || ::pwrite(file_.get(), id.data(), id.size(), 0) < 0)
        return; // a full disk: the lock counts, only its holder has no name
}

std::optional<std::string> holderOf(const std::string& directory) {
    const UniqueFd file(
        ::open(lockPath(directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!file)
        return std::nullopt;
    struct flock lock = wholeFile();
    if (::fcntl(file.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return std::nullopt;
    return nameIn(file.get());
}

} // namespace xb::dbd
