// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/announcer.hpp"

#include <utility>

namespace xb::xenvm {

Announcer::Announcer(std::string uuid, std::shared_ptr<idl::xenvm::XenvmServer> typed,
                     std::shared_ptr<NotifyInterface> traditional)
    : uuid_(std::move(uuid)), typed_(std::move(typed)), traditional_(std::move(traditional)) {}

void Announcer::serving() {
    serving_ = true;
    notify(NotifyCode::ping, "dbus-rpc-up");
    for (const std::string& text : std::exchange(early_, {}))
        failed(text);
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
    if (!serving_) {
        early_.push_back(text);
        return;
    }
    notify(NotifyCode::error, "error:" + text);
    typed_->emitError(text);
}

void Announcer::notify(NotifyCode code, const std::string& message) {
    traditional_->emitNotify(uuid_, static_cast<std::int32_t>(code), message);
}

} // namespace xb::xenvm
