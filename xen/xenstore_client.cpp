// SPDX-License-Identifier: Apache-2.0
#include "xen/xenstore_client.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"

extern "C" {
#include <xenstore.h>
}

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <mutex>

namespace xb::xen {

namespace {

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

[[noreturn]] void failed(const char* what, const std::string& path, int reason) {
    throw systemError(std::string("xenstore: cannot ") + what + " " + path, reason);
}

unsigned lengthOf(const std::string& value) {
    if (value.size() > std::numeric_limits<unsigned>::max())
        throw Error(errors::limitsExceeded,
                    "xenstore: a value of " + std::to_string(value.size()) + " bytes");
    return static_cast<unsigned>(value.size());
}

// The library takes the socket's path from the environment only.
xs_handle* openHandle(const std::string& socket) {
    static std::mutex oneAtATime;
    const std::lock_guard lock(oneAtATime);
    if (socket.empty())
        return xs_open(0);
    constexpr const char* variable = "XENSTORED_PATH";
    const char* before = std::getenv(variable);
    const std::optional<std::string> saved = before ? std::optional<std::string>(before) : std::nullopt;
    ::setenv(variable, socket.c_str(), 1);
    xs_handle* handle = xs_open(0);
    const int reason = errno;
    if (saved)
        ::setenv(variable, saved->c_str(), 1);
    else
        ::unsetenv(variable);
    errno = reason;
    return handle;
}

void removeNode(xs_handle* handle, xs_transaction_t transaction, const std::string& path) {
    if (!xs_rm(handle, transaction, path.c_str()) && errno != ENOENT)
        failed("remove", path, errno);
}

void writeNode(xs_handle* handle, xs_transaction_t transaction, const std::string& path,
               const std::string& value) {
    if (!xs_write(handle, transaction, path.c_str(), value.data(), lengthOf(value)))
        failed("write", path, errno);
}

} // namespace

void inTransaction(xs_handle* handle, const std::string& what,
                   const std::function<void(std::uint32_t transaction)>& body) {
    for (int attempt = 0; attempt < maxTransactionAttempts; ++attempt) {
        const xs_transaction_t transaction = xs_transaction_start(handle);
        if (transaction == XBT_NULL)
            throw systemError("xenstore: cannot start a transaction", errno);
        try {
            body(transaction);
        } catch (...) {
            xs_transaction_end(handle, transaction, true);
            throw;
        }
        if (xs_transaction_end(handle, transaction, false))
            return;
        if (errno != EAGAIN)
            throw systemError("xenstore: cannot end a transaction", errno);
    }
    throw Error("xenstore: a transaction on " + what + " was disturbed by others " +
                std::to_string(maxTransactionAttempts) + " times");
}

void setStorePermissions(xs_handle* handle, std::uint32_t transaction, const std::string& path,
                         const std::vector<XenStorePermission>& permissions) {
    std::vector<xs_permissions> list;
    for (const auto& each : permissions) {
        xs_permissions entry{};
        entry.id = each.domid;
        switch (each.right) {
        case XenStorePermission::Right::none:
            entry.perms = XS_PERM_NONE;
            break;
        case XenStorePermission::Right::read:
            entry.perms = XS_PERM_READ;
            break;
        case XenStorePermission::Right::write:
            entry.perms = XS_PERM_WRITE;
            break;
        case XenStorePermission::Right::both:
            entry.perms = XS_PERM_READ | XS_PERM_WRITE;
            break;
        }
        list.push_back(entry);
    }
    if (!xs_set_permissions(handle, transaction, path.c_str(), list.data(),
                            static_cast<unsigned>(list.size())))
        failed("set the permissions of", path, errno);
}

/// The registered watches by token. Shared with the event handler, which may be under way while the client
/// goes.
struct XenStoreClient::Watches {
    std::map<std::string, std::shared_ptr<WatchHandler>, std::less<>> handlers;
    std::uint64_t next = 1;
    XenStoreClient* client = nullptr;
};

class XenStoreClient::Watch final : public XenStoreWatch {
public:
    Watch(std::shared_ptr<Watches> watches, std::string path, std::string token)
        : watches_(std::move(watches)), path_(std::move(path)), token_(std::move(token)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() override {
        watches_->handlers.erase(token_);
        if (!watches_->client)
            return;
        auto unwatch = [handle = watches_->client->handle_, path = path_, token = token_] {
            xs_unwatch(handle, path.c_str(), token.c_str());
        };
        watches_->client->worker_.post(std::move(unwatch));
    }

private:
    std::shared_ptr<Watches> watches_;
    std::string path_;
    std::string token_;
};

XenStoreClient::XenStoreClient(const Executor& executor, const std::string& socket)
    : handle_(openHandle(socket)), watches_(std::make_shared<Watches>()) {
    if (!handle_)
        throw systemError("cannot connect to xenstored" + (socket.empty() ? "" : " at " + socket), errno);
    watches_->client = this;
    UniqueFd descriptor(::fcntl(xs_fileno(handle_), F_DUPFD_CLOEXEC, 0));
    if (!descriptor) {
        const int reason = errno;
        xs_close(handle_);
        throw systemError("cannot wait for xenstored's events", reason);
    }
    events_ = std::make_shared<asio::posix::stream_descriptor>(executor, descriptor.release());
    awaitEvents();
}

XenStoreClient::~XenStoreClient() {
    watches_->client = nullptr;
    worker_.join();
    xs_close(handle_);
}

void XenStoreClient::awaitEvents() {
    auto onReadable = [watches = watches_, events = events_](const boost::system::error_code& error) {
        if (error || !watches->client)
            return;
        // Handlers may end watches, this client included.
        while (watches->client) {
            const std::unique_ptr<char*, Free> event(xs_check_watch(watches->client->handle_));
            if (!event) {
                if (errno != EAGAIN)
                    log::error("xenstore: no more events: {}", std::strerror(errno));
                break;
            }
            const auto found = watches->handlers.find(std::string_view(event.get()[XS_WATCH_TOKEN]));
            if (found == watches->handlers.end())
                continue;
            const auto handler = found->second;
            (*handler)(event.get()[XS_WATCH_PATH]);
        }
        if (watches->client)
            watches->client->awaitEvents();
    };
    events_->async_wait(asio::posix::stream_descriptor::wait_read, std::move(onReadable));
}

Task<std::optional<std::string>> XenStoreClient::read(std::string path) {
    auto work = [path](xs_handle* handle) -> std::optional<std::string> {
        unsigned length = 0;
        const std::unique_ptr<void, Free> value(xs_read(handle, XBT_NULL, path.c_str(), &length));
        if (!value && errno == ENOENT)
            return std::nullopt;
        if (!value)
            failed("read", path, errno);
        return std::string(static_cast<const char*>(value.get()), length);
    };
    co_return co_await run(std::move(work));
}

Task<std::vector<std::string>> XenStoreClient::list(std::string path) {
    auto work = [path](xs_handle* handle) {
        unsigned count = 0;
        const std::unique_ptr<char*, Free> names(xs_directory(handle, XBT_NULL, path.c_str(), &count));
        if (!names && errno != ENOENT)
            failed("list", path, errno);
        return names ? std::vector<std::string>(names.get(), names.get() + count)
                     : std::vector<std::string>();
    };
    co_return co_await run(std::move(work));
}

Task<> XenStoreClient::write(std::string path, std::string value) {
    auto work = [path, value](xs_handle* handle) { writeNode(handle, XBT_NULL, path, value); };
    co_await run(std::move(work));
}

Task<> XenStoreClient::remove(std::string path) {
    auto work = [path](xs_handle* handle) { removeNode(handle, XBT_NULL, path); };
    co_await run(std::move(work));
}

Task<> XenStoreClient::setPermissions(std::string path, std::vector<XenStorePermission> permissions) {
    auto work = [path, permissions](xs_handle* handle) {
        setStorePermissions(handle, XBT_NULL, path, permissions);
    };
    co_await run(std::move(work));
}

Task<> XenStoreClient::apply(Changes changes) {
    auto work = [changes](xs_handle* handle) {
        const std::string what = changes.empty() ? "nothing" : changes.front().first;
        inTransaction(handle, what, [&](std::uint32_t transaction) {
            for (const auto& [path, value] : changes)
                value ? writeNode(handle, transaction, path, *value) : removeNode(handle, transaction, path);
        });
    };
    co_await run(std::move(work));
}

Task<std::unique_ptr<XenStoreWatch>> XenStoreClient::watch(std::string path, WatchHandler handler) {
    const std::string token = "w" + std::to_string(watches_->next++);
    watches_->handlers.emplace(token, std::make_shared<WatchHandler>(std::move(handler)));
    auto work = [path, token](xs_handle* handle) {
        return xs_watch(handle, path.c_str(), token.c_str()) ? 0 : errno;
    };
    const int reason = co_await run(std::move(work));
    if (reason != 0) {
        watches_->handlers.erase(token);
        failed("watch", path, reason);
    }
    co_return std::make_unique<Watch>(watches_, path, token);
}

std::shared_ptr<XenStore> connectXenStore(const Executor& executor, const std::string& socket) {
    return std::make_shared<XenStoreClient>(executor, socket);
}

} // namespace xb::xen
