// SPDX-License-Identifier: Apache-2.0
#include "dbd/database.hpp"

#include "toolstack/libs/log.hpp"

namespace xb::dbd {

Database::Database(Bus& bus, Store& store, Saver& saver, const std::string& proxyUser,
                   GuestCallers::FindUuid findUuid)
    : store_(store), saver_(saver), watches_(bus, store.tree().limits()),
      callers_(bus, proxyUser, std::move(findUuid)),
      guestChanges_(store, [](const std::string& trouble) { log::warn("{}", trouble); }) {
    store_.setListener([this](std::string_view path) { watches_.note(path); });
}

Task<View> Database::viewOf(Caller caller) {
    const auto guest = co_await callers_.of(caller.uniqueName);
    if (!guest)
        co_return View();
    co_return View(guest->domid, guest->uuid);
}

Task<> Database::change(const Caller& caller, std::span<const StepView> steps,
                        std::span<const Precondition> preconditions) {
    View view;
    if (!isDom0(caller))
        view = co_await viewOf(caller);
    require(tree(), view, preconditions);
    if (steps.empty())
        co_return;
    if (view.isWhole())
        store_.apply(steps);
    else
        guestChanges_.apply(view, steps);
    watches_.made(caller.uniqueName);
    saver_.changed();
    if (watches_.unsettled())
        co_await watches_.settled();
    if (saver_.syncsAnswers())
        co_await saver_.acknowledge();
}

} // namespace xb::dbd
