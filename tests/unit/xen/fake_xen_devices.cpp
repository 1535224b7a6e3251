// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen/fake_xen_devices.hpp"

#include "toolstack/libs/unique_fd.hpp"
#include "xen/vchan_xen/libxenvchan_headers.hpp"

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- what the libraries' handles are here

struct xengntdev_handle {
    std::set<std::uint32_t> references; ///< of a server: given back with the handle
};

struct xenevtchn_handle {
    xb::UniqueFd readEnd;
    xb::UniqueFd writeEnd;
    std::set<evtchn_port_t> ports;
};

namespace {

constexpr std::size_t pageSize = 4096;

struct Page {
    std::shared_ptr<xb::UniqueFd> memory;
    std::size_t index = 0;
};

struct Channel {
    xenevtchn_handle* owner = nullptr;
    evtchn_port_t remote = 0; ///< 0: nobody has bound it
    bool masked = false;
    bool again = false; ///< raised while masked
};

std::mutex lock;
std::map<std::uint32_t, Page> pages;
std::uint32_t nextReference = 8;
std::size_t grantLimit = 1024;
std::map<evtchn_port_t, Channel> channels;
evtchn_port_t nextPort = 1;

void* mapPages(const std::shared_ptr<xb::UniqueFd>& memory, std::size_t index, std::size_t count) {
    void* place = ::mmap(nullptr, count * pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(),
                         static_cast<off_t>(index * pageSize));
    return place == MAP_FAILED ? nullptr : place;
}

void* sharePages(xengntdev_handle* handle, std::size_t count, std::uint32_t* references) {
    const std::lock_guard guard(lock);
    if (pages.size() + count > grantLimit) {
        errno = ENOSPC;
        return nullptr;
    }
    auto memory = std::make_shared<xb::UniqueFd>(::memfd_create("grants", MFD_CLOEXEC));
    if (!*memory || ::ftruncate(memory->get(), static_cast<off_t>(count * pageSize)) != 0)
        return nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        references[i] = nextReference++;
        pages[references[i]] = Page{memory, i};
        handle->references.insert(references[i]);
    }
    return mapPages(memory, 0, count);
}

void* mapReferences(std::size_t count, const std::uint32_t* references) {
    const std::lock_guard guard(lock);
    const auto found = pages.find(references[0]);
    if (found == pages.end()) {
        errno = EINVAL;
        return nullptr;
    }
    return mapPages(found->second.memory, found->second.index, count);
}

void raise(evtchn_port_t port) {
    const auto found = channels.find(port);
    if (found == channels.end())
        return;
    auto& channel = found->second;
    if (channel.masked) {
        channel.again = true;
        return;
    }
    channel.masked = true;
    if (::write(channel.owner->writeEnd.get(), &port, sizeof port) != sizeof port)
        channel.masked = false;
}

evtchn_port_t addChannel(xenevtchn_handle* owner, evtchn_port_t remote) {
    const evtchn_port_t port = nextPort++;
    channels[port] = Channel{owner, remote, false, false};
    owner->ports.insert(port);
    return port;
}

void removeChannel(evtchn_port_t port) {
    const auto found = channels.find(port);
    if (found == channels.end())
        return;
    if (const auto other = channels.find(found->second.remote); other != channels.end())
        other->second.remote = 0;
    found->second.owner->ports.erase(port);
    channels.erase(found);
}

} // namespace

namespace xb::xen::test {

void setGrantLimit(std::size_t limit) {
    const std::lock_guard guard(lock);
    grantLimit = limit;
}

std::size_t sharedPages() {
    const std::lock_guard guard(lock);
    return pages.size();
}

} // namespace xb::xen::test

// ---- the libraries' functions

extern "C" {

xengntshr_handle* xengntshr_open(xentoollog_logger*, unsigned) {
    return new xengntdev_handle();
}

int xengntshr_close(xengntshr_handle* handle) {
    const std::lock_guard guard(lock);
    for (const auto reference : handle->references)
        pages.erase(reference);
    delete handle;
    return 0;
}

void* xengntshr_share_pages(xengntshr_handle* handle, std::uint32_t, int count, std::uint32_t* references,
                            int) {
    return sharePages(handle, static_cast<std::size_t>(count), references);
}

void* xengntshr_share_page_notify(xengntshr_handle* handle, std::uint32_t, std::uint32_t* reference, int,
                                  std::uint32_t, evtchn_port_t) {
    return sharePages(handle, 1, reference);
}

int xengntshr_unshare(xengntshr_handle*, void* place, std::uint32_t count) {
    return ::munmap(place, count * pageSize);
}

xengnttab_handle* xengnttab_open(xentoollog_logger*, unsigned) {
    return new xengntdev_handle();
}

int xengnttab_close(xengnttab_handle* handle) {
    delete handle;
    return 0;
}

void* xengnttab_map_grant_ref_notify(xengnttab_handle*, std::uint32_t, std::uint32_t reference, int,
                                     std::uint32_t, evtchn_port_t) {
    return mapReferences(1, &reference);
}

void* xengnttab_map_domain_grant_refs(xengnttab_handle*, std::uint32_t count, std::uint32_t,
                                      std::uint32_t* references, int) {
    return mapReferences(count, references);
}

int xengnttab_unmap(xengnttab_handle*, void* place, std::uint32_t count) {
    return ::munmap(place, count * pageSize);
}

xenevtchn_handle* xenevtchn_open(xentoollog_logger*, unsigned) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return nullptr;
    return new xenevtchn_handle{xb::UniqueFd(ends[0]), xb::UniqueFd(ends[1]), {}};
}

int xenevtchn_close(xenevtchn_handle* handle) {
    const std::lock_guard guard(lock);
    while (!handle->ports.empty())
        removeChannel(*handle->ports.begin());
    delete handle;
    return 0;
}

int xenevtchn_fd(xenevtchn_handle* handle) {
    return handle->readEnd.get();
}

int xenevtchn_notify(xenevtchn_handle*, evtchn_port_t port) {
    const std::lock_guard guard(lock);
    if (const auto found = channels.find(port); found != channels.end())
        raise(found->second.remote);
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle* handle, std::uint32_t) {
    const std::lock_guard guard(lock);
    return static_cast<xenevtchn_port_or_error_t>(addChannel(handle, 0));
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle* handle, std::uint32_t,
                                                     evtchn_port_t remote) {
    const std::lock_guard guard(lock);
    const auto found = channels.find(remote);
    if (found == channels.end() || found->second.remote != 0) {
        errno = EINVAL;
        return -1;
    }
    const auto port = addChannel(handle, remote);
    found->second.remote = port;
    return static_cast<xenevtchn_port_or_error_t>(port);
}

int xenevtchn_unbind(xenevtchn_handle*, evtchn_port_t port) {
    const std::lock_guard guard(lock);
    removeChannel(port);
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle* handle) {
    evtchn_port_t port = 0;
    if (::read(handle->readEnd.get(), &port, sizeof port) != sizeof port)
        return -1;
    return static_cast<xenevtchn_port_or_error_t>(port);
}

int xenevtchn_unmask(xenevtchn_handle*, evtchn_port_t port) {
    const std::lock_guard guard(lock);
    const auto found = channels.find(port);
    if (found == channels.end())
        return 0;
    found->second.masked = false;
    if (std::exchange(found->second.again, false))
        raise(port);
    return 0;
}

} // extern "C"
