// SPDX-License-Identifier: Apache-2.0
// What the methods of objects on the bus take, as the objects say (Introspect), for messages that come
// without types. Remembered until the object's service changes its owner.
#pragma once

#include "rpc-proxy/json/signature_cache.hpp"
#include "toolstack/libs/bus.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string>

namespace xb::proxy {

struct MethodTypesLimits {
    std::size_t objects = json::maxCachedObjects;
    std::size_t bytes = json::maxCachedBytes;
    /// For an object to answer.
    std::chrono::milliseconds time{2'000};
};

class MethodTypes {
public:
    /// Speaks with the bus synchronously.
    MethodTypes(Bus& bus, const MethodTypesLimits& limits);

    /// Null: nobody has that name, or the object does not say. No service is started for the question.
    Task<std::shared_ptr<const json::MethodSignatures>> of(std::string destination, std::string path);

private:
    /// A question under way.
    struct Question {
        std::string destination;
        bool stale = false; // the owner changed meanwhile
    };

    void ownerChanged(const std::string& name);
    Task<std::shared_ptr<const json::MethodSignatures>> ask(std::string destination, std::string path);

    Bus& bus_;
    std::chrono::milliseconds time_;
    json::SignatureCache cache_;
    std::list<Question> questions_;
    Subscription changes_;
};

} // namespace xb::proxy
