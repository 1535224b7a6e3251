// SPDX-License-Identifier: Apache-2.0
#include "dbd/extension_object.hpp"

#include "dbd/path.hpp"

#include <fmt/format.h>

#include <chrono>
#include <vector>

namespace xb::dbd {

namespace {

using NamedStep = Struct<std::string, std::string, std::string>;

/// What a caller gave to apply, taken apart. Its texts are the caller's.
struct Request {
    std::vector<StepView> steps;
    std::vector<Precondition> preconditions;

    explicit Request(const std::vector<NamedStep>& given) {
        for (std::size_t i = 0; i < given.size(); ++i)
            add(i + 1, std::get<0>(given[i]), std::get<1>(given[i]), std::get<2>(given[i]));
    }

private:
    void add(std::size_t number, const std::string& operation, const std::string& path,
             const std::string& value) {
        if (operation == "write") {
            steps.push_back({StepKind::write, path, value, number});
        } else if (operation == "inject") {
            steps.push_back({StepKind::inject, path, value, number});
        } else if (operation == "rm") {
            requireNoValue(number, operation, value);
            steps.push_back({StepKind::remove, path, {}, number});
        } else if (operation == "check") {
            preconditions.push_back({number, path, value});
        } else if (operation == "check-absent") {
            requireNoValue(number, operation, value);
            preconditions.push_back({number, path, std::nullopt});
        } else {
            throw Error(errors::invalidArgs,
                        fmt::format("step {}: no operation \"{}\"; there are write, inject, rm, check and "
                                    "check-absent",
                                    number, forMessage(operation)));
        }
    }
    static void requireNoValue(std::size_t number, const std::string& operation, const std::string& value) {
        if (!value.empty())
            throw Error(errors::invalidArgs,
                        fmt::format("step {}: {} takes no value, give the empty text", number, operation));
    }
};

} // namespace

Task<> DbExtensionObject::apply(Caller caller, std::vector<NamedStep> steps) {
    const std::size_t limit = db_.tree().limits().steps;
    if (steps.size() > limit)
        throw Error(errors::limitsExceeded,
                    fmt::format("apply: the number of steps is {}, the limit is {}", steps.size(), limit));
    const Request request(steps);
    co_await db_.change(caller, request.steps, request.preconditions);
}

Task<> DbExtensionObject::watch(Caller caller, std::string prefix) {
    const View view = co_await db_.viewOf(caller);
    db_.watches().add(caller.uniqueName, view, prefix);
}

Task<> DbExtensionObject::unwatch(Caller caller, std::string prefix) {
    const View view = co_await db_.viewOf(caller);
    db_.watches().remove(caller.uniqueName, view, prefix);
}

Task<> DbExtensionObject::requireDom0(Caller caller, const char* what) {
    const View view = co_await db_.viewOf(caller);
    if (!view.isWhole())
        throw Error(errors::accessDenied,
                    fmt::format("{} is for dom0, not for guest domain {}", what, view.domid()));
}

Task<> DbExtensionObject::sync(Caller caller) {
    co_await requireDom0(caller, "sync");
    co_await db_.saver().sync();
}

Task<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint64_t, std::uint64_t, std::string,
                std::vector<Struct<std::string, std::uint32_t, std::string>>>>
DbExtensionObject::statistics(Caller caller) {
    co_await requireDom0(caller, "statistics");
    const Store& store = db_.store();
    const TreeSize& size = store.tree().size();
    const auto flushed =
        std::chrono::duration_cast<std::chrono::seconds>(db_.saver().lastFlush().time_since_epoch());
    std::vector<Struct<std::string, std::uint32_t, std::string>> quarantined;
    for (const Problem& problem : store.quarantined())
        quarantined.emplace_back(problem.file, static_cast<std::uint32_t>(problem.line), problem.text);
    co_return std::tuple(std::uint64_t{size.nodes}, std::uint64_t{size.bytes},
                         static_cast<std::uint32_t>(store.dirtyFiles()),
                         std::uint64_t{store.journal().bytes()}, static_cast<std::uint64_t>(flushed.count()),
                         db_.saver().lastError(), std::move(quarantined));
}

} // namespace xb::dbd
