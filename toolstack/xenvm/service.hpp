// SPDX-License-Identifier: Apache-2.0
// org.xenbroker.xenvm as the bus sees it: arguments in, an operation of the Vm, an answer out. What this
// version does not do answers org.freedesktop.DBus.Error.NotSupported and says what it is.
#pragma once

#include "idl/xenvm_server.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <functional>
#include <memory>

namespace xb::xenvm {

class Service : public idl::xenvm::XenvmServer {
public:
    /// `quit` ends the program; it is called once the answer to quit() is on its way.
    explicit Service(std::function<void()> quit) : quit_(std::move(quit)) {}
    /// Before the service is on the bus.
    void attach(std::shared_ptr<Vm> vm) { vm_ = std::move(vm); }

    Task<> quit(Caller caller) override;
    Task<> destroy(Caller caller) override;
    Task<> halt(Caller caller, bool forced) override;
    Task<> reboot(Caller caller, bool forced, bool autoStart) override;
    Task<> start(Caller caller, bool paused) override;
    Task<> pause(Caller caller) override;
    Task<> unpause(Caller caller) override;

    Task<std::int32_t> getDomid(Caller caller) override;
    Task<std::int32_t> getStubdomid(Caller caller) override;
    Task<std::string> getStatus(Caller caller) override;
    Task<std::int32_t> getAcpiState(Caller caller) override;
    Task<std::string> getConsole(Caller caller) override;
    Task<std::string> help(Caller caller) override;

    Task<> readConfig(Caller caller, std::string path) override;
    Task<std::string> get(Caller caller, std::string field) override;
    Task<> set(Caller caller, std::string field, std::string value) override;
    Task<> diskAdd(Caller caller, std::string path, std::string device, std::string type, std::string mode,
                   std::string devtype) override;
    Task<> nicAdd(Caller caller, std::string bridge, std::string mac, std::string model) override;
    Task<std::vector<StringMap>> diskList(Caller caller) override;
    Task<std::vector<StringMap>> nicList(Caller caller) override;

    Task<> diskPlug(Caller caller, std::string entry) override;
    Task<> nicPlug(Caller caller, std::string entry) override;
    Task<> diskRemove(Caller caller, std::string device, bool force) override;
    Task<> nicRemove(Caller caller, std::int32_t id, bool force) override;
    Task<> nicSetLink(Caller caller, std::int32_t id, bool up) override;
    Task<> cdEject(Caller caller, std::string virtpath) override;
    Task<> cdInsertFile(Caller caller, std::string virtpath, std::string physpath) override;
    Task<> cdInsertReal(Caller caller, std::string virtpath, std::string physpath) override;
    Task<> nicNetworkSwitch(Caller caller, std::int32_t id, std::string network) override;
    Task<> setNicBackendDom(Caller caller, std::int32_t id, std::int32_t domid) override;

    Task<std::string> getState(Caller caller) override;
    Task<std::int32_t> getDomid2(Caller caller) override;
    Task<std::string> getLastError(Caller caller) override;

    Task<> setMemTarget(Caller caller, std::int32_t mb) override;
    Task<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> getMemory(Caller caller) override;
    Task<> setVcpus(Caller caller, std::int32_t count) override;
    Task<> setScheduling(Caller caller, std::int32_t weight, std::int32_t cap) override;
    Task<std::tuple<std::int32_t, std::int32_t>> getScheduling(Caller caller) override;
    Task<std::vector<StringMap>> listVcpus(Caller caller) override;
    Task<> setAffinity(Caller caller, std::int32_t vcpu, std::vector<std::int32_t> hard,
                       std::vector<std::int32_t> soft) override;

    Task<> suspend(Caller caller, std::string file, bool live) override;
    Task<> restore(Caller caller, std::string file, bool paused, bool remove) override;
    Task<> checkpoint(Caller caller, std::string file, bool live) override;
    Task<> s3suspend(Caller caller, std::int32_t timeout) override;
    Task<> s4suspend(Caller caller, std::int32_t timeout) override;
    Task<std::string> getVnc(Caller caller) override;
    Task<> trigger(Caller caller, std::string params) override;
    Task<> pciAdd(Caller caller, std::int32_t id, std::int32_t domain, std::int32_t bus, std::int32_t slot,
                  std::int32_t func, bool bind, bool msitranslate, bool powerMgmt) override;
    Task<> pciRemove(Caller caller, std::string address, bool force) override;
    Task<std::vector<StringMap>> pciList(Caller caller) override;

private:
    std::function<void()> quit_;
    std::shared_ptr<Vm> vm_;
};

} // namespace xb::xenvm
