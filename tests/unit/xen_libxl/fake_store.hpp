// SPDX-License-Identifier: Apache-2.0
// A xenstore in memory, for tests of what reacts to it: values and watches, no permissions and no
// transactions.
#pragma once

#include "xen/xenstore.hpp"

#include <map>
#include <set>

namespace xb::xen {

class FakeStore final : public XenStore {
public:
    explicit FakeStore(Executor executor) : executor_(std::move(executor)) {}

    Task<std::optional<std::string>> read(std::string path) override;
    Task<std::vector<std::string>> list(std::string path) override;
    Task<> write(std::string path, std::string value) override;
    Task<> remove(std::string path) override;
    Task<> setPermissions(std::string path, std::vector<XenStorePermission> permissions) override;
    Task<> apply(Changes changes) override;
    Task<std::unique_ptr<XenStoreWatch>> watch(std::string path, WatchHandler handler) override;

    /// Calls the handlers of watches at or above `path`, on the loop.
    void fire(const std::string& path);
    std::map<std::string, std::string> values;
    std::size_t watches() const { return watches_.size(); }

private:
    struct Registered {
        std::string path;
        WatchHandler handler;
    };
    class Watch;

    void call(const std::shared_ptr<Registered>& watch, const std::string& path);

    Executor executor_;
    std::set<std::shared_ptr<Registered>> watches_;
};

} // namespace xb::xen
