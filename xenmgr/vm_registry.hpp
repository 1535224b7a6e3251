// SPDX-License-Identifier: Apache-2.0
// The VMs that xenmgr knows, by UUID.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace xb::xenmgr {

class Vm;

class VmRegistry {
public:
    std::shared_ptr<Vm> find(const std::string& uuid) const {
        auto it = vms_.find(uuid);
        return it == vms_.end() ? nullptr : it->second;
    }
    /// The same, not shared: for the moment.
    const Vm* get(std::string_view uuid) const {
        auto it = vms_.find(uuid);
        return it == vms_.end() ? nullptr : it->second.get();
    }
    void add(const std::string& uuid, std::shared_ptr<Vm> vm) { vms_[uuid] = std::move(vm); }
    void remove(const std::string& uuid) { vms_.erase(uuid); }
    const std::map<std::string, std::shared_ptr<Vm>, std::less<>>& all() const { return vms_; }

private:
    std::map<std::string, std::shared_ptr<Vm>, std::less<>> vms_;
};

} // namespace xb::xenmgr
