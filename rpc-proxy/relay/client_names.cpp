// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/client_names.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"

#include <algorithm>

namespace xb::proxy {

bool ClientNames::givesOwn(const wire::MessageView& call) const {
    return !name_.empty() && isDriverMember(call, "RequestName") && call.signature == "su";
}

std::optional<std::string> ClientNames::ofCall(const wire::MessageView& call) {
    const auto text = call.firstString();
    if (!text || !isDriverCall(call))
        return std::nullopt;
    const auto same = std::ranges::find(asked_, *text);
    if (givesOwn(call)) {
        if (same != asked_.end())
            asked_.erase(same);
        else if (asked_.size() >= maxClientNames)
            asked_.erase(asked_.begin());
        asked_.emplace_back(*text);
        return name_;
    }
    const bool isOwn = same != asked_.end();
    if (answersNames_ && call.wantsReply() && isDriverMember(call, "GetNameOwner"))
        owners_.insert_or_assign(call.serial, std::string(*text));
    for (const char* const member : {"ReleaseName", "GetNameOwner", "NameHasOwner", "ListQueuedOwners"}) {
        if (!isOwn || !isDriverMember(call, member))
            continue;
        if (isDriverMember(call, "ReleaseName"))
            asked_.clear(); // it is one name
        return name_;
    }
    return std::nullopt;
}

std::optional<std::string> ClientNames::ofMessage(const wire::MessageView& message) {
    if (!isFromDriver(message))
        return std::nullopt;
    if (message.isReply()) {
        auto asked = owners_.extract(*message.replySerial);
        if (!asked || message.type == wire::MessageType::error)
            return std::nullopt;
        return std::move(asked.mapped());
    }
    const bool ofNames = message.member == "NameAcquired" || message.member == "NameLost";
    if (message.type == wire::MessageType::signal && ofNames && !asked_.empty() &&
        message.firstString() == name_)
        return asked_.back();
    return std::nullopt;
}

std::string clientName(const std::string& name, const std::string& uuid) {
    constexpr std::string_view variable = "$UUID";
    const std::size_t at = name.find(variable);
    if (at == std::string::npos)
        return name;
    if (uuid.empty())
        return "";
    std::string element = uuid;
    std::ranges::replace(element, '-', '_');
    return name.substr(0, at) + element + name.substr(at + variable.size());
}

} // namespace xb::proxy
