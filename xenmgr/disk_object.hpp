// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.vmdisk of one disk.
#pragma once

#include "idl/vm_disk_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <memory>
#include <string>

namespace xb::xenmgr {

class DeviceObjects;
class Vm;

class DiskObject : public idl::vm_disk::VmdiskServer {
public:
    DiskObject(Context& context, DeviceObjects& devices, std::shared_ptr<Vm> vm, std::string id)
        : context_(context), devices_(devices), vm_(std::move(vm)), id_(std::move(id)) {}
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller, PropertyValue value) override;
    Task<> attachPhy(Caller, std::string path) override;
    Task<> attachVhd(Caller, std::string path) override;
    Task<> delete_(Caller) override;
    // Not there yet (docs/not-supported.md).
    Task<> generateCryptoKey(Caller, std::int32_t keysize) override;
    Task<> generateCryptoKeyIn(Caller, std::int32_t keysize, std::string dirpath) override;
    Task<> mount(Caller, std::string dirpath, bool readonly) override;
    Task<> umount(Caller) override;

private:
    Disk disk() const;
    Task<> attach(std::string type, std::string path);
    Task<> store(std::string key, std::string value);
    Task<> follow();
    Task<> followLocked();
    /// What qemu-img says of an image that is not raw: "virtual-size" or "actual-size", in bytes.
    Task<std::int64_t> imageSize(std::string key);

    Context& context_;
    DeviceObjects& devices_;
    std::shared_ptr<Vm> vm_;
    std::string id_;
};

} // namespace xb::xenmgr
