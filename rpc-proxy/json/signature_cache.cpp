// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/signature_cache.hpp"

namespace xb::proxy::json {

std::shared_ptr<const MethodSignatures> SignatureCache::find(std::string_view destination,
                                                             std::string_view path) {
    const auto found = byName_.find({destination, path});
    if (found == byName_.end())
        return nullptr;
    objects_.splice(objects_.begin(), objects_, found->second);
    return found->second->signatures;
}

std::shared_ptr<const MethodSignatures>
SignatureCache::add(std::string_view destination, std::string_view path, MethodSignatures signatures) {
    if (const auto old = byName_.find({destination, path}); old != byName_.end())
        erase(old);
    auto shared = std::make_shared<const MethodSignatures>(std::move(signatures));
    const std::size_t size = sizeof(Object) + destination.size() + path.size() + shared->bytes();
    objects_.push_front({std::string(destination), std::string(path), shared, size});
    byName_.emplace(objects_.front().key(), objects_.begin());
    bytes_ += size;
    // The new one itself, if it is too large alone.
    while (objects_.size() > maxObjects_ || bytes_ > maxBytes_)
        erase(byName_.find(objects_.back().key()));
    return shared;
}

void SignatureCache::drop(std::string_view destination) {
    const auto isOf = [&](auto at) { return at != byName_.end() && at->first.first == destination; };
    for (auto at = byName_.lower_bound({destination, {}}); isOf(at);
         at = byName_.lower_bound({destination, {}}))
        erase(at);
}

void SignatureCache::erase(std::map<View, Objects::iterator>::iterator at) {
    const auto object = at->second;
    byName_.erase(at); // its key is the object's
    bytes_ -= object->bytes;
    objects_.erase(object);
}

} // namespace xb::proxy::json
