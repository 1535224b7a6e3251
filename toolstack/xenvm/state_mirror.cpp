// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/state_mirror.hpp"

#include "toolstack/libs/log.hpp"

#include <array>

namespace xb::xenvm {

namespace {

constexpr std::array<std::string_view, 5> intentWords{"", "halt", "reboot", "restart", "destroy"};

Intent intentFromString(std::string_view word) {
    for (std::size_t i = 0; i < intentWords.size(); ++i) {
        if (intentWords[i] == word)
            return static_cast<Intent>(i);
    }
    return Intent::none;
}

} // namespace

StateMirror::StateMirror(Executor executor, xen::XenStore& store, const std::string& uuid)
    : executor_(executor), store_(store), statePath_("/state/" + uuid + "/state"),
      pendingPath_("/state/" + uuid + "/pending"), undoPath_("/state/" + uuid + "/undo"), idle_(executor) {
    idle_.set();
}

Task<StateMirror::Recorded> StateMirror::read() {
    Recorded recorded;
    const auto state = co_await store_.read(statePath_);
    if (state) {
        recorded.state = lifeStateFromString(*state);
        if (!recorded.state)
            log::warn("{} has the unknown value \"{}\"; it is not used", statePath_, *state);
    }
    const auto pending = co_await store_.read(pendingPath_);
    if (pending)
        recorded.intent = intentFromString(*pending);
    const auto undo = co_await store_.read(undoPath_);
    recorded.undo = undo.value_or("");
    co_return recorded;
}

void StateMirror::put(LifeState state, Intent intent) {
    xen::XenStore::Changes changes;
    changes.emplace_back(statePath_, std::string(toString(state)));
    if (intent == Intent::none)
        changes.emplace_back(pendingPath_, std::nullopt);
    else
        changes.emplace_back(pendingPath_, std::string(intentWords[static_cast<std::size_t>(intent)]));
    queue(std::move(changes));
}

void StateMirror::owe(std::string undo) {
    xen::XenStore::Changes changes;
    changes.emplace_back(undoPath_, std::move(undo));
    queue(std::move(changes));
}

void StateMirror::settle() {
    xen::XenStore::Changes changes;
    changes.emplace_back(undoPath_, std::nullopt);
    queue(std::move(changes));
}

void StateMirror::forget() {
    xen::XenStore::Changes changes;
    changes.emplace_back(statePath_.substr(0, statePath_.rfind('/')), std::nullopt);
    queue(std::move(changes));
}

void StateMirror::queue(xen::XenStore::Changes changes) {
    queue_.push_back(std::move(changes));
    idle_.clear();
    if (pumping_)
        return;
    pumping_ = true;
    spawn(executor_, "state in xenstore", pump(shared_from_this()));
}

Task<> StateMirror::pump(std::shared_ptr<StateMirror> self) {
    while (!self->queue_.empty()) {
        auto changes = std::move(self->queue_.front());
        self->queue_.pop_front();
        try {
            co_await self->store_.apply(std::move(changes));
        } catch (const std::exception& e) {
            log::error("the state cannot be written to xenstore: {}", e.what());
        }
    }
    self->pumping_ = false;
    self->idle_.set();
}

Task<> StateMirror::flush() {
    co_await idle_.wait();
}

} // namespace xb::xenvm
