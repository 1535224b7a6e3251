// SPDX-License-Identifier: Apache-2.0
// What objects said about their methods, so that they are asked once. Bounded in entries and in memory: the
// one that was not used for longest makes room. Whoever uses it tells it when a name changes its owner.
#pragma once

#include "rpc-proxy/json/signatures.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace xb::proxy::json {

inline constexpr std::size_t maxCachedObjects = 1024;
inline constexpr std::size_t maxCachedBytes = std::size_t{4} << 20;

class SignatureCache {
public:
    explicit SignatureCache(std::size_t maxObjects = maxCachedObjects, std::size_t maxBytes = maxCachedBytes)
        : maxObjects_(maxObjects), maxBytes_(maxBytes) {}

    /// What is known of the object; nullptr: it must be asked.
    std::shared_ptr<const MethodSignatures> find(std::string_view destination, std::string_view path);
    /// Takes what the object said, in place of what it said before.
    std::shared_ptr<const MethodSignatures> add(std::string_view destination, std::string_view path,
                                                MethodSignatures signatures);
    /// Forgets all objects of the destination.
    void drop(std::string_view destination);

    std::size_t objects() const { return objects_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    using View = std::pair<std::string_view, std::string_view>; // destination and path
    struct Object {
        std::string destination;
        std::string path;
        std::shared_ptr<const MethodSignatures> signatures;
        std::size_t bytes;
        View key() const { return {destination, path}; }
    };
    using Objects = std::list<Object>;

    void erase(std::map<View, Objects::iterator>::iterator at);

    std::size_t maxObjects_;
    std::size_t maxBytes_;
    std::size_t bytes_ = 0;
    Objects objects_; // the one used last in front
    std::map<View, Objects::iterator> byName_;
};

} // namespace xb::proxy::json
