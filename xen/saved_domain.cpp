// SPDX-License-Identifier: Apache-2.0
#include "xen/saved_domain.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::xen {

namespace {

constexpr std::string_view magic{"Xen saved domain, xl format\n \0 \r", 32};
constexpr std::uint32_t byteOrder = 0x01020304;
constexpr std::uint32_t swappedByteOrder = 0x04030201;
constexpr std::uint32_t flagJson = 1;     // the configuration is libxl's JSON
constexpr std::uint32_t flagStreamV2 = 2; // the stream is libxl's own, since Xen 4.6
constexpr mode_t fileMode = 0600;

std::uint32_t numberAt(std::string_view bytes, std::size_t offset) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

void putNumber(std::string& bytes, std::size_t value) {
    const auto number = static_cast<std::uint32_t>(value);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string readExactly(int descriptor, std::size_t size, const std::string& file) {
    std::string data(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t n = ::read(descriptor, data.data() + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw systemError("cannot read " + file, errno);
        if (n == 0)
            throw Error(errors::invalidArgs, file + " is no saved domain: it ends within its header");
        have += static_cast<std::size_t>(n);
    }
    return data;
}

void syncDirectory(const std::filesystem::path& directory) {
    const UniqueFd descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor || ::fsync(descriptor.get()) != 0)
        throw systemError("cannot sync " + directory.string(), errno);
}

std::filesystem::path partialName(const std::filesystem::path& file) {
    return file.string() + ".part";
}

} // namespace

std::string savedHeader(std::string_view configuration) {
    if (configuration.size() > maxSavedConfiguration)
        throw Error(
            errors::limitsExceeded,
            fmt::format("the configuration of the domain has {} bytes, of which a saved file takes {}",
                        configuration.size(), maxSavedConfiguration));
    std::string bytes(magic);
    putNumber(bytes, byteOrder);
    putNumber(bytes, flagJson | flagStreamV2);
    putNumber(bytes, 0);
    // xl takes it for a C string, and writes its own so.
    const auto size = configuration.size() + 1;
    putNumber(bytes, sizeof(std::uint32_t) + size);
    putNumber(bytes, size);
    return bytes.append(configuration).append(1, '\0');
}

std::size_t optionalDataSize(std::string_view header, const std::string& file) {
    if (header.size() != savedHeaderSize || !header.starts_with(magic))
        throw Error(errors::invalidArgs, file + " is no saved domain: it does not begin as xl's files do");
    const auto order = numberAt(header, magic.size());
    if (order == swappedByteOrder)
        throw Error(errors::notSupported, file + " was saved on a machine of the other byte order");
    if (order != byteOrder)
        throw Error(errors::invalidArgs, file + " is damaged: its byte order is none");
    const auto flags = numberAt(header, magic.size() + 4);
    if ((flags & ~(flagJson | flagStreamV2)) != 0)
        throw Error(
            errors::notSupported,
            fmt::format("{} needs something that this version does not know (flags {:#x})", file, flags));
    if ((flags & flagStreamV2) == 0)
        throw Error(errors::notSupported,
                    file + " was saved by Xen 4.5 or older: convert it with convert-legacy-stream");
    const std::size_t size = numberAt(header, magic.size() + 12);
    if (size > maxSavedOptionalData)
        throw Error(errors::limitsExceeded, fmt::format("{} claims {} bytes of optional data (limit {})",
                                                        file, size, maxSavedOptionalData));
    return size;
}

SavedHeader parseSavedHeader(std::string_view header, std::string_view optionalData,
                             const std::string& file) {
    if (optionalDataSize(header, file) != optionalData.size())
        throw Error(errors::invalidArgs, file + " is damaged: its optional data are cut off");
    SavedHeader result;
    result.json = (numberAt(header, magic.size() + 4) & flagJson) != 0;
    if (optionalData.empty())
        return result;
    if (optionalData.size() < sizeof(std::uint32_t))
        throw Error(errors::invalidArgs, file + " is damaged: its optional data are cut off");
    const std::size_t size = numberAt(optionalData, 0);
    optionalData.remove_prefix(sizeof(std::uint32_t));
    auto configuration = optionalData.substr(0, size);
    if (configuration.ends_with('\0'))
        configuration.remove_suffix(1);
    if (size > optionalData.size() || configuration.size() > maxSavedConfiguration)
        throw Error(errors::invalidArgs,
                    fmt::format("{} is damaged: its configuration claims {} bytes", file, size));
    result.configuration = configuration;
    return result;
}

OpenedSavedFile openSavedFile(const std::filesystem::path& file) {
    // Not kept waiting by a fifo.
    UniqueFd stream(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!stream || ::fstat(stream.get(), &status) != 0)
        throw systemError("cannot open the saved domain " + file.string(), errno);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        throw Error(errors::invalidArgs, file.string() + " is no saved domain: it is not a file");
    return openSavedStream(std::move(stream), file.string());
}

OpenedSavedFile openSavedStream(UniqueFd stream, const std::string& name) {
    OpenedSavedFile opened;
    const auto header = readExactly(stream.get(), savedHeaderSize, name);
    const auto size = optionalDataSize(header, name);
    opened.header = parseSavedHeader(header, readExactly(stream.get(), size, name), name);
    opened.stream = std::move(stream);
    return opened;
}

void removeUnfinished(const std::filesystem::path& file) {
    const auto partial = partialName(file);
    if (::unlink(partial.c_str()) != 0 && errno != ENOENT)
        throw systemError("cannot remove " + partial.string(), errno);
}

// A file without a name goes with the program. Not every file system has them; there the name of what is
// unfinished is always the same, so that no second one comes to lie beside the first.
SavedFile::SavedFile(std::filesystem::path file, std::string_view configuration)
    : file_(std::move(file)), partial_(partialName(file_)) {
    const auto header = savedHeader(configuration);
    const auto directory = file_.has_parent_path() ? file_.parent_path() : std::filesystem::path(".");
    descriptor_.reset(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, fileMode));
    if (!descriptor_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        ::unlink(partial_.c_str());
        descriptor_.reset(::open(partial_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, fileMode));
        named_ = static_cast<bool>(descriptor_);
    }
    if (!descriptor_)
        throw systemError("cannot make " + file_.string(), errno);
    try {
        writeAll(descriptor_.get(), header, file_.string());
    } catch (...) {
        if (named_)
            ::unlink(partial_.c_str());
        throw;
    }
}

SavedFile::~SavedFile() {
    if (named_)
        ::unlink(partial_.c_str());
}

UniqueFd SavedFile::stream() const {
    UniqueFd copy(::fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy)
        throw systemError("cannot write " + file_.string(), errno);
    return copy;
}

void SavedFile::finish() {
    if (::fsync(descriptor_.get()) != 0)
        throw systemError("cannot write " + file_.string() + " to the disk", errno);
    if (!named_) {
        ::unlink(partial_.c_str()); // of one who was killed between these two steps
        const auto opened = fmt::format("/proc/self/fd/{}", descriptor_.get());
        if (::linkat(AT_FDCWD, opened.c_str(), AT_FDCWD, partial_.c_str(), AT_SYMLINK_FOLLOW) != 0)
            throw systemError("cannot make " + partial_.string(), errno);
        named_ = true;
    }
    if (::rename(partial_.c_str(), file_.c_str()) != 0)
        throw systemError("cannot make " + file_.string(), errno);
    named_ = false;
    syncDirectory(file_.has_parent_path() ? file_.parent_path() : std::filesystem::path("."));
}

} // namespace xb::xen
