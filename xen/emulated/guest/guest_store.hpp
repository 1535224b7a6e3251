// SPDX-License-Identifier: Apache-2.0
// The emulated guest's xenstore client: the wire protocol (io/xs_wire.h, docs/misc/xenstore-ring.txt of Xen)
// over the domain's own ring, as a guest kernel's xenbus driver speaks it. Owns the mapped page and the event
// descriptors. Requests block until the answer is there; watch events that arrive meanwhile are kept.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct xenstore_domain_interface;

namespace xb::xen::emulated {

/// xenstored refused a request; what() is its word ("EACCES") with the request's path.
class StoreError : public std::runtime_error {
public:
    StoreError(std::string code, const std::string& path)
        : std::runtime_error(code + ": " + path), code_(std::move(code)) {}
    const std::string& code() const { return code_; }

private:
    std::string code_;
};

/// The decimal number in a node; 0 when it holds none.
inline long numberIn(const std::string& value) {
    return std::strtol(value.c_str(), nullptr, 10);
}

class GuestStore {
public:
    /// `directory`: the emulator's; the ring is below domains/<domid>.
    GuestStore(const std::string& directory, std::uint32_t domid);
    GuestStore(const GuestStore&) = delete;
    GuestStore& operator=(const GuestStore&) = delete;
    ~GuestStore();

    /// Paths are absolute or relative to the domain's home. read: nothing when there is no such node.
    std::optional<std::string> read(const std::string& path);
    std::vector<std::string> list(const std::string& path);
    void write(const std::string& path, const std::string& value);
    void remove(const std::string& path);
    void watch(const std::string& path, const std::string& token);
    void unwatch(const std::string& path, const std::string& token);

    /// Readable when an event may have come; then call takeEvents().
    int descriptor() const { return event_.get(); }
    /// The watch events that have come, as (path, token), in order.
    std::vector<std::pair<std::string, std::string>> takeEvents();

private:
    std::string request(std::uint32_t type, const std::string& path, const std::string& payload);
    void send(std::string_view data);
    void receive(char* data, std::size_t size);
    std::pair<std::uint32_t, std::string> receiveMessage();
    bool ringHasData() const;
    void notify();
    void awaitEvent();

    xenstore_domain_interface* ring_ = nullptr;
    UniqueFd event_;
    UniqueFd toXenstored_;
    std::uint32_t domid_;
    std::uint32_t nextId_ = 1;
    std::deque<std::pair<std::string, std::string>> events_;
};

} // namespace xb::xen::emulated
