// SPDX-License-Identifier: Apache-2.0
// What the objects of xenmgr live in, for tests: a private bus, the real database on it (in this process), a
// root directory of the test's own, and a hypervisor that knows its size and nothing else.
#pragma once

#include "dbd/service.hpp"
#include "fake_tree.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/vm_registry.hpp"
#include "xenmgr/xenvm_links.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace xb::xenmgr::test {

/// Writes down the signals without arguments.
class RecordedSignals : public Signals {
public:
    std::vector<std::string> seen;

    void vmCreated(const std::string&) override { seen.emplace_back("vm_created"); }
    void vmDeleted(const std::string&) override { seen.emplace_back("vm_deleted"); }
    void vmNameChanged(const std::string&) override { seen.emplace_back("vm_name_changed"); }
    void vmTransferChanged(const std::string&) override { seen.emplace_back("vm_transfer_changed"); }
    void vmConfigChanged(const std::string&) override { seen.emplace_back("vm_config_changed"); }
    void vmStateChanged(const std::string&, const std::string&, int) override {
        seen.emplace_back("vm_state_changed");
    }
    void notify(const std::string&, const std::string&) override { seen.emplace_back("notify"); }
    void configChanged() override { seen.emplace_back("config_changed"); }
    void languageChanged() override { seen.emplace_back("language_changed"); }
};

/// Answers hostInfo() from `host`, or with an error while `broken`; there are no domains.
class SizedHypervisor : public xen::Hypervisor {
public:
    xen::HostInfo host;
    bool broken = false;

    Task<xen::HostInfo> hostInfo() override {
        if (broken)
            throw Error("the hypervisor does not answer");
        co_return host;
    }
    Task<std::vector<xen::DomainInfo>> domains() override { co_return std::vector<xen::DomainInfo>(); }
    Task<std::optional<xen::DomainInfo>> domain(xen::DomId) override { co_return std::nullopt; }
    Task<std::optional<xen::DomainInfo>> findDomain(std::string) override { co_return std::nullopt; }
    Task<xen::DomId> create(xen::DomainConfig, ProgressHandler) override { throw unexpected(); }
    Task<> unpause(xen::DomId) override { throw unexpected(); }
    Task<> pause(xen::DomId) override { throw unexpected(); }
    Task<> destroy(xen::DomId) override { throw unexpected(); }
    Task<bool> requestShutdown(xen::DomId, xen::ShutdownRequest, std::chrono::seconds) override {
        throw unexpected();
    }
    Task<> powerButton(xen::DomId) override { throw unexpected(); }
    Task<> forceShutdown(xen::DomId, xen::ShutdownReason) override { throw unexpected(); }
    Task<std::unique_ptr<xen::DomainWatch>> watch(xen::DomId, EventHandler) override { throw unexpected(); }
    Task<std::string> consoleTty(xen::DomId) override { throw unexpected(); }
    Task<int> acpiState(xen::DomId) override { throw unexpected(); }
    Task<std::uint64_t> memoryNeeded(xen::DomainConfig) override { throw unexpected(); }
    xen::XenStore& store() override { throw unexpected(); }

private:
    static std::logic_error unexpected() { return std::logic_error("no test here needs domains"); }
};

class ManagerWorld {
public:
    ManagerWorld() {
        database_->requestName(dbd::serviceName);
        settings.root = tree.root();
        bus.requestName(serviceName);
        await(db.start());
    }

    /// Runs a coroutine to its end on the loop; its exception becomes ours.
    template <class T>
    T await(Task<T> task) {
        std::optional<T> result;
        auto run = [](Task<T> inner, std::optional<T>& place) -> Task<> {
            place = co_await std::move(inner);
        };
        await(run(std::move(task), result));
        return std::move(*result);
    }
    void await(Task<> task) {
        bool done = false;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e) {
            failure = e;
            done = true;
            loop.context().stop();
        });
        Timer deadline(loop.executor());
        deadline.callAfter(std::chrono::seconds(30), [&] { loop.context().stop(); });
        loop.context().restart();
        loop.context().run();
        if (failure)
            std::rethrow_exception(failure);
        if (!done)
            throw std::runtime_error("not done within 30 s");
    }

    // A client's view of an object of ours.
    template <class... T>
    Message call(const std::string& path, const std::string& interface, const std::string& member,
                 T... values) {
        return await(client.callMethod(std::string(serviceName), path, interface, member, values...));
    }
    /// The one value of the answer.
    template <class Result, class... T>
    Result ask(const std::string& path, const std::string& interface, const std::string& member,
               T... values) {
        Message reply = call(path, interface, member, values...);
        return std::get<0>(readBody<Result>(reply));
    }
    template <class T>
    T get(const std::string& path, const std::string& interface, const std::string& property) {
        return ask<Variant>(path, propertiesInterface, "Get", interface, property).template get<T>();
    }
    std::map<std::string, Variant> getAll(const std::string& path, const std::string& interface) {
        return ask<std::map<std::string, Variant>>(path, propertiesInterface, "GetAll", interface);
    }
    template <class T>
    void set(const std::string& path, const std::string& interface, const std::string& property,
             const T& value) {
        call(path, propertiesInterface, "Set", interface, property, Variant(value));
    }
    /// "name|text" of the error that `function` ends in.
    template <class Function>
    static std::string failure(Function function) {
        try {
            function();
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }

    const std::string& address() const { return daemon_.address(); }

    static constexpr auto serviceName = "com.citrix.xenclient.xenmgr";
    static constexpr auto propertiesInterface = "org.freedesktop.DBus.Properties";

    FakeTree tree;

private:
    xb::test::PrivateBus daemon_;
    xb::test::TemporaryDirectory databaseDirectory_;

public:
    Loop loop;

private:
    std::unique_ptr<Bus> database_ = std::make_unique<Bus>(loop, daemon_.address());
    dbd::PosixFileSystem files_;
    dbd::Store store_{files_, databaseDirectory_.path().string()};
    dbd::Saver saver_{loop.executor(), files_, store_};
    dbd::Service databaseService_{*database_, files_, store_, saver_, {}};

public:
    Bus bus{loop, daemon_.address()};
    Bus client{loop, daemon_.address()};
    Settings settings;
    Db db{bus};
    RecordedSignals signals;
    SizedHypervisor hypervisor;
    XenvmLinks links{bus, settings};
    VmRegistry vms;
    AsyncMutex slots{loop.executor()};
    Context context{bus, settings, db, signals, hypervisor, links, vms, slots};
};

} // namespace xb::xenmgr::test
