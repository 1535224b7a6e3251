// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/pending_calls.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"

#include <algorithm>
#include <utility>

namespace xb::proxy {

namespace {

// More than this is given back when nothing is under way.
constexpr std::size_t keptCapacity = 16;

bool mayAnswer(std::string_view sender, std::string_view called) {
    if (sender == called || sender == driverName)
        return true;
    return !called.empty() && called != driverName && called.front() != ':';
}

} // namespace

bool PendingCalls::has(std::uint32_t serial) const {
    return std::ranges::any_of(calls_, [serial](const Call& call) { return call.serial == serial; });
}

bool PendingCalls::has(std::uint32_t serial, std::string_view peer) const {
    return std::ranges::any_of(calls_,
                               [&](const Call& call) { return call.serial == serial && call.peer == peer; });
}

void PendingCalls::add(std::uint32_t serial, std::string_view peer) {
    calls_.push_back({serial, std::string(peer)});
}

void PendingCalls::take(std::vector<Call>::iterator call) {
    std::swap(*call, calls_.back());
    calls_.pop_back();
    if (calls_.empty() && calls_.capacity() > keptCapacity)
        std::vector<Call>().swap(calls_);
}

bool PendingCalls::takeAnsweredBy(std::uint32_t serial, std::string_view sender) {
    const auto found =
        std::ranges::find_if(calls_, [serial](const Call& call) { return call.serial == serial; });
    if (found == calls_.end() || !mayAnswer(sender, found->peer))
        return false;
    take(found);
    return true;
}

bool PendingCalls::takeOf(std::uint32_t serial, std::string_view caller) {
    const auto found = std::ranges::find_if(
        calls_, [&](const Call& call) { return call.serial == serial && call.peer == caller; });
    if (found == calls_.end())
        return false;
    take(found);
    return true;
}

} // namespace xb::proxy
