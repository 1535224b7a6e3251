// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.vmnic of one NIC.
#pragma once

#include "idl/vm_nic_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <memory>

namespace xb::xenmgr {

class DeviceObjects;
class Vm;

class NicObject : public idl::vm_nic::VmnicServer {
public:
    NicObject(Context& context, DeviceObjects& devices, std::shared_ptr<Vm> vm, int id)
        : context_(context), devices_(devices), vm_(std::move(vm)), id_(id) {}
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller, PropertyValue value) override;
    Task<> delete_(Caller) override;

private:
    Nic nic() const;

    Context& context_;
    DeviceObjects& devices_;
    std::shared_ptr<Vm> vm_;
    int id_;
};

} // namespace xb::xenmgr
