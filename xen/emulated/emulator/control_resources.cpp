// SPDX-License-Identifier: Apache-2.0
// The requests of the control socket about memory, processors and the emulated Xen's console.
#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/control_server.hpp"

namespace xb::xen::emulated {

namespace {

unsigned countMember(const Json& object, const char* name) {
    constexpr std::uint64_t most = 1 << 16;
    const auto number = numberMember(object, name);
    if (number > most)
        throw Error(errors::invalidArgs, std::string(name) + ": " + std::to_string(number) + " is too much");
    return static_cast<unsigned>(number);
}

} // namespace

Task<std::optional<Json>> ControlServer::handleResources(std::string method, const Json& params,
                                                         Allocator& allocator) {
    Json nothing(rapidjson::kNullType);
    if (method == "consoleRing")
        co_return std::optional<Json>(jsonString(emulator_.consoleRing(), allocator));
    if (method == "sendDebugKeys") {
        emulator_.sendDebugKeys(stringMember(params, "keys"));
        co_return std::optional<Json>(std::move(nothing));
    }
    if (method == "memoryTarget")
        co_return std::optional<Json>(toJson(emulator_.memoryTarget(domidMember(params)), allocator));
    if (method == "vcpus")
        co_return std::optional<Json>(toJson(emulator_.vcpus(domidMember(params)), allocator));
    if (method == "schedulerParameters")
        co_return std::optional<Json>(toJson(emulator_.schedulerParameters(domidMember(params)), allocator));
    if (method == "setMemoryTarget") {
        co_await emulator_.setMemoryTarget(domidMember(params), numberMember(params, "kib"));
    } else if (method == "setMaxMemory") {
        emulator_.setMaxMemory(domidMember(params), numberMember(params, "kib"));
    } else if (method == "setOnlineVcpus") {
        co_await emulator_.setOnlineVcpus(domidMember(params), countMember(params, "count"));
    } else if (method == "setAffinity") {
        emulator_.setAffinity(domidMember(params), countMember(params, "vcpu"), numbersMember(params, "hard"),
                              numbersMember(params, "soft"));
    } else if (method == "setSchedulerParameters") {
        if (!params.HasMember("scheduler"))
            throw Error(errors::invalidArgs, "setSchedulerParameters without scheduler");
        emulator_.setSchedulerParameters(domidMember(params), schedulerFromJson(params["scheduler"]));
    } else if (method == "sendSysrq") {
        co_await emulator_.sendSysrq(domidMember(params), stringMember(params, "key"));
    } else {
        co_return std::nullopt;
    }
    co_return std::optional<Json>(std::move(nothing));
}

} // namespace xb::xen::emulated
