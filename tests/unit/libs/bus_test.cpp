// SPDX-License-Identifier: Apache-2.0
// The bus layer over a real dbus-daemon: a hand-written interface with what sdbus-c++ 1.2.0 cannot do by
// itself (dashes in property names, awaited accessors, many objects) and with every way for a handler to go
// wrong.
#include "toolstack/libs/bus.hpp"

#include "tests/support/armed_timers.hpp"
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <systemd/sd-bus.h>

using namespace std::chrono_literals;

namespace xb {
namespace {

constexpr auto service = "org.xenbroker.test";
constexpr auto interfaceName = "org.xenbroker.test.Thing";

class Thing : public Interface {
public:
    const InterfaceInfo& info() const override;
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override {
        if (index == 0) {
            co_await delay(1ms);
            sink.put(name);
        } else {
            throw Error(errors::failed, "no such luck");
        }
    }
    Task<> writeProperty(std::size_t, Caller, PropertyValue value) override {
        auto text = value.get<std::string>();
        co_await delay(1ms);
        if (text == "bad")
            throw Error("202:Editing of properties is disabled by this VM's active policy");
        name = text;
    }
    void emitPoke(int number) { emitSignal("poke", number); }

    std::string name = "first";
};

Task<> slow(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
    auto [milliseconds] = call->arguments<int>();
    co_await delay(std::chrono::milliseconds(milliseconds));
    call->reply(milliseconds);
}

Task<> fail(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
    auto [how] = call->arguments<std::string>();
    if (how == "error")
        throw Error("org.xenbroker.test.Named", "by name");
    if (how == "foreign")
        throw std::out_of_range("foreign exception");
    if (how == "no text")
        throw Error("cut in the middle: \xe2\x82");
    sd_bus_message* reply = nullptr;
    const sd_bus_error bare{"org.xenbroker.test.Odd", nullptr, 0};
    sd_bus_message_new_method_error(call->message().raw(), &reply, &bare);
    Message odd = Message::adopt(reply);
    if (how == "number")
        odd << 5;
    else if (how == "two")
        odd << std::string("one") << std::string("two") << 3;
    else if (how == "empty")
        odd << std::string();
    if (how != "drop")
        call->send(std::move(odd));
    co_return; // drops the call
}

constexpr std::array methods{MethodInfo{"fail", "s", "", fail}, MethodInfo{"slow", "i", "i", slow}};
constexpr std::array properties{PropertyInfo{"long-name", "s", true, true},
                                PropertyInfo{"broken", "i", true, false}};
constexpr std::array<std::uint16_t, 2> byName{1, 0};
constexpr InterfaceInfo thingInfo{interfaceName, methods, properties,
                                  " <interface name=\"org.xenbroker.test.Thing\"/>\n", byName};

const InterfaceInfo& Thing::info() const {
    return thingInfo;
}

class BusTest : public testing::Test {
protected:
    BusTest() : thing(std::make_shared<Thing>()) {
        server.objects().add("/a/b", thing);
        server.requestName(service);
    }

    // Runs a coroutine to its end on the loop; its exception becomes ours.
    template <class T>
    T await(Task<T> task) {
        std::optional<T> result;
        std::exception_ptr failure;
        asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e, T value) {
            failure = e;
            result = std::move(value);
            loop.context().stop();
        });
        Timer deadline(loop.executor());
        deadline.callAfter(10s, [&] { loop.context().stop(); });
        loop.context().restart();
        loop.context().run();
        if (failure)
            std::rethrow_exception(failure);
        if (!result)
            throw std::runtime_error("no answer within 10 s");
        return std::move(*result);
    }

    template <class... T>
    Message call(std::string path, std::string interface, std::string member, T... values) {
        return await(client.callMethod(std::string(service), path, interface, member, values...));
    }

