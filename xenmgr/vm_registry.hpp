// SPDX-License-Identifier: Apache-2.0
// The VMs that xenmgr knows, by UUID.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace xb::xenmgr {

class Vm;

class VmRegistry {
public:
    std::shared_ptr<Vm> find(const std::string& uuid) const {
        auto it = vms_.find(uuid);
        return it == vms_.end() ? nullptr : it->second;
    }
    void add(const std::string& uuid, std::shared_ptr<Vm> vm) { vms_[uuid] = std::move(vm); }
    void remove(const std::string& uuid) { vms_.erase(uuid); }
    const std::map<std::string, std::shared_ptr<Vm>>& all() const { return vms_; }

private:
    std::map<std::string, std::shared_ptr<Vm>> vms_;
};

} // namespace xb::xenmgr
