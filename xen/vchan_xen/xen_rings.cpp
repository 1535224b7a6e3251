// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan_xen/xen_rings.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/vchan/messages.hpp"
#include "xen/vchan_xen/xen_ring.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace xb::xen::vchan {

namespace {

constexpr std::size_t pageSize = 4096;

std::string whyNotUsable(const std::filesystem::path& device, const char* module) {
    if (::access(device.c_str(), R_OK | W_OK) == 0)
        return {};
    const int reason = errno;
    return fmt::format("{} cannot be opened: {} ({})", device.string(),
                       std::generic_category().message(reason),
                       reason == ENOENT ? fmt::format("not on Xen, or the module {} is not loaded", module)
                                        : std::string("is this root?"));
}

struct CloseGrants {
    void operator()(xengntshr_handle* handle) const { xengntshr_close(handle); }
};
struct CloseEvents {
    void operator()(xenevtchn_handle* handle) const { xenevtchn_close(handle); }
};

// Takes what a ring takes and gives it back: the library must not find out that there is none.
void checkResources(DomId client, std::size_t size) {
    const std::size_t pages = size < pageSize ? 1 : 1 + 2 * ((size + pageSize - 1) / pageSize);
    const std::unique_ptr<xengntshr_handle, CloseGrants> grants(xengntshr_open(nullptr, 0));
    if (!grants)
        throw systemError("cannot open /dev/xen/gntalloc", errno);
    std::vector<std::uint32_t> references(pages);
    void* memory = xengntshr_share_pages(grants.get(), client, static_cast<int>(pages), references.data(), 1);
    if (!memory)
        throw systemError(fmt::format("cannot share {} pages with domain {} (are all grants in use? raise "
                                      "the limit of the module xen-gntalloc)",
                                      pages, client),
                          errno);
    xengntshr_unshare(grants.get(), memory, static_cast<std::uint32_t>(pages));
    const std::unique_ptr<xenevtchn_handle, CloseEvents> events(xenevtchn_open(nullptr, 0));
    if (!events)
        throw systemError("cannot open /dev/xen/evtchn", errno);
    if (xenevtchn_bind_unbound_port(events.get(), client) < 0)
        throw systemError(fmt::format("cannot make an event channel for domain {}", client), errno);
}

Handle makeServer(DomId client, const std::string& path, std::size_t size) {
    checkResources(client, size);
    Handle handle(libxenvchan_server_init(nullptr, static_cast<int>(client), path.c_str(), size, size));
    if (!handle)
        throw systemError(fmt::format("cannot make the vchan {} for domain {}", path, client), errno);
    return handle;
}

void checkPath(const std::string& path) {
    if (path.empty() || path.size() > maxRingPath)
        throw Error(errors::invalidArgs,
                    fmt::format("vchan path \"{}\": must be 1 to {} letters", path, maxRingPath));
}

// One for the process: closing a ring removes what is published at its path, and must be done before the next
// ring is published there, be it by another listener.
std::shared_ptr<RingWorker> sharedWorker() {
    static std::weak_ptr<RingWorker> existing;
    auto worker = existing.lock();
    if (!worker) {
        worker = std::make_shared<RingWorker>();
        existing = worker;
    }
    return worker;
}

class XenRings final : public Rings {
public:
    XenRings(const Executor& executor, std::shared_ptr<XenStoreClient> store)
        : executor_(executor), store_(std::move(store)), worker_(sharedWorker()) {}

    Task<DomId> ownDomid() override {
        const auto text = co_await store_->read("domid");
        DomId domid = 0;
        const char* end = text ? text->data() + text->size() : nullptr;
        if (!text || std::from_chars(text->data(), end, domid).ptr != end || text->empty())
            throw Error("xenstore does not tell which domain this is (its node domid)");
        co_return domid;
    }

    Task<RingPtr> offer(DomId client, std::string path, std::size_t size) override {
        checkPath(path);
        auto work = [client, path, size] { return makeServer(client, path, size); };
        auto handle = co_await worker_->run(std::move(work));
        co_return makeXenRing(executor_, worker_, std::move(handle), client);
    }

    Task<RingPtr> open(DomId server, std::string path, std::chrono::milliseconds limit) override;

private:
    Executor executor_;
    std::shared_ptr<XenStoreClient> store_;
    std::shared_ptr<RingWorker> worker_;
};

// The nodes of a ring come and go with it. A ring that somebody else has open fails as well; its nodes change
// when its server replaces it.
Task<RingPtr> XenRings::open(DomId server, std::string path, std::chrono::milliseconds limit) {
    checkPath(path);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const auto changed = std::make_shared<Event>(executor_);
    XenStore::WatchHandler handler = [changed](const std::string&) { changed->set(); };
    const auto watch = co_await store_->watch(path, std::move(handler));
    for (;;) {
        changed->clear();
        auto work = [server, path] {
            return Handle(libxenvchan_client_init(nullptr, static_cast<int>(server), path.c_str()));
        };
        auto handle = co_await worker_->run(std::move(work));
        if (handle)
            co_return makeXenRing(executor_, worker_, std::move(handle), server);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !co_await changed->waitFor(left))
            co_return nullptr;
    }
}

} // namespace

std::shared_ptr<Rings> makeXenRings(const Executor& executor, std::shared_ptr<XenStoreClient> store) {
    return std::make_shared<XenRings>(executor, std::move(store));
}

std::string whyNoServer(const std::filesystem::path& root) {
    auto reason = whyNotUsable(root / "dev/xen/evtchn", "xen-evtchn");
    if (reason.empty())
        reason = whyNotUsable(root / "dev/xen/gntalloc", "xen-gntalloc");
    return reason;
}

std::string whyNoListener(const std::filesystem::path& root) {
    auto reason = whyNoServer(root);
    if (!reason.empty())
        return reason;
    const auto file = root / "proc/xen/capabilities";
    std::ifstream capabilities(file);
    std::string line;
    std::getline(capabilities, line);
    if (line.find("control_d") == std::string::npos)
        return file.string() + " does not say control_d: only the control domain listens";
    return {};
}

std::string whyNoConnector(const std::filesystem::path& root) {
    auto reason = whyNotUsable(root / "dev/xen/evtchn", "xen-evtchn");
    if (reason.empty())
        reason = whyNotUsable(root / "dev/xen/gntdev", "xen-gntdev");
    return reason;
}

} // namespace xb::xen::vchan