    template <class... T>
    std::string errorOf(std::string path, std::string interface, std::string member, T... values) {
        try {
            call(path, interface, member, values...);
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }

    /// As errorOf, of a call without interface.
    std::string errorOfBareCall(const std::string& member) {
        sd_bus_message* message = nullptr;
        sd_bus_message_new_method_call(client.raw(), &message, service, "/a/b", nullptr, member.c_str());
        try {
            await(client.call(Message::adopt(message)));
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }

    test::PrivateBus daemon;
    Loop loop;
    Bus server{loop, daemon.address()};
    Bus client{loop, daemon.address()};
    std::shared_ptr<Thing> thing;
};

const std::string properties_ = "org.freedesktop.DBus.Properties";

TEST_F(BusTest, PropertiesWithDashesAreAwaitedBothWays) {
    Variant value;
    call("/a/b", properties_, "Get", std::string(interfaceName), std::string("long-name")) >> value;
    EXPECT_EQ(value.get<std::string>(), "first");
    call("/a/b", properties_, "Set", std::string(interfaceName), std::string("long-name"),
         Variant(std::string("x")));
    EXPECT_EQ(thing->name, "x");
}

TEST_F(BusTest, LongTextsArriveWholeAndUncleanOnesAreRefused) {
    const auto get = [this] {
        Variant value;
        call("/a/b", properties_, "Get", std::string(interfaceName), std::string("long-name")) >> value;
        return value.get<std::string>();
    };
    for (const std::size_t length : {4095U, 4096U, 1'000'000U}) {
        thing->name = std::string(length - 2, 'x') + "\xC3\xBC";
        EXPECT_EQ(get(), thing->name);
        thing->name.back() = 'x'; // half a character: the bus would end the connection for it
        EXPECT_THROW(get(), Error);
    }
    thing->name = "short";
    EXPECT_EQ(get(), "short");
}

TEST_F(BusTest, GetAllLeavesOutWhatFails) {
    std::map<std::string, Variant> all;
    auto reply = call("/a/b", properties_, "GetAll", std::string(interfaceName));
    reply >> all;
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.at("long-name").get<std::string>(), "first");
}

TEST_F(BusTest, EveryMistakeIsAnsweredByName) {
    const std::string thingName = interfaceName;
    EXPECT_EQ(
        errorOf("/a/b", properties_, "Set", thingName, std::string("long-name"), Variant(std::string("bad"))),
        "org.freedesktop.DBus.Error.Failed|202:Editing of properties is disabled by this VM's active policy");
    EXPECT_EQ(errorOf("/a/b", properties_, "Set", thingName, std::string("long-name"), Variant(5)),
              "org.freedesktop.DBus.Error.InvalidArgs|property long-name has type \"s\", not \"i\"");
    EXPECT_EQ(errorOf("/a/b", properties_, "Set", thingName, std::string("broken"), Variant(5)),
              "org.freedesktop.DBus.Error.PropertyReadOnly|property broken of /a/b is read-only");
    EXPECT_EQ(errorOf("/a/b", properties_, "Get", thingName, std::string("none")),
              "org.freedesktop.DBus.Error.UnknownProperty|interface org.xenbroker.test.Thing of /a/b has no "
              "property none");
    EXPECT_EQ(errorOf("/a/b", properties_, "Get", std::string("x.y"), std::string("none")),
              "org.freedesktop.DBus.Error.UnknownInterface|object /a/b has no interface x.y");
    EXPECT_EQ(errorOf("/a/b", thingName, "nothing"),
              "org.freedesktop.DBus.Error.UnknownMethod|interface "
              "org.xenbroker.test.Thing of /a/b has no method nothing");
    EXPECT_EQ(errorOf("/none", thingName, "slow", 1),
              "org.freedesktop.DBus.Error.UnknownObject|no object /none here");
    EXPECT_EQ(errorOf("/a/b", thingName, "slow", std::string("x")),
              "org.freedesktop.DBus.Error.InvalidArgs|slow takes arguments of type \"i\", not \"s\"");
    EXPECT_EQ(errorOf("/a/b", thingName, "fail", std::string("error")), "org.xenbroker.test.Named|by name");
    EXPECT_EQ(errorOf("/a/b", thingName, "fail", std::string("foreign")),
              "org.freedesktop.DBus.Error.Failed|foreign exception");
}

TEST_F(BusTest, ADroppedCallIsAnswered) {
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("drop")).substr(0, 33),
              "org.freedesktop.DBus.Error.NoRepl");
}

Task<int> parallelCalls(Bus& client, int count) {
    auto finished = std::make_shared<int>(0);
    auto all = std::make_shared<Event>(client.loop().executor());
    auto one = [](Bus& bus, std::shared_ptr<int> done, std::shared_ptr<Event> event, int wanted) -> Task<> {
        co_await bus.callMethod(std::string(service), std::string("/a/b"), std::string(interfaceName),
                                std::string("slow"), 100);
        if (++*done == wanted)
            event->set();
    };
    for (int i = 0; i < count; ++i)
        spawn(client.loop().executor(), "call", one(client, finished, all, count));
    co_await all->wait();
    co_return *finished;
}

TEST_F(BusTest, SlowCallsRunSideBySide) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(await(parallelCalls(client, 20)), 20);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1500ms); // one after the other: 2 s at least
}

TEST_F(BusTest, TimeOutsAreErrors) {
    auto message = client.newCall(service, "/a/b", interfaceName, "slow");
    message << 60000;
    try {
        await(client.call(message, 50ms));
        FAIL() << "no time-out";
    } catch (const Error& e) {
        EXPECT_EQ(e.name(), errors::timeout);
    }
}

Task<std::vector<int>> receiveThree(Bus& client, Bus& server, std::shared_ptr<Thing> thing) {
    std::vector<int> received;
    Event done(client.loop().executor());
    SignalMatch match;
    match.sender = service; // a well-known name
    match.interface = interfaceName;
    match.pathNamespace = "/a";
    auto subscription = client.onSignal(match, [&](Message message) {
        auto [number] = readBody<int>(message);
        received.push_back(number);
        if (received.size() == 3)
            done.set();
    });
    for (int i = 1; i <= 3; ++i)
        thing->emitPoke(i);
    static_cast<void>(server);
    co_await done.wait();
    co_return received;
}

