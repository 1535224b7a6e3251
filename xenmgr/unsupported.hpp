// SPDX-License-Identifier: Apache-2.0
// An interface that is exported, with all its members, and answers org.freedesktop.DBus.Error.NotSupported to
// each: for the parts of the classic interface that this version does not have. docs/not-supported.md lists
// them.
#pragma once

#include "toolstack/libs/interface.hpp"

#include <memory>
#include <vector>

namespace xb::xenmgr {

class UnsupportedInterface : public Interface {
public:
    /// `original` is the generated description of the interface; it is static data.
    explicit UnsupportedInterface(const InterfaceInfo& original);

    const InterfaceInfo& info() const override { return info_; }
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;

private:
    std::vector<MethodInfo> methods_;
    InterfaceInfo info_;
};

/// The unsupported stand-in for a generated server class.
template <class Server>
std::shared_ptr<Interface> unsupported() {
    return std::make_shared<UnsupportedInterface>(Server::staticInfo());
}

} // namespace xb::xenmgr
