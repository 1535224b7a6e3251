// SPDX-License-Identifier: Apache-2.0
// The values of VM properties that are more than a node of the database: rows of vm_properties.cpp point
// here.
#pragma once

#include "xenmgr/vm_properties.hpp"

namespace xb::xenmgr::property_functions {

PropertyContent acpiState(const Context&, const Vm& vm, const VmProperty&);
PropertyContent autostartPending(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent cd(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent dependencies(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent domid(const Context&, const Vm& vm, const VmProperty&);
PropertyContent joinedList(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent lowestMac(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent memoryLimit(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent porticaEnabled(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent printScreenAllowed(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent privateSpace(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent seamlessMouse(const Context&, const Vm&, const VmProperty&);
PropertyContent seamlessTraffic(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent state(const Context&, const Vm& vm, const VmProperty&);
PropertyContent stubdom(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent type(const Context& context, const Vm& vm, const VmProperty& property);
PropertyContent uuid(const Context&, const Vm& vm, const VmProperty&);
PropertyContent wiredNetwork(const Context& context, const Vm& vm, const VmProperty&);
PropertyContent wirelessNetwork(const Context& context, const Vm& vm, const VmProperty&);

Task<PropertyContent> memoryTarget(const Context& context, std::shared_ptr<Vm> vm);
Task<PropertyContent> stubDomid(const Context& context, std::shared_ptr<Vm> vm);

Task<> setCd(Context& context, std::shared_ptr<Vm> vm, const VmProperty&, PropertyContent value);
Task<> setDownloadProgress(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value);
Task<> setGpu(Context&, std::shared_ptr<Vm>, const VmProperty&, PropertyContent value);
Task<> setJoinedList(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                     PropertyContent value);
Task<> setName(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property, PropertyContent value);
Task<> setNativeExperience(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value);
Task<> setNetwork(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                  PropertyContent value);
Task<> setOrRemovePositive(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value);
Task<> setPrintScreenAllowed(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                             PropertyContent value);
Task<> setSlot(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property, PropertyContent value);

} // namespace xb::xenmgr::property_functions