TEST_F(BusTest, SignalsArriveInOrder) {
    EXPECT_EQ(await(receiveThree(client, server, thing)), (std::vector<int>{1, 2, 3}));
}

TEST_F(BusTest, OwnerIsFollowed) {
    EXPECT_EQ(await(client.owner(service)), server.uniqueName());
    EXPECT_EQ(await(client.owner("org.xenbroker.nobody")), std::nullopt);
}

TEST_F(BusTest, ANameIsOwnedOnce) {
    try {
        client.requestName(service);
        FAIL() << "two owners";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("is taken"), std::string::npos) << e.what();
    }
}

TEST_F(BusTest, IntrospectionListsInterfacesAndChildren) {
    std::string xml;
    call("/a/b", "org.freedesktop.DBus.Introspectable", "Introspect") >> xml;
    EXPECT_NE(xml.find("<interface name=\"org.xenbroker.test.Thing\""), std::string::npos);
    call("/a", "org.freedesktop.DBus.Introspectable", "Introspect") >> xml;
    EXPECT_NE(xml.find("<node name=\"b\"/>"), std::string::npos);
    call("/", "org.freedesktop.DBus.Introspectable", "Introspect") >> xml;
    EXPECT_NE(xml.find("<node name=\"a\"/>"), std::string::npos);
}

TEST_F(BusTest, AnObjectMayGoWhileItsCallIsUnderWay) {
    auto scenario = [](Bus& from, Bus& to) -> Task<int> {
        auto message = from.newCall(service, "/a/b", interfaceName, "slow");
        message << 50;
        asio::post(to.loop().context(),
                   [&to] { asio::post(to.loop().context(), [&to] { to.objects().remove("/a/b"); }); });
        try {
            co_await from.call(message);
        } catch (const Error&) {
            co_return 0; // it went before the call came: as good
        }
        co_return 1;
    };
    EXPECT_LE(await(scenario(client, server)), 1);
    EXPECT_EQ(errorOf("/a/b", interfaceName, "slow", 1).substr(0, 40),
              "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_F(BusTest, TheGuardRefusesBeforeTheObjectSees) {
    server.objects().setGuard([](const Message& message) -> Task<> {
        if (message.member() == "slow")
            throw Error(errors::accessDenied, "not for you");
        co_return;
    });
    EXPECT_EQ(errorOf("/a/b", interfaceName, "slow", 1),
              "org.freedesktop.DBus.Error.AccessDenied|not for you");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("error")),
              "org.xenbroker.test.Named|by name");
}

TEST_F(BusTest, TheGuardSparesTheObjectThatGuardsItself) {
    server.objects().add("/a", std::make_shared<Thing>());
    server.objects().setGuard(
        [](const Message&) -> Task<> {
            throw Error(errors::accessDenied, "not for you");
            co_return;
        },
        "/a");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("error")),
              "org.freedesktop.DBus.Error.AccessDenied|not for you");
    EXPECT_EQ(errorOf("/a", interfaceName, "fail", std::string("error")), "org.xenbroker.test.Named|by name");
}

// A call's time-out must not wake an idle daemon once the answer is there.
TEST_F(BusTest, AnAnsweredCallLeavesNoTimerBehind) {
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("error")),
              "org.xenbroker.test.Named|by name");
    loop.context().restart();
    loop.context().run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(test::armedTimers(), 0U);
}

TEST_F(BusTest, LosingTheBusEndsTheLoop) {
    asio::post(loop.context(), [this] { daemon.stop(); });
    loop.context().restart();
    EXPECT_EQ(loop.run(), exitBusLost);
}

TEST(BusAddress, AMissingBusIsNamed) {
    Loop loop;
    try {
        Bus bus(loop, "unix:path=/no/such/socket");
        FAIL() << "connected to nothing";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("the bus at unix:path=/no/such/socket"), std::string::npos)
            << e.what();
    }
}

TEST_F(BusTest, ErrorRepliesOfEveryShapeAreTaken) {
    const std::string odd = "org.xenbroker.test.Odd|";
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("bare")), odd + "no reason given");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("number")), odd + "no reason given");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("two")), odd + "one, two");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("empty")), odd);
}

TEST_F(BusTest, ATextThatTheBusDoesNotTakeIsNoReasonNotToAnswer) {
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("no text")),
              std::string(errors::failed) + "|cut in the middle: ??");
    EXPECT_EQ(errorOf("/a/b", interfaceName, "fail", std::string("error")),
              "org.xenbroker.test.Named|by name")
        << "the connection must still be there";
}

TEST_F(BusTest, CallsWithoutInterfaceAreAnswered) {
    EXPECT_EQ(errorOfBareCall("nothing"),
              std::string(errors::unknownMethod) + "|object /a/b has no method nothing");
    EXPECT_EQ(errorOfBareCall("Introspect"), "no error");
    EXPECT_EQ(errorOfBareCall("slow"),
              std::string(errors::invalidArgs) + "|slow takes arguments of type \"i\", not \"\"");
}

} // namespace
} // namespace xb
