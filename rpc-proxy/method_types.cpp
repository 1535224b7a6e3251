// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/method_types.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

namespace xb::proxy {

MethodTypes::MethodTypes(Bus& bus, const MethodTypesLimits& limits)
    : bus_(bus), time_(limits.time), cache_(limits.objects, limits.bytes) {
    SignalMatch match;
    match.sender = Bus::driverName;
    match.interface = Bus::driverName;
    match.member = "NameOwnerChanged";
    changes_ = bus.onSignal(match, [this](Message message) {
        std::string name;
        message >> name;
        ownerChanged(name);
    });
}

void MethodTypes::ownerChanged(const std::string& name) {
    cache_.drop(name);
    for (Question& question : questions_)
        question.stale |= question.destination == name;
}

Task<std::shared_ptr<const json::MethodSignatures>> MethodTypes::of(std::string destination,
                                                                    std::string path) {
    if (auto known = cache_.find(destination, path))
        co_return known;
    const auto question = questions_.insert(questions_.end(), {destination, false});
    std::shared_ptr<const json::MethodSignatures> said;
    try {
        said = co_await ask(destination, path);
    } catch (const Error& e) {
        log::debug("the methods of {} at {} are not known: {}", path, destination, e.what());
    }
    if (said && !question->stale)
        said = cache_.add(destination, path, *said);
    questions_.erase(question);
    co_return said;
}

Task<std::shared_ptr<const json::MethodSignatures>> MethodTypes::ask(std::string destination,
                                                                     std::string path) {
    const auto owner = co_await bus_.owner(destination);
    if (!owner)
        co_return nullptr;
    Message call = bus_.newCall(destination, path, "org.freedesktop.DBus.Introspectable", "Introspect");
    Message reply = co_await bus_.call(std::move(call), time_);
    std::string text;
    if (reply.signature() != "s")
        co_return nullptr;
    reply >> text;
    co_return std::make_shared<const json::MethodSignatures>(text);
}

} // namespace xb::proxy
