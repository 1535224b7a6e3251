// SPDX-License-Identifier: Apache-2.0
// How VMs come and go: created from a template, put on the bus, deleted with everything that is theirs. A
// creation that fails half way leaves nothing in the database; a deletion that fails leaves the VM as it was,
// or gone.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/templates.hpp"

#include <functional>
#include <memory>
#include <string>

namespace xb::xenmgr {

class DeviceObjects;
class Vm;

/// What a creator may say; empty fields leave the choice to the template or to us.
struct NewVm {
    std::string templateName = "new-vm";
    std::string json; ///< merged over the template
    std::string uuid;
    std::string name;
    std::string description;
    std::string imagePath;
};

class VmFactory {
public:
    enum class Policy { obeyed, ignored };

    VmFactory(Context& context, DeviceObjects& devices, Templates templates)
        : context_(context), devices_(devices), templates_(std::move(templates)) {}

    const Templates& templates() const { return templates_; }

    /// Creates a VM; done when it is on disk and on the bus. Returns its object path.
    Task<ObjectPath> create(NewVm wish, Policy policy);
    /// Deletes a stopped VM with its configuration, its private store and disks that nobody else uses.
    Task<> remove(std::string uuid, Policy policy);

    /// Puts a VM that is in the database on the bus, and takes one that is not off it again.
    std::shared_ptr<Vm> exportVm(const std::string& uuid);
    void retractVm(const std::string& uuid);

private:
    std::string configuration(const NewVm& wish, std::string& uuid) const;

    Context& context_;
    DeviceObjects& devices_;
    Templates templates_;
};

} // namespace xb::xenmgr
