// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/bridge.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::xen::emulated {

void Bridge::detach(BridgePort& port) {
    ports_.erase(&port);
    std::erase_if(learned_, [&](const auto& entry) { return entry.second == &port; });
}

void Bridge::forward(BridgePort& from, std::string_view frame) {
    const auto source = sourceOf(frame);
    const auto destination = destinationOf(frame);
    if (!source || !destination)
        return;
    if (!isGroup(*source) && (learned_.contains(*source) || learned_.size() < maxLearnedAddresses))
        learned_[*source] = &from;
    if (*destination == host_.mac || isGroup(*destination))
        if (const auto answer = answerTo(frame, host_))
            from.deliver(*answer);
    if (*destination == host_.mac)
        return;
    if (const auto known = learned_.find(*destination); known != learned_.end()) {
        if (known->second != &from)
            known->second->deliver(frame);
        return;
    }
    for (BridgePort* port : ports_)
        if (port != &from)
            port->deliver(frame);
}

Bridges::Bridges(const std::vector<std::string>& names) {
    for (const auto& name : names)
        bridges_.emplace(name, std::make_shared<Bridge>(name));
}

std::shared_ptr<Bridge> Bridges::find(const std::string& name) const {
    const auto found = bridges_.find(name);
    if (found == bridges_.end())
        throw Error("there is no bridge \"" + name + "\"");
    return found->second;
}

} // namespace xb::xen::emulated
