// SPDX-License-Identifier: Apache-2.0
#include "dbd/guest_changes.hpp"

#include "dbd/json.hpp"
#include "dbd/path.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace xb::dbd {

namespace {

Error limitError(const View& guest, std::string_view what, std::size_t value, std::size_t limit,
                 std::string_view path) {
    return {errors::limitsExceeded, fmt::format("guest domain {}: {} is {}, the limit is {} (path {})",
                                                guest.domid(), what, value, limit, forMessage(path))};
}

/// The lowest node on a path, and how many names the path has.
struct Way {
    const Node* node;
    std::size_t depth = 0;
    bool complete = true;

    Way(const Tree& tree, std::string_view path) : node(&tree.root()) {
        for (PathWalk walk(path); !walk.done(); ++depth) {
            const std::string_view name = walk.take();
            const Node* const child = complete ? node->child(name) : nullptr;
            complete = child != nullptr;
            node = complete ? child : node;
        }
    }
};

std::size_t depthOf(const Node& node) {
    std::size_t depth = 0;
    for (const Node* at = node.parent(); at != nullptr; at = at->parent())
        ++depth;
    return depth;
}

std::size_t heightOf(const Node& top) {
    std::size_t height = 0;
    for (const Node* node = &top; node != nullptr; node = node->following(top))
        height = std::max(height, depthOf(*node));
    return height;
}

/// Without the paths of the files behind binary nodes, which are not the guest's.
TreeSize sizeOf(const Node& top) {
    TreeSize size;
    for (const Node* node = &top; node != nullptr; node = node->following(top)) {
        ++size.nodes;
        size.bytes += node->name().size() + (node->kind() == NodeKind::File ? 0 : node->text().size());
    }
    return size;
}

/// How large a part of the tree may be after some steps, at most. Steps count on top of each other, except
/// for what they replace of the part as it is before the first.
class Forecast {
public:
    explicit Forecast(const Tree& tree) : tree_(tree) {}

    void write(std::string_view place, std::string_view value) {
        const Way way(tree_, place);
        if (way.complete && way.node->isInner() && !isReplaced(*way.node))
            return; // ignored, as the value of a node with children is
        if (way.complete)
            replaced_.insert(way.node);
        add(place);
        added_.bytes += value.size();
    }
    void inject(std::string_view place, const Node& content) {
        remove(place);
        add(place);
        const TreeSize size = content.measure(); // its root is counted with the path
        added_.nodes += size.nodes - 1;
        added_.bytes += size.bytes;
    }
    void remove(std::string_view place) {
        const Way way(tree_, place);
        if (way.complete)
            replaced_.insert(way.node);
    }

    TreeSize before(std::string_view part) const {
        const Node* const node = tree_.find(part);
        return node != nullptr ? sizeOf(*node) : TreeSize{};
    }
    TreeSize after(std::string_view part) const {
        TreeSize size = before(part);
        size.nodes += added_.nodes;
        size.bytes += added_.bytes;
        for (const Node* const node : replaced_) {
            if (node->parent() != nullptr && isReplaced(*node->parent()))
                continue;
            const TreeSize less = sizeOf(*node);
            size.nodes -= less.nodes;
            size.bytes -= less.bytes;
        }
        return size;
    }

private:
    bool isReplaced(const Node& node) const {
        for (const Node* at = &node; at != nullptr; at = at->parent()) {
            if (replaced_.contains(at))
                return true;
        }
        return false;
    }
    /// The nodes of the path that are not there, or will not be.
    void add(std::string_view place) {
        const Node* node = &tree_.root();
        for (PathWalk walk(place); !walk.done();) {
            const std::string_view name = walk.take();
            node = node != nullptr ? node->child(name) : nullptr;
            if (node != nullptr && isReplaced(*node))
                node = nullptr;
            if (node == nullptr) {
                ++added_.nodes;
                added_.bytes += name.size();
            }
        }
    }

    const Tree& tree_;
    TreeSize added_;
    std::unordered_set<const Node*> replaced_;
};

} // namespace

