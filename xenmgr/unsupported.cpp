// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/unsupported.hpp"

#include "xenmgr/errors.hpp"

namespace xb::xenmgr {

namespace {

Task<> refuse(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call) {
    throw notSupported(std::string(self->info().name) + "." + call->message().member());
    co_return;
}

} // namespace

UnsupportedInterface::UnsupportedInterface(const InterfaceInfo& original)
    : methods_(original.methods.begin(), original.methods.end()), info_(original) {
    for (auto& method : methods_)
        method.invoke = refuse;
    info_.methods = methods_;
}

Task<> UnsupportedInterface::readProperty(std::size_t index, Caller, PropertySink&) {
    throw notSupported(std::string(info_.name) + "." + std::string(info_.properties[index].name));
    co_return;
}

Task<> UnsupportedInterface::writeProperty(std::size_t index, Caller, PropertyValue) {
    throw notSupported(std::string(info_.name) + "." + std::string(info_.properties[index].name));
    co_return;
}

} // namespace xb::xenmgr
