// SPDX-License-Identifier: Apache-2.0
// What the end-to-end tests share: a private bus with a generated server on one connection and generated
// clients on another, both in this process and on one loop.
#pragma once

#include "idl/echo_client.hpp"
#include "idl/echo_server.hpp"
#include "tests/support/private_bus.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace xb::rpcgen::test {

using namespace xb::idl::echo;

inline constexpr auto serviceName = "org.xenbroker.test";
inline constexpr auto objectPath = "/test/object";

/// Answers every argument. Each answer takes a turn of the loop, so that calls really are under way.
class TypesEcho : public TestTypesServer {
public:
    template <class T>
    static Task<T> echo(T value) {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return value;
    }

    using UsbDevices = std::vector<Struct<std::int32_t, std::string, std::string, std::string, std::string,
                                          std::string, StringMap, StringMap, std::string>>;
    using Properties = std::map<std::string, Variant>;
    using Changes = std::vector<Struct<std::string, Properties>>;
    using Objects = std::vector<Struct<ObjectPath, Properties>>;
    using Inner = Struct<std::string, Struct<std::vector<bool>>>;
    using Nested = Struct<std::uint8_t, Inner, std::map<std::int32_t, Struct<std::string, double>>>;
    using Deep4 = std::vector<std::vector<std::vector<std::vector<std::int32_t>>>>;
    using Deep = std::vector<std::vector<std::vector<std::vector<Deep4>>>>;

    Task<std::uint8_t> echoY(Caller, std::uint8_t v) override { return echo(v); }
    Task<bool> echoB(Caller, bool v) override { return echo(v); }
    Task<std::int16_t> echoN(Caller, std::int16_t v) override { return echo(v); }
    Task<std::uint16_t> echoQ(Caller, std::uint16_t v) override { return echo(v); }
    Task<std::int32_t> echoI(Caller, std::int32_t v) override { return echo(v); }
    Task<std::uint32_t> echoU(Caller, std::uint32_t v) override { return echo(v); }
    Task<std::int64_t> echoX(Caller, std::int64_t v) override { return echo(v); }
    Task<std::uint64_t> echoT(Caller, std::uint64_t v) override { return echo(v); }
    Task<double> echoD(Caller, double v) override { return echo(v); }
    Task<std::string> echoS(Caller, std::string v) override { return echo(v); }
    Task<ObjectPath> echoO(Caller, ObjectPath v) override { return echo(v); }
    Task<Signature> echoG(Caller, Signature v) override { return echo(v); }
    Task<UnixFd> echoH(Caller, UnixFd v) override { return echo(v); }
    Task<Variant> echoV(Caller, Variant v) override { return echo(v); }
    Task<std::vector<bool>> echoAb(Caller, std::vector<bool> v) override { return echo(v); }
    Task<std::vector<std::int32_t>> echoAi(Caller, std::vector<std::int32_t> v) override { return echo(v); }
    Task<std::vector<ObjectPath>> echoAo(Caller, std::vector<ObjectPath> v) override { return echo(v); }
    Task<std::vector<std::string>> echoAs(Caller, std::vector<std::string> v) override { return echo(v); }
    Task<std::vector<std::uint8_t>> echoAy(Caller, std::vector<std::uint8_t> v) override { return echo(v); }
    Task<std::vector<std::vector<std::uint8_t>>> echoAay(Caller,
                                                         std::vector<std::vector<std::uint8_t>> v) override {
        return echo(v);
    }
    Task<StringMap> echoASs(Caller, StringMap v) override { return echo(v); }
    Task<Properties> echoASv(Caller, Properties v) override { return echo(v); }
    Task<std::map<ObjectPath, std::vector<std::string>>>
    echoAOas(Caller, std::map<ObjectPath, std::vector<std::string>> v) override {
        return echo(v);
    }
    Task<std::vector<StringMap>> echoAaSs(Caller, std::vector<StringMap> v) override { return echo(v); }
    Task<UsbDevices> echoUsb(Caller, UsbDevices v) override { return echo(v); }
    Task<Changes> echoChanges(Caller, Changes v) override { return echo(v); }
    Task<Objects> echoObjects(Caller, Objects v) override { return echo(v); }
    Task<Nested> echoStruct(Caller, Nested v) override { return echo(v); }
    Task<Struct<Variant>> echoSingle(Caller, Struct<Variant> v) override { return echo(v); }
    Task<Deep> echoDeep(Caller, Deep v) override { return echo(v); }
};

/// Awkward names, properties with accessors, and failures; remembers what was called.
class NamesEcho : public TestNamesServer {
public:
    explicit NamesEcho(Executor executor) : forever(std::move(executor)) {}

    using Nested = std::map<std::string, Struct<std::int32_t, bool>>;

    Task<> note(std::string what) {
        last = std::move(what);
        co_return;
    }