/// What of a step can be said by itself.
void GuestChanges::checkStep(const View& guest, const StepView& step) const {
    const Limits& limits = store_.tree().limits();
    if (step.path.size() > limits.pathBytes)
        throw limitError(guest, "the length of the path", step.path.size(), limits.pathBytes, step.path);
    std::size_t depth = 0;
    for (PathWalk walk(step.path); !walk.done(); ++depth) {
        const std::string_view name = walk.take();
        if (name.size() > limits.nameBytes)
            throw limitError(guest, "the length of a name", name.size(), limits.nameBytes, step.path);
    }
    if (depth > limits.guestDepth)
        throw limitError(guest, "the number of names in the path", depth, limits.guestDepth, step.path);
    const Way way(store_.tree(), guest.place(std::string(step.path)));
    const bool binary = way.node->kind() == NodeKind::File;
    if (binary && (way.complete || step.kind == StepKind::write || step.kind == StepKind::inject))
        throw Error(fmt::format("{} of {}: a binary node cannot be changed", nameOf(step.kind),
                                forMessage(step.path)));
    if (way.node->parent() == &store_.tree().root() && !way.node->isInner() &&
        way.node->kind() != NodeKind::Empty)
        throw Error("the guest's part of the database is not available: dom0 keeps a value in its place");
}

void GuestChanges::apply(const View& guest, std::span<const StepView> steps) {
    const Limits& limits = store_.tree().limits();
    Forecast forecast(store_.tree());
    std::vector<std::string> places; // the views below point into it
    std::vector<StepView> placed;
    std::size_t bytes = 0; // of values
    places.reserve(steps.size());
    placed.reserve(steps.size());
    for (const StepView& step : steps) {
        try {
            checkStep(guest, step);
            bytes += step.value.size();
            if (bytes > limits.guestBytes)
                throw limitError(guest, "the length of what is given", bytes, limits.guestBytes, step.path);
            const std::string& place = places.emplace_back(guest.place(std::string(step.path)));
            if (step.kind == StepKind::inject) {
                std::size_t depth = 0;
                for (PathWalk walk(step.path); !walk.done(); ++depth)
                    walk.take();
                const ParseResult parsed = parseJson(step.value, Trailing::Ignored, limits);
                if (parsed.node == nullptr)
                    throw Error(fmt::format("inject: the JSON text for {} is refused at {}",
                                            forMessage(step.path), parsed.place()));
                depth += heightOf(*parsed.node);
                if (depth > limits.guestDepth)
                    throw limitError(guest, "the depth of the JSON text", depth, limits.guestDepth,
                                     step.path);
                forecast.inject(place, *parsed.node);
            } else if (step.kind == StepKind::write) {
                forecast.write(place, step.value);
            } else {
                forecast.remove(place);
            }
            const StepKind kind = step.kind == StepKind::rm ? StepKind::remove : step.kind;
            placed.push_back({kind, place, step.value, step.number});
        } catch (const Error& error) {
            throw inStep(step.number, error);
        }
    }
    const std::string part = guest.place({});
    const TreeSize before = forecast.before(part);
    const TreeSize after = forecast.after(part);
    if (after.nodes > before.nodes && after.nodes > limits.guestNodes)
        throw limitError(guest, "the number of nodes", after.nodes, limits.guestNodes, steps.front().path);
    if (after.bytes > before.bytes && after.bytes > limits.guestBytes)
        throw limitError(guest, "the size in bytes", after.bytes, limits.guestBytes, steps.front().path);
    try {
        store_.apply(placed);
        lastTrouble_.clear();
    } catch (const Error& error) {
        // What remains is of files, the journal and the whole tree: dom0's business.
        if (std::exchange(lastTrouble_, error.what()) != error.what())
            report_(fmt::format("a change of guest domain {} is refused: {}", guest.domid(), error.what()));
        throw Error(error.name(), "the database cannot take this change now; dom0's log says why");
    }
}

} // namespace xb::dbd
