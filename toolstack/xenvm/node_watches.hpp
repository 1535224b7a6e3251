// SPDX-License-Identifier: Apache-2.0
// Watched values in xenstore: each handler is told the value that its node has and then every new one, in
// order. What is written in between may be passed over; the last value never is. Guests write some of these
// nodes: a value that is no printable text is not passed on.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/xenstore.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::xenvm {

class NodeWatches : public std::enable_shared_from_this<NodeWatches> {
public:
    using Handler = std::function<void(const std::string& value)>;

    /// `store` outlives the requests under way.
    NodeWatches(Executor executor, xen::XenStore& store) : executor_(std::move(executor)), store_(store) {}

    /// Watches `path`. A node that is absent or empty has no value. Throws xb::Error when xenstored refuses.
    Task<> add(std::string path, Handler handler);
    /// Reads all nodes once more, for values whose events are still on their way. Failures are logged.
    Task<> lookAgain();
    /// No handler is called from here on.
    void close();

private:
    struct Node {
        std::string path;
        Handler handler;
        std::string value; ///< that the handler was told
        bool reading = false;
        bool again = false;
        bool complained = false; ///< once per node: guests must not fill the log
        std::unique_ptr<xen::XenStoreWatch> watch;
    };

    static Task<> look(std::shared_ptr<NodeWatches> self, std::shared_ptr<Node> node);
    void judge(Node& node, const std::optional<std::string>& value) const;

    Executor executor_;
    xen::XenStore& store_;
    std::vector<std::shared_ptr<Node>> nodes_;
    bool closed_ = false;
};

} // namespace xb::xenvm
