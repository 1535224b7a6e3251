// SPDX-License-Identifier: Apache-2.0
// Xenstore as the toolstack sees it: an asynchronous client of xenstored (docs/misc/xenstore.txt of Xen). The
// library behind it blocks, so requests run on a worker thread of the connection, in the order in which they
// were made; watch events arrive on the loop.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xb::xen {

/// Ends the watch when destroyed. Events of it that are under way are dropped.
class XenStoreWatch {
public:
    virtual ~XenStoreWatch() = default;
};

/// Who may do what with a node; the first entry names the owner and everybody else's right.
struct XenStorePermission {
    enum class Right { none, read, write, both };
    DomId domid = 0;
    Right right = Right::none;
};

/// A connection to xenstored. Paths are absolute, or relative to our own domain's home. Failures are
/// xb::Error with the path and the reason in the text.
class XenStore {
public:
    using WatchHandler = std::function<void(std::string path)>;
    using Changes = std::vector<std::pair<std::string, std::optional<std::string>>>;

    virtual ~XenStore() = default;

    /// The node's value; nothing when it does not exist.
    virtual Task<std::optional<std::string>> read(std::string path) = 0;
    /// Names of the children; empty when the node does not exist.
    virtual Task<std::vector<std::string>> list(std::string path) = 0;
    virtual Task<> write(std::string path, std::string value) = 0;
    /// Removes the node and everything below it; no error when it does not exist.
    virtual Task<> remove(std::string path) = 0;
    virtual Task<> setPermissions(std::string path, std::vector<XenStorePermission> permissions) = 0;
    /// Writes (value) and removes (no value) in one transaction, retried while others interfere.
    virtual Task<> apply(Changes changes) = 0;
    /// Calls `handler` on the loop once at once and then for every change at or below `path` (also
    /// @introduceDomain,
    /// @releaseDomain). Registering blocks for one round trip: start-up and rare.
    virtual Task<std::unique_ptr<XenStoreWatch>> watch(std::string path, WatchHandler handler) = 0;
};

/// Connects to the xenstored whose socket is `socket` (empty: the system's). Throws xb::Error when there is
/// none.
std::shared_ptr<XenStore> connectXenStore(const Executor& executor, const std::string& socket);

} // namespace xb::xen
