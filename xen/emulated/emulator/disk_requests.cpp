// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/disk_requests.hpp"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace xb::xen::emulated {

namespace {

std::string response(const BlockRequest& request, int error, std::string_view data = {}) {
    const BlockResponse header{request.id, -error, 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header).append(data);
}

// All of it or an error: a short read or write is an I/O error to the guest.
int transferred(ssize_t done, std::size_t wanted) {
    return done < 0 ? errno : static_cast<std::size_t>(done) == wanted ? 0 : EIO;
}

} // namespace

std::string answerRequest(const DiskMedium& medium, std::string_view message) {
    BlockRequest request{};
    if (message.size() < sizeof request)
        return {};
    std::memcpy(&request, message.data(), sizeof request);
    const std::string_view data = message.substr(sizeof request);
    if (request.operation == static_cast<std::uint32_t>(BlockOperation::flush))
        return response(request, medium.file && ::fdatasync(medium.file.get()) == 0 ? 0 : EIO);
    if (request.sectors == 0 || request.sectors > maxRequestSectors || request.sector >= medium.sectors ||
        request.sectors > medium.sectors - request.sector)
        return response(request, EINVAL);
    const std::size_t size = request.sectors * sectorSize;
    const auto offset = static_cast<off_t>(request.sector * sectorSize);
    if (request.operation == static_cast<std::uint32_t>(BlockOperation::read)) {
        std::string buffer(size, '\0');
        const int error = transferred(::pread(medium.file.get(), buffer.data(), size, offset), size);
        return response(request, error, error == 0 ? std::string_view(buffer) : std::string_view());
    }
    if (request.operation != static_cast<std::uint32_t>(BlockOperation::write))
        return response(request, EOPNOTSUPP);
    if (!medium.writable)
        return response(request, EROFS);
    if (data.size() != size)
        return response(request, EINVAL);
    return response(request, transferred(::pwrite(medium.file.get(), data.data(), size, offset), size));
}

} // namespace xb::xen::emulated