    Task<> delete_(Caller, std::string switch_) override { return note("delete " + switch_); }
    Task<std::tuple<std::string, std::int32_t>> switch_(Caller, std::string arg0,
                                                        std::int32_t arg1) override {
        co_return std::tuple(arg0 + "!", arg1 + 1);
    }
    Task<std::string> auth(Caller caller, std::string caller_, std::string call, std::string self,
                           std::string interfaceName_) override {
        co_return caller.uniqueName + "/" + caller_ + "/" + call + "/" + self + "/" + interfaceName_;
    }
    Task<> xor_(Caller) override { return note("xor"); }
    Task<std::string> info_(Caller, std::string path) override { co_return "info " + path; }
    Task<std::string> path_(Caller) override { co_return "path"; }
    Task<> attached_(Caller) override { return note("attached"); }
    Task<> bus_(Caller) override { return note("bus"); }
    Task<> service_(Caller) override { return note("service"); }
    Task<std::string> remoteCall_(Caller, std::string a, std::string b) override { co_return a + b; }
    Task<> emitSignal_(Caller) override { return note("emit_signal"); }
    Task<> readProperty_(Caller) override { return note("read_property"); }
    Task<std::string> sleep(Caller) override { co_return "Sleep"; }
    Task<std::string> sleep2(Caller) override { co_return "sleep"; }
    Task<std::string> getUiReady(Caller) override { co_return "method"; }
    Task<std::string> getMachineId(Caller) override { co_return "id"; }
    Task<std::tuple<std::int32_t, std::string, StringMap>> manyAnswers(Caller, std::int32_t count) override {
        StringMap map;
        map["count"] = std::to_string(count);
        co_return std::tuple(count, std::string("text"), map);
    }
    Task<> slow(Caller) override { return forever.wait(); }
    Task<> fails(Caller, std::string how) override {
        if (how == "named")
            throw outOfTeaError("no tea is left");
        if (how == "plain")
            throw Error("202:denied");
        if (how == "foreign")
            throw std::out_of_range("foreign");
        co_return;
    }

    Task<bool> getUiReady2(Caller) override { co_return uiReady; }
    Task<> setUiReady(Caller caller, bool value) override {
        setter = caller.uniqueName;
        uiReady = value;
        co_return;
    }
    Task<Nested> getNestedNameHere(Caller) override { co_return nested; }
    Task<> setNestedNameHere(Caller, Nested value) override {
        nested = value;
        co_return;
    }
    Task<> setSecret(Caller, std::string value) override {
        if (value == "refused")
            throw Error(errors::accessDenied, "not that secret");
        secret = value;
        co_return;
    }
    Task<Variant> getAny(Caller) override { co_return any; }
    Task<> setAny(Caller, Variant value) override {
        any = value;
        co_return;
    }
    Task<std::int32_t> getBroken(Caller) override {
        throw Error("this one is broken");
        co_return 0;
    }
    Task<std::string> getText(Caller) override { co_return "text"; }

    std::string last;
    std::string setter;
    bool uiReady = false;
    Nested nested;
    std::string secret;
    Variant any = Variant(std::string("any"));
    Event forever;
};

/// Properties through the table.
class TableEcho : public TestTableServer {
public:
    Task<> touch(Caller) override { co_return; }
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override {
        switch (static_cast<TestTableProperty>(index)) {
        case TestTableProperty::acpi:
            sink.put(acpi);
            break;
        case TestTableProperty::acpiState:
            sink.put(std::int32_t{5});
            break;
        case TestTableProperty::auto_:
            sink.put(text);
            break;
        case TestTableProperty::memory:
            sink.put(memory);
            break;
        }
        co_return;
    }
    Task<> writeProperty(std::size_t index, Caller, PropertyValue value) override {
        switch (static_cast<TestTableProperty>(index)) {
        case TestTableProperty::acpi:
            acpi = value.get<bool>();
            break;
        case TestTableProperty::acpiState:
            ADD_FAILURE() << "a read-only property was written";
            break;
        case TestTableProperty::auto_:
            text = value.get<std::string>();
            break;
        case TestTableProperty::memory:
            memory = value.get<std::int64_t>();
            break;
        }
        co_return;
    }

    bool acpi = false;
    std::string text = "auto";
    std::int64_t memory = 1LL << 40;
};

class EchoBus : public testing::Test {
protected:
    EchoBus() {
        server.objects().add(objectPath, types);
        server.objects().add(objectPath, names);
        server.objects().add(objectPath, table);
        server.requestName(serviceName);
    }

    /// Runs the loop until `done()`, at most ten seconds.
    template <class Done>
    void runUntil(Done done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("it did not happen within 10 s");
            loop.context().restart();
            loop.context().run_one_until(deadline);
        }
    }

    /// Runs a coroutine to its end; its exception becomes ours.
    template <class T>
    T await(Task<T> task) {
        std::optional<T> result;
        auto keep = [](Task<T> inner, std::optional<T>* place) -> Task<> {
            place->emplace(co_await std::move(inner));
        };
        await(keep(std::move(task), &result));
        return std::move(*result);
    }
    void await(Task<> task) {
        bool done = false;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e) {
            failure = e;
            done = true;
        });
        runUntil([&] { return done; });
        if (failure)
            std::rethrow_exception(failure);
    }

    /// Name and text of the xb::Error that a coroutine ends with.
    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            await(std::move(task));
        } catch (const Error& e) {
            return e.name() + " " + e.what();
        }
        return "no error";
    }

    xb::test::PrivateBus daemon;
    Loop loop;
    Bus server{loop, daemon.address()};
    Bus bus{loop, daemon.address()};
    std::shared_ptr<TypesEcho> types = std::make_shared<TypesEcho>();
    std::shared_ptr<NamesEcho> names = std::make_shared<NamesEcho>(loop.executor());
    std::shared_ptr<TableEcho> table = std::make_shared<TableEcho>();
    TestTypesClient typesClient{bus, serviceName, objectPath};
    TestNamesClient namesClient{bus, serviceName, objectPath};
    TestTableClient tableClient{bus, serviceName, objectPath};
};

} // namespace xb::rpcgen::test
