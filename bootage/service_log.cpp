// SPDX-License-Identifier: Apache-2.0
#include "bootage/service_log.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace xb::bootage {

namespace {

UniqueFd openForAppending(const std::string& file) {
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640));
    if (!fd)
        throw systemError("cannot open the log file " + file, errno);
    return fd;
}

struct stat statusOf(const UniqueFd& fd, const std::string& file) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw systemError("cannot look at the log file " + file, errno);
    return status;
}

} // namespace

OpenedLog openLog(const std::string& file, std::size_t limit) {
    const auto directory = std::filesystem::path(file).parent_path();
    if (!directory.empty())
        makeDirectories(directory);
    OpenedLog log{openForAppending(file)};
    struct stat status = statusOf(log.fd, file);
    if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) > limit) {
        if (::rename(file.c_str(), (file + ".1").c_str()) != 0)
            throw systemError("cannot turn over the log file " + file, errno);
        log.fd = openForAppending(file);
        status = statusOf(log.fd, file);
    }
    log.begin = status.st_size;
    return log;
}

std::vector<std::string> lastLines(const std::string& file, std::int64_t begin) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return {};
    const std::int64_t from = std::max(begin, status.st_size - static_cast<std::int64_t>(maxTailBytes));
    std::string text(maxTailBytes, '\0');
    const ssize_t size = ::pread(fd.get(), text.data(), text.size(), from);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (from > begin) // it starts in the middle of a line
        text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(printable(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    if (lines.size() > maxTailLines)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(maxTailLines));
    return lines;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string result(text.substr(0, limit));
    std::ranges::replace_if(
        result, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return result;
}

} // namespace xb::bootage
