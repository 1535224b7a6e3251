// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen_libxl/fake_store.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::xen {

class FakeStore::Watch final : public XenStoreWatch {
public:
    Watch(FakeStore& store, std::shared_ptr<Registered> registered)
        : store_(store), registered_(std::move(registered)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() override {
        registered_->handler = nullptr;
        store_.watches_.erase(registered_);
    }

private:
    FakeStore& store_;
    std::shared_ptr<Registered> registered_;
};

Task<std::optional<std::string>> FakeStore::read(std::string path) {
    const auto found = values.find(path);
    if (found == values.end())
        co_return std::nullopt;
    co_return found->second;
}

Task<std::vector<std::string>> FakeStore::list(std::string path) {
    std::set<std::string> names;
    for (const auto& [node, value] : values)
        if (node.starts_with(path + "/"))
            names.insert(node.substr(path.size() + 1, node.find('/', path.size() + 1) - path.size() - 1));
    co_return std::vector<std::string>(names.begin(), names.end());
}

Task<> FakeStore::write(std::string path, std::string value) {
    values[path] = std::move(value);
    fire(path);
    co_return;
}

Task<> FakeStore::remove(std::string path) {
    values.erase(path);
    fire(path);
    co_return;
}

Task<> FakeStore::setPermissions(std::string, std::vector<XenStorePermission>) {
    co_return;
}

Task<> FakeStore::apply(Changes changes) {
    for (auto& [path, value] : changes)
        if (value)
            values[path] = *value;
        else
            values.erase(path);
    for (auto& [path, value] : changes)
        fire(path);
    co_return;
}

Task<std::unique_ptr<XenStoreWatch>> FakeStore::watch(std::string path, WatchHandler handler) {
    auto registered = std::make_shared<Registered>();
    registered->path = path;
    registered->handler = std::move(handler);
    watches_.insert(registered);
    call(registered, path);
    co_return std::make_unique<Watch>(*this, std::move(registered));
}

void FakeStore::call(const std::shared_ptr<Registered>& watch, const std::string& path) {
    asio::post(executor_, [watch, path] {
        if (auto handler = watch->handler)
            handler(path);
    });
}

void FakeStore::fire(const std::string& path) {
    for (const auto& watch : watches_)
        if (path == watch->path || path.starts_with(watch->path + "/"))
            call(watch, path);
}

} // namespace xb::xen
