// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/vchan_hub.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/emulated_rings.hpp"

#include <fmt/format.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>

#include <charconv>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>

namespace xb::xen::emulated {

/// What the control domain offers: its connection, and once it is open the domain's connection, of which the
/// control domain has the same end.
struct VchanHub::Ring {
    explicit Ring(Protocol::socket socket) : control(std::move(socket)), data(control.get_executor()) {}
    Protocol::socket control;
    Protocol::socket data;
    Key key;

    void end() {
        boost::system::error_code ignored;
        if (data.is_open())
            data.shutdown(Protocol::socket::shutdown_both, ignored);
        data.close(ignored);
        control.close(ignored);
    }
};

struct VchanHub::Domain {
    Domain(const Executor& executor, DomId id) : acceptor(executor), domid(id) {}
    Protocol::acceptor acceptor;
    DomId domid;
    std::set<CallerPtr> callers;
};

/// A connection of a domain that has no ring yet.
struct VchanHub::Caller {
    Caller(Protocol::socket connection, std::shared_ptr<Domain> where)
        : socket(std::move(connection)), domain(std::move(where)) {}
    Protocol::socket socket;
    std::shared_ptr<Domain> domain;
    bool served = false;
};

namespace {

using Socket = asio::local::stream_protocol::socket;

// A line without its end; nothing when none comes.
Task<std::optional<std::string>> readLine(Socket& socket) {
    std::string line;
    boost::system::error_code error;
    const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(line, vchan::maxHubLine),
                                                      '\n', asio::redirect_error(asio::use_awaitable, error));
    if (error || size == 0)
        co_return std::nullopt;
    line.resize(size - 1);
    co_return line;
}

bool sendByte(Socket& socket, char byte) {
    return ::send(socket.native_handle(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

bool sendDescriptor(Socket& socket, char byte, int descriptor) {
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

// "<domid> <path>"
std::optional<std::pair<DomId, std::string>> parseOffer(const std::string& line) {
    DomId domid = 0;
    const char* end = line.data() + line.size();
    const auto [last, error] = std::from_chars(line.data(), end, domid);
    if (error != std::errc() || last == end || *last != ' ' || last + 1 == end)
        return std::nullopt;
    return std::pair(domid, std::string(last + 1, end));
}

// Until the peer closes, or somebody else the socket.
Task<> waitForEnd(Socket& socket) {
    boost::system::error_code error;
    co_await socket.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
}

// One connection; nothing once the acceptor is closed.
Task<std::optional<Socket>> acceptOne(asio::local::stream_protocol::acceptor& acceptor) {
    while (acceptor.is_open()) {
        Socket socket(acceptor.get_executor());
        boost::system::error_code error;
        co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
        if (!error)
            co_return std::optional<Socket>(std::move(socket));
        if (error == asio::error::operation_aborted)
            break;
        log::error("vchan socket: {}", error.message());
        co_await delay(std::chrono::milliseconds(100)); // out of descriptors, most likely: others may go
    }
    co_return std::nullopt;
}

} // namespace

VchanHub::VchanHub(const Executor& executor, std::string directory)
    : executor_(executor), directory_(std::move(directory)), acceptor_(executor) {}

VchanHub::~VchanHub() = default;

void VchanHub::listen(Protocol::acceptor& acceptor, const std::string& path) {
    try {
        acceptor.open();
        acceptor.bind(Protocol::endpoint(path));
        ::chmod(path.c_str(), 0600);
        acceptor.listen();
    } catch (const boost::system::system_error& e) {
        throw Error("cannot listen on " + path + ": " + e.code().message());
    }
}

void VchanHub::start() {
    listen(acceptor_, vchan::hubPath(directory_));
    spawn(executor_, "vchan socket", acceptServers());
}

void VchanHub::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    const auto domains = domains_;
    for (const auto& [domid, domain] : domains)
        removeDomain(domid);
    for (const auto& ring : rings_)
        ring->end();
}

void VchanHub::addDomain(DomId domid) {
    const auto domain = std::make_shared<Domain>(executor_, domid);
    listen(domain->acceptor, vchan::hubPath(directory_, domid));
    domains_.insert_or_assign(domid, domain);
    spawn(executor_, fmt::format("vchan socket of domain {}", domid), acceptCallers(domain));
}

// What is on offer stays: like Xen we do not tell who offers.
void VchanHub::removeDomain(DomId domid) {
    const auto found = domains_.find(domid);
    if (found == domains_.end())
        return;
    const auto domain = found->second;
    domains_.erase(found);
    boost::system::error_code ignored;
    domain->acceptor.close(ignored);
    for (const auto& caller : domain->callers)
        caller->socket.close(ignored);
    for (const auto& ring : rings_)
        if (ring->key.first == domid && ring->data.is_open())
            ring->end();
}

Task<> VchanHub::acceptServers() {
    for (;;) {
        auto socket = co_await acceptOne(acceptor_);
        if (!socket)
            co_return;
        const auto ring = std::make_shared<Ring>(std::move(*socket));
        spawn(executor_, "vchan ring", serveRing(ring));
    }
}

Task<> VchanHub::serveRing(RingPtr ring) {
    const auto line = co_await readLine(ring->control);
    const auto offer = line ? parseOffer(*line) : std::nullopt;
    if (!offer || rings_.size() >= maxRings) {
        const std::string reason =
            std::string(1, vchan::ringRefused) +
            (offer ? fmt::format("there are {} rings already", maxRings) : "the offer is malformed");
        static_cast<void>(::send(ring->control.native_handle(), reason.data(), reason.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT)); // a peer that does not read it sees the end
        co_return;
    }
    ring->key = *offer;
    rings_.insert(ring);
    if (sendByte(ring->control, vchan::ringOffered)) {
        offers_[ring->key] = ring; // in place of an older one, as the nodes in xenstore would be
        if (const auto found = waiting_.find(ring->key); found != waiting_.end()) {
            const auto callers = found->second;
            for (const auto& caller : callers)
                if (bringTogether(ring, caller))
                    break;
        }
        co_await waitForEnd(ring->control);
    }
    if (const auto found = offers_.find(ring->key); found != offers_.end() && found->second == ring)
        offers_.erase(found);
    ring->end();
    rings_.erase(ring);
}

Task<> VchanHub::acceptCallers(std::shared_ptr<Domain> domain) {
    for (;;) {
        auto socket = co_await acceptOne(domain->acceptor);
        if (!socket)
            co_return;
        if (domain->callers.size() >= maxCallersPerDomain) {
            log::warn("domain {}: {} connections wait for a vchan already", domain->domid,
                      maxCallersPerDomain);
            continue;
        }
        const auto caller = std::make_shared<Caller>(std::move(*socket), domain);
        domain->callers.insert(caller);
        spawn(executor_, "vchan caller", serveCaller(caller));
    }
}

Task<> VchanHub::serveCaller(CallerPtr caller) {
    const auto line = co_await readLine(caller->socket);
    if (line && caller->socket.is_open()) {
        const Key key(caller->domain->domid, *line);
        const auto found = offers_.find(key);
        const RingPtr ring = found == offers_.end() ? nullptr : found->second;
        if (!ring || !bringTogether(ring, caller)) {
            waiting_[key].insert(caller);
            co_await waitForEnd(caller->socket);
            const auto entry = waiting_.find(key);
            entry->second.erase(caller);
            if (entry->second.empty())
                waiting_.erase(entry);
        }
    }
    caller->domain->callers.erase(caller);
}

// The caller's connection becomes the ring. False when one of them is not there any more.
bool VchanHub::bringTogether(const RingPtr& ring, const CallerPtr& caller) {
    if (caller->served || !caller->socket.is_open() || !sendByte(caller->socket, vchan::ringOffered))
        return false;
    caller->served = true;
    offers_.erase(ring->key);
    boost::system::error_code ignored;
    caller->socket.cancel(ignored);
    ring->data = std::move(caller->socket);
    if (!sendDescriptor(ring->control, vchan::ringOpened, ring->data.native_handle())) {
        log::warn("vchan {}: who offered it is gone", ring->key.second);
        ring->end();
    }
    return true;
}

} // namespace xb::xen::emulated
