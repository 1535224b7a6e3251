// SPDX-License-Identifier: Apache-2.0
// Hostile: a guest's request to its disk. Checked against a disk that is a string: the same answer, and the
// same content afterwards; nothing outside the medium is read or written.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/disk_requests.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace xb::fuzz {

namespace {

using namespace xb::xen::emulated;

constexpr std::size_t diskSectors = 8;
/// Behind the medium, in the same file: no guest's business.
constexpr std::size_t foreignBytes = 100;

std::string freshContent() {
    std::string content(diskSectors * sectorSize + foreignBytes, '\0');
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<char>('A' + i / sectorSize);
    return content;
}

class Disk {
public:
    explicit Disk(bool writable) : content(freshContent()) {
        medium.file.reset(::memfd_create("fuzz-disk", MFD_CLOEXEC));
        medium.sectors = diskSectors;
        medium.writable = writable;
        expect(::pwrite(medium.file.get(), content.data(), content.size(), 0) ==
                   static_cast<ssize_t>(content.size()),
               "a disk can be made");
    }

    void checkContent() const {
        std::string now(content.size() + 1, '\0');
        const ssize_t size = ::pread(medium.file.get(), now.data(), now.size(), 0);
        expect(size == static_cast<ssize_t>(content.size()), "the file keeps its size");
        now.pop_back();
        expect(now == content, "the file has what was written and nothing else");
    }

    /// The expected status and data; changes the content as the request does.
    std::pair<int, std::string> expected(const BlockRequest& request, std::string_view data) {
        const auto operation = static_cast<BlockOperation>(request.operation);
        if (operation == BlockOperation::flush)
            return {0, ""};
        if (request.sectors == 0 || request.sectors > maxRequestSectors || request.sector >= diskSectors ||
            request.sector + request.sectors > diskSectors)
            return {-EINVAL, ""};
        const std::size_t at = request.sector * sectorSize;
        const std::size_t size = request.sectors * sectorSize;
        if (operation == BlockOperation::read)
            return {0, content.substr(at, size)};
        if (operation != BlockOperation::write)
            return {-EOPNOTSUPP, ""};
        if (!medium.writable)
            return {-EROFS, ""};
        if (data.size() != size)
            return {-EINVAL, ""};
        content.replace(at, size, data);
        return {0, ""};
    }

    DiskMedium medium;
    std::string content;
};

void check(std::string_view input, bool writable) {
    Disk disk(writable);
    const std::string answer = answerRequest(disk.medium, input);
    BlockRequest request{};
    BlockResponse response{};
    if (input.size() < sizeof request) {
        expect(answer.empty(), "what is no request has no answer");
        return;
    }
    std::memcpy(&request, input.data(), sizeof request);
    expect(answer.size() >= sizeof response, "an answer begins with its header");
    std::memcpy(&response, answer.data(), sizeof response);
    const auto [status, data] = disk.expected(request, input.substr(sizeof request));
    expect(response.id == request.id && response.reserved == 0, "an answer is that to the request");
    expect(response.status == status && answer.substr(sizeof response) == data,
           "status " + std::to_string(status) + ", not " + std::to_string(response.status));
    disk.checkContent();
}

void run(std::string_view input) {
    check(input, true);
    check(input, false);
}

const Target target("emulator_disk", run);

} // namespace

} // namespace xb::fuzz
