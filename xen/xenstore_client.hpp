// SPDX-License-Identifier: Apache-2.0
// The XenStore interface on libxenstore, shared by both implementations of the hypervisor layer. Owns the
// connection, one worker thread on which its requests run in order, and the registered watches. Destroying it
// waits for the request under way; coroutines that still wait for one must not be resumed afterwards (end the
// loop first).
//
// Requests fail with xb::Error (path and reason); a lost xenstored makes every later request fail.
#pragma once

#include "xen/xenstore.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <map>

struct xs_handle;

namespace xb::xen {

/// How often a transaction is tried while others change the same nodes.
inline constexpr int maxTransactionAttempts = 100;

class XenStoreClient final : public XenStore {
public:
    /// `socket`: path of xenstored's socket; empty: the system's xenstored.
    XenStoreClient(const Executor& executor, const std::string& socket);
    XenStoreClient(const XenStoreClient&) = delete;
    XenStoreClient& operator=(const XenStoreClient&) = delete;
    ~XenStoreClient() override;

    Task<std::optional<std::string>> read(std::string path) override;
    Task<std::vector<std::string>> list(std::string path) override;
    Task<> write(std::string path, std::string value) override;
    Task<> remove(std::string path) override;
    Task<> setPermissions(std::string path, std::vector<XenStorePermission> permissions) override;
    Task<> apply(Changes changes) override;
    Task<std::unique_ptr<XenStoreWatch>> watch(std::string path, WatchHandler handler) override;

    /// Runs `work` with the library's handle on the worker thread, in turn with the other requests: for what
    /// the interface does not offer (introducing domains, reading permissions, many requests in one go).
    template <class Function>
    auto run(Function work) -> Task<decltype(work(std::declval<xs_handle*>()))> {
        auto task = [handle = handle_, work = std::move(work)]() mutable { return work(handle); };
        co_return co_await worker_.run(std::move(task));
    }

private:
    class Watch;
    struct Watches;

    void awaitEvents();

    xs_handle* handle_ = nullptr;
    std::shared_ptr<Watches> watches_;
    std::shared_ptr<asio::posix::stream_descriptor> events_;
    Workers worker_;
};

/// Sets the permissions of `path` (blocking; for functions given to run()). Throws xb::Error.
void setStorePermissions(xs_handle* handle, std::uint32_t transaction, const std::string& path,
                         const std::vector<XenStorePermission>& permissions);

/// Runs `body` in a transaction, again and again while others interfere; `what` names it in the error
/// (blocking; for functions given to run()). Throws xb::Error.
void inTransaction(xs_handle* handle, const std::string& what,
                   const std::function<void(std::uint32_t transaction)>& body);

} // namespace xb::xen
