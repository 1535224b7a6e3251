// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/announcer.hpp"

#include <fmt/format.h>

#include <utility>

namespace xb::xenvm {

Announcer::Announcer(std::string uuid, std::shared_ptr<idl::xenvm::XenvmServer> typed,
                     std::shared_ptr<NotifyInterface> traditional)
    : uuid_(std::move(uuid)), typed_(std::move(typed)), traditional_(std::move(traditional)) {}

void Announcer::serving() {
    serving_ = true;
    notify(NotifyCode::ping, "ping");
    notify(NotifyCode::ping, "dbus-rpc-up");
    for (const auto& tell : std::exchange(early_, {}))
        tell();
}

void Announcer::hangUp() {
    notify(NotifyCode::hangUp, "hup");
}

void Announcer::stateChanged(LifeState state, int domid) {
    if (!serving_) // callers find the state that was adopted; it is no news
        return;
    const std::string word(toString(state));
    notify(NotifyCode::vmState, "vm:state:" + word);
    typed_->emitStateChanged(word, domid);
}

void Announcer::failed(const std::string& text) {
    whenServing([this, text] {
        notify(NotifyCode::error, "error:" + text);
        typed_->emitError(text);
    });
}

void Announcer::timeOffsetChanged(std::int32_t seconds) {
    whenServing([this, seconds] {
        notify(NotifyCode::vmSet, "rtc:" + std::to_string(seconds));
        typed_->emitTimeOffsetChanged(seconds);
    });
}

void Announcer::nodeChanged(const std::string& node, const std::string& value) {
    whenServing([this, node, value] {
        notify(NotifyCode::vmTrigger, node + ":" + value);
        typed_->emitNodeChanged(node, value);
    });
}

void Announcer::whenServing(std::function<void()> tell) {
    if (serving_)
        tell();
    else
        early_.push_back(std::move(tell));
}

void Announcer::notify(NotifyCode code, const std::string& message) {
    traditional_->emitNotify(uuid_, static_cast<std::int32_t>(code), message);
    if (socket_)
        socket_->send(fmt::format("{}:{}:{}\n", uuid_, static_cast<std::int32_t>(code), message));
}

} // namespace xb::xenvm
