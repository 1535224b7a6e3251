// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest/block_frontend.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace xb::xen::emulated {

namespace {

constexpr int requestLimitMs = 5000;

// Names by device number (docs/man/xen-vbd-interface of Xen).
std::string nameOf(const std::string& devid) {
    const unsigned long number = std::strtoul(devid.c_str(), nullptr, 10);
    auto letter = [](unsigned long index) { return std::string(1, static_cast<char>('a' + index % 26)); };
    if (number & (1UL << 28))
        return "xvd" + letter((number & 0xfffffff) >> 8);
    switch (number >> 8) {
    case 202:
        return "xvd" + letter((number & 0xff) >> 4);
    case 8:
        return "sd" + letter((number & 0xff) >> 4);
    case 3:
        return "hd" + letter((number & 0xff) >> 6);
    case 22:
        return "hd" + letter(2 + ((number & 0xff) >> 6));
    default:
        return "vbd" + devid;
    }
}

std::string printableStart(const std::string& data) {
    std::string text;
    for (const char c : data) {
        if (text.size() == 48 || !std::isprint(static_cast<unsigned char>(c)))
            break;
        text += c;
    }
    return text;
}

// What the first sectors say: a partition table, a file system, text, or nothing.
std::string contents(const std::string& data) {
    if (data.size() >= 2 * sectorSize && data.compare(sectorSize, 8, "EFI PART") == 0)
        return "a GPT partition table";
    if (data.size() >= 1024 + 58 && data[1024 + 56] == '\x53' && data[1024 + 57] == '\xef')
        return "an ext file system";
    if (const auto text = printableStart(data); text.size() >= 4)
        return "begins with \"" + text + "\"";
    if (data.size() >= sectorSize && data[510] == '\x55' && data[511] == '\xaa')
        return "a boot sector";
    if (std::all_of(data.begin(), data.end(), [](char c) { return c == 0; }))
        return "blank";
    constexpr const char* digits = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < 16 && i < data.size(); ++i) {
        hex += digits[static_cast<unsigned char>(data[i]) >> 4];
        hex += digits[static_cast<unsigned char>(data[i]) & 0xf];
    }
    return "begins with bytes " + hex;
}

} // namespace

BlockFrontend::BlockFrontend(FrontendContext& context, std::string path)
    : Frontend(context, std::move(path)) {
    name_ = nameOf(this->path().substr(this->path().rfind('/') + 1));
}

void BlockFrontend::describe(const std::string& ref) {
    context_.store.write(path() + "/ring-ref", ref);
    context_.store.write(path() + "/protocol", "x86_64-abi");
}

std::string BlockFrontend::request(BlockOperation operation, std::uint64_t sector, std::uint32_t count,
                                   const std::string& data) {
    const BlockRequest header{nextId_++, sector, static_cast<std::uint32_t>(operation), count};
    const std::string message = std::string(reinterpret_cast<const char*>(&header), sizeof header) + data;
    if (::send(channel(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
        throw std::system_error(errno, std::generic_category(), name_);
    pollfd entry{channel(), POLLIN, 0};
    if (::poll(&entry, 1, requestLimitMs) <= 0)
        throw std::system_error(ETIMEDOUT, std::generic_category(), name_);
    std::string reply(maxBlockMessage, '\0');
    const ssize_t size = ::recv(channel(), reply.data(), reply.size(), 0);
    BlockResponse response{};
    if (size < static_cast<ssize_t>(sizeof response))
        throw std::system_error(EIO, std::generic_category(), name_);
    std::memcpy(&response, reply.data(), sizeof response);
    if (response.id != header.id || response.status != 0)
        throw std::system_error(response.status != 0 ? -response.status : EIO, std::generic_category(),
                                name_);
    return reply.substr(sizeof response, static_cast<std::size_t>(size) - sizeof response);
}

std::string BlockFrontend::readSectors(std::uint64_t sector, std::uint32_t count) {
    return request(BlockOperation::read, sector, count, "");
}

void BlockFrontend::report() {
    const auto value = [this](const char* node) {
        return context_.store.read(backend() + node).value_or("?");
    };
    const std::uint64_t sectors = std::strtoull(value("/sectors").c_str(), nullptr, 10);
    const std::string start = name_ + ": " + (value("/device-type") == "cdrom" ? "CD, " : "disk, ");
    if (sectors == 0) {
        context_.print(start + "no medium");
        return;
    }
    const std::string mode = value("/mode") == "w" ? "writable" : "read-only";
    try {
        const auto data = readSectors(0, static_cast<std::uint32_t>(std::min<std::uint64_t>(sectors, 8)));
        context_.print(start + std::to_string(sectors) + " sectors, " + mode + ", " + contents(data));
    } catch (const std::system_error& e) {
        context_.print(start + std::to_string(sectors) + " sectors, " + mode +
                       ", cannot be read: " + e.code().message());
    }
}

std::string BlockFrontend::writeText(std::uint64_t sector, const std::string& text) {
    if (!connected())
        return name_ + ": not connected";
    try {
        std::string data = text.substr(0, sectorSize);
        data.resize(sectorSize, '\0');
        request(BlockOperation::write, sector, 1, data);
        return name_ + ": wrote sector " + std::to_string(sector);
    } catch (const std::system_error& e) {
        return name_ + ": cannot write sector " + std::to_string(sector) + ": " + e.code().message();
    }
}

} // namespace xb::xen::emulated
