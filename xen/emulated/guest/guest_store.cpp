// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest/guest_store.hpp"

#include "xen/emulated/shared_layout.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <system_error>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace xb::xen::emulated {

namespace {

constexpr std::size_t pageSize = 4096;

UniqueFd openFile(const std::string& path, int flags) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd)
        throw std::system_error(errno, std::generic_category(), path);
    return fd;
}

std::uint32_t load(const XENSTORE_RING_IDX& index) {
    return std::atomic_ref(const_cast<XENSTORE_RING_IDX&>(index)).load();
}

std::string terminated(const std::string& text) {
    return text + '\0';
}

} // namespace

GuestStore::GuestStore(const std::string& directory, std::uint32_t domid) : domid_(domid) {
    const std::string home = directory + "/domains/" + std::to_string(domid);
    const UniqueFd page = openFile(home + "/store", O_RDWR);
    event_ = openFile(home + "/event", O_RDWR | O_NONBLOCK);
    toXenstored_ = openFile(directory + "/events", O_RDWR);
    void* mapped = ::mmap(nullptr, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, page.get(), 0);
    if (mapped == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), home + "/store");
    ring_ = static_cast<xenstore_domain_interface*>(mapped);
}

GuestStore::~GuestStore() {
    ::munmap(ring_, pageSize);
}

void GuestStore::notify() {
    const shared_event event{domid_, XB_STORE_PORT};
    while (::write(toXenstored_.get(), &event, sizeof event) < 0 && errno == EINTR) {
    }
}

// Waits for xenstored's event, and swallows it.
void GuestStore::awaitEvent() {
    pollfd entry{event_.get(), POLLIN, 0};
    while (::poll(&entry, 1, -1) < 0 && errno == EINTR) {
    }
    char bytes[64];
    while (::read(event_.get(), bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
    }
}

void GuestStore::send(std::string_view data) {
    while (!data.empty()) {
        const std::uint32_t consumer = load(ring_->req_cons);
        const std::uint32_t producer = ring_->req_prod;
        const std::uint32_t room = XENSTORE_RING_SIZE - (producer - consumer);
        if (room == 0) {
            notify();
            awaitEvent();
            continue;
        }
        const std::uint32_t at = MASK_XENSTORE_IDX(producer);
        const auto size = std::min<std::size_t>({data.size(), room, XENSTORE_RING_SIZE - at});
        std::memcpy(ring_->req + at, data.data(), size);
        std::atomic_ref(ring_->req_prod).store(producer + static_cast<std::uint32_t>(size));
        data.remove_prefix(size);
    }
    notify();
}

bool GuestStore::ringHasData() const {
    return load(ring_->rsp_prod) != ring_->rsp_cons;
}

void GuestStore::receive(char* data, std::size_t size) {
    while (size > 0) {
        const std::uint32_t consumer = ring_->rsp_cons;
        const std::uint32_t available = load(ring_->rsp_prod) - consumer;
        if (available == 0) {
            awaitEvent();
            continue;
        }
        const std::uint32_t at = MASK_XENSTORE_IDX(consumer);
        const auto part = std::min<std::size_t>({size, available, XENSTORE_RING_SIZE - at});
        std::memcpy(data, ring_->rsp + at, part);
        std::atomic_ref(ring_->rsp_cons).store(consumer + static_cast<std::uint32_t>(part));
        notify();
        data += part;
        size -= part;
    }
}

std::pair<std::uint32_t, std::string> GuestStore::receiveMessage() {
    xsd_sockmsg header{};
    receive(reinterpret_cast<char*>(&header), sizeof header);
    if (header.len > XENSTORE_PAYLOAD_MAX)
        throw std::runtime_error("xenstored sent a message of " + std::to_string(header.len) + " bytes");
    std::string payload(header.len, '\0');
    receive(payload.data(), payload.size());
    if (header.type == XS_WATCH_EVENT) {
        const auto end = payload.find('\0');
        if (end != std::string::npos)
            events_.emplace_back(payload.substr(0, end), payload.c_str() + end + 1);
    }
    return {header.type, std::move(payload)};
}

std::string GuestStore::request(std::uint32_t type, const std::string& path, const std::string& payload) {
    const xsd_sockmsg header{type, nextId_++, 0, static_cast<std::uint32_t>(payload.size())};
    if (payload.size() > XENSTORE_PAYLOAD_MAX)
        throw StoreError("E2BIG", path);
    send(std::string(reinterpret_cast<const char*>(&header), sizeof header) + payload);
    for (;;) {
        auto [answer, text] = receiveMessage();
        if (answer == XS_WATCH_EVENT)
            continue;
        if (answer == XS_ERROR)
            throw StoreError(text.substr(0, text.find('\0')), path);
        return text;
    }
}

std::optional<std::string> GuestStore::read(const std::string& path) {
    try {
        return request(XS_READ, path, terminated(path));
    } catch (const StoreError& e) {
        if (e.code() == "ENOENT")
            return std::nullopt;
        throw;
    }
}

std::vector<std::string> GuestStore::list(const std::string& path) {
    std::vector<std::string> names;
    std::string text;
    try {
        text = request(XS_DIRECTORY, path, terminated(path));
    } catch (const StoreError& e) {
        if (e.code() != "ENOENT")
            throw;
    }
    for (std::size_t at = 0; at < text.size();) {
        names.emplace_back(text.c_str() + at);
        at += names.back().size() + 1;
    }
    return names;
}

void GuestStore::write(const std::string& path, const std::string& value) {
    request(XS_WRITE, path, terminated(path) + value);
}

void GuestStore::remove(const std::string& path) {
    request(XS_RM, path, terminated(path));
}

void GuestStore::watch(const std::string& path, const std::string& token) {
    request(XS_WATCH, path, terminated(path) + terminated(token));
}

void GuestStore::unwatch(const std::string& path, const std::string& token) {
    request(XS_UNWATCH, path, terminated(path) + terminated(token));
}

std::vector<std::pair<std::string, std::string>> GuestStore::takeEvents() {
    char bytes[64];
    while (::read(event_.get(), bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
    }
    while (ringHasData())
        receiveMessage();
    std::vector<std::pair<std::string, std::string>> events(events_.begin(), events_.end());
    events_.clear();
    return events;
}

} // namespace xb::xen::emulated
