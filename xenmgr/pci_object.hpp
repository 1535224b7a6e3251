// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.xenmgr.vm.pci: the rules that give PCI devices of the host to a VM. Changes apply at
// its next start.
#pragma once

#include "idl/xenmgr_vm_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/pci_rules.hpp"

#include <memory>
#include <string>
#include <vector>

namespace xb::xenmgr {

class Vm;

class PciObject : public idl::xenmgr_vm::XenmgrVmPciServer {
public:
    PciObject(Context& context, std::shared_ptr<Vm> vm) : context_(context), vm_(std::move(vm)) {}

    Task<> addPtRule(Caller, std::string pciclass, std::string vendorId, std::string deviceId) override;
    Task<> addPtRuleBdf(Caller, std::string bdf) override;
    Task<> deletePtRule(Caller, std::string pciclass, std::string vendorId, std::string deviceId) override;
    Task<> deletePtRuleBdf(Caller, std::string bdf) override;
    Task<std::vector<StringMap>> listPtPciDevices(Caller) override;
    Task<std::vector<StringMap>> listPtRules(Caller) override;

private:
    Task<> add(PciRule rule);
    Task<> remove(PciRule rule);

    Context& context_;
    std::shared_ptr<Vm> vm_;
};

} // namespace xb::xenmgr
