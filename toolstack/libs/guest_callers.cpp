// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guest_callers.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/name_owners.hpp"
#include "toolstack/libs/uuid.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <pwd.h>

namespace xb {

namespace {

constexpr auto guestNamespace = "com.citrix.xenclient.guest";
constexpr std::string_view domainPrefix = "com.citrix.xenclient.guest.domid_";
// The first domid that no domain has (DOMID_FIRST_RESERVED of Xen's public/xen.h).
constexpr std::uint32_t firstReservedDomid = 0x7FF0;
// Connections without a guest whose user is known. Forgetting one costs a question.
constexpr std::size_t checkedLimit = 1024;

/// Takes a decimal number without sign and leading zeros from the beginning of `text`.
std::optional<std::uint64_t> takeNumber(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || (length > 1 && text.front() == '0'))
        return std::nullopt;
    text.remove_prefix(length);
    return value;
}

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected))
        return false;
    text.remove_prefix(expected.size());
    return true;
}

std::optional<uid_t> uidOf(const std::string& user) {
    std::array<char, 16384> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (user.empty() || ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return entry.pw_uid;
}

} // namespace

std::optional<std::uint32_t> guestDomainOf(std::string_view busName) {
    if (!take(busName, domainPrefix))
        return std::nullopt;
    const auto domid = takeNumber(busName);
    const bool good = domid && *domid < firstReservedDomid && take(busName, ".c") && takeNumber(busName) &&
                      take(busName, "_") && takeNumber(busName) && busName.empty();
    return good ? static_cast<std::uint32_t>(*domid) : unknownDomain;
}

GuestCallers::GuestCallers(Bus& bus, const std::string& proxyUser, FindUuid findUuid)
    : bus_(bus), findUuid_(std::move(findUuid)), proxyUid_(uidOf(proxyUser)), proxyUser_(proxyUser) {
    owners_ = followOwners(bus_, guestNamespace,
                           [this](const std::string& name, const std::string& before,
                                  const std::string& after) { ownerChanged(name, before, after); });
}

void GuestCallers::ownerChanged(const std::string& name, const std::string& before,
                                const std::string& after) {
    const auto domid = guestDomainOf(name);
    if (!domid)
        return;
    if (!after.empty())
        adopt(*domid, after);
    // Who gives such a name away stays what he is; who ended is forgotten.
    if (!before.empty())
        bus_.loop().spawn("asking whether " + before + " is there", forgetIfGone(before));
}

void GuestCallers::adopt(std::uint32_t domid, const std::string& uniqueName) {
    const auto known = known_.find(uniqueName);
    const bool isGuest = known != known_.end() && known->second->guest.has_value();
    if (isGuest && known->second->guest->domid == domid)
        return;
    auto fresh = std::make_shared<Connection>(bus_.loop().executor());
    fresh->guest.emplace();
    if (!isGuest)
        fresh->guest->domid = domid;
    else // a guest of two domains is none
        log::error("{} owns names of guest domains {} and {}: it is refused", uniqueName,
                   known->second->guest->domid, domid);
    known_[uniqueName] = std::move(fresh);
}

Task<> GuestCallers::forgetIfGone(std::string uniqueName) {
    Message reply = co_await bus_.callMethod(Bus::driverName, Bus::driverPath, Bus::driverName,
                                             "NameHasOwner", uniqueName);
    bool there = true;
    reply >> there;
    if (!there)
        known_.erase(uniqueName);
}

GuestCallers::ConnectionPtr GuestCallers::connection(const std::string& uniqueName) {
    const auto found = known_.find(uniqueName);
    if (found != known_.end())
        return found->second;
    const auto isOther = [](const auto& each) { return !each.second->guest; };
    if (static_cast<std::size_t>(std::ranges::count_if(known_, isOther)) >= checkedLimit)
        std::erase_if(known_, isOther);
    return known_[uniqueName] = std::make_shared<Connection>(bus_.loop().executor());
}

Task<std::optional<GuestCaller>> GuestCallers::of(std::string uniqueName) {
    if (isDom0(uniqueName))
        co_return std::nullopt;
    const ConnectionPtr captured = connection(uniqueName);
    if (!captured->checked || captured->turn.locked()) {
        const auto turn = co_await captured->turn.lock();
        if (!captured->checked) {
            co_await check(captured, uniqueName);
            captured->checked = true;
        }
    }
    co_return captured->guest;
}

/// Throws if the caller cannot be told from others.
Task<> GuestCallers::check(ConnectionPtr connection, std::string uniqueName) {
    if (!connection->guest) {
        Message reply = co_await bus_.callMethod(Bus::driverName, Bus::driverPath, Bus::driverName,
                                                 "GetConnectionUnixUser", uniqueName);
        std::uint32_t uid = 0;
        reply >> uid;
        if (uid == *proxyUid_)
            throw Error(errors::accessDenied, uniqueName + " belongs to " + proxyUser_ +
                                                  " but stands for no guest: rpc-proxy owns a name below " +
                                                  std::string(domainPrefix) + "<N> for each guest");
        co_return;
    }
    const std::uint32_t domid = connection->guest->domid;
    if (domid == 0) { // rpc-proxy's own, or said to be dom0's on its command line
        connection->guest.reset();
        co_return;
    }
    if (domid == unknownDomain)
        throw Error(errors::accessDenied, uniqueName + " has a guest's name that names no domain");
    if (!findUuid_)
        co_return;
    std::string trouble;
    try {
        std::string uuid = co_await findUuid_(domid);
        if (isUuid(uuid)) {
            connection->guest->uuid = std::move(uuid);
            co_return;
        }
        trouble = "its uuid is \"" + uuid + "\"";
    } catch (const Error& e) {
        trouble = e.what();
    }
    // The guest need not know how dom0 finds out.
    if (!std::exchange(connection->complained, true))
        log::warn("calls of guest domain {} on {} are refused: {}", domid, uniqueName, trouble);
    throw Error(errors::accessDenied, "it cannot be told which VM guest domain " + std::to_string(domid) +
                                          " is; dom0's log says why");
}

} // namespace xb
