// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/node_watches.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/xenvm/text.hpp"

namespace xb::xenvm {

Task<> NodeWatches::add(std::string path, Handler handler) {
    const auto self = shared_from_this();
    auto node = std::make_shared<Node>();
    node->path = path;
    node->handler = std::move(handler);
    nodes_.push_back(node);
    std::weak_ptr<NodeWatches> weak = self;
    std::weak_ptr<Node> weakNode = node;
    xen::XenStore::WatchHandler changed = [weak, weakNode](const std::string&) {
        const auto watches = weak.lock();
        const auto changedNode = weakNode.lock();
        if (!watches || !changedNode || watches->closed_)
            return;
        changedNode->again = true;
        if (!changedNode->reading)
            spawn(watches->executor_, "reading " + changedNode->path, look(watches, changedNode));
    };
    node->watch = co_await store_.watch(std::move(path), std::move(changed));
    if (closed_)
        node->watch.reset();
}

Task<> NodeWatches::look(std::shared_ptr<NodeWatches> self, std::shared_ptr<Node> node) {
    node->reading = true;
    while (node->again && !self->closed_) {
        node->again = false;
        try {
            const auto value = co_await self->store_.read(node->path);
            self->judge(*node, value);
        } catch (const std::exception& e) {
            log::warn("{} is watched and cannot be read: {}", node->path, e.what());
        }
    }
    node->reading = false;
}

void NodeWatches::judge(Node& node, const std::optional<std::string>& value) const {
    std::string now = value.value_or("");
    if (closed_ || now == node.value)
        return;
    if (!isPrintable(now)) {
        if (!std::exchange(node.complained, true))
            log::warn("the value of {} is not printable text; it is not passed on", node.path);
        return;
    }
    node.value = std::move(now);
    if (!node.value.empty())
        node.handler(node.value);
}

Task<> NodeWatches::lookAgain() {
    const auto self = shared_from_this();
    const auto nodes = nodes_;
    for (const auto& node : nodes) {
        node->again = true;
        co_await look(self, node);
    }
}

void NodeWatches::close() {
    closed_ = true;
    nodes_.clear();
}

} // namespace xb::xenvm
