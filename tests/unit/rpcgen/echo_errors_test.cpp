// SPDX-License-Identifier: Apache-2.0
// What generated code does when something is wrong: with the call, with the answer, with the service.
#include "tests/unit/rpcgen/echo_bus.hpp"

#include "idl/mismatch_client.hpp"

namespace xb::rpcgen::test {
namespace {

namespace mismatch = xb::idl::mismatch;

class EchoErrors : public EchoBus {
protected:
    mismatch::TestTypesClient wrongTypes{bus, serviceName, objectPath};
    mismatch::TestNamesClient wrongNames{bus, serviceName, objectPath};
};

TEST_F(EchoErrors, ErrorsOfTheServiceReachTheCallerByName) {
    EXPECT_EQ(errorOf(namesClient.fails("named")), "org.xenbroker.test.Error.OutOfTea no tea is left");
    EXPECT_EQ(errorOf(namesClient.fails("plain")), "org.freedesktop.DBus.Error.Failed 202:denied");
    EXPECT_EQ(errorOf(namesClient.fails("foreign")), "org.freedesktop.DBus.Error.Failed foreign");
    EXPECT_EQ(errorOf(namesClient.fails("not")), "no error");
}

TEST_F(EchoErrors, CallsThatDoNotFitAreRefusedByTheServer) {
    EXPECT_EQ(errorOf(wrongTypes.echoU("text")),
              "org.freedesktop.DBus.Error.InvalidArgs echo_u takes arguments of type \"u\", not \"s\"");
    EXPECT_TRUE(errorOf(wrongTypes.noSuchMethod()).starts_with("org.freedesktop.DBus.Error.UnknownMethod"));
    const mismatch::TestAbsentClient absent(bus, serviceName, objectPath);
    EXPECT_TRUE(errorOf(absent.anything()).starts_with("org.freedesktop.DBus.Error.UnknownInterface"));
    const TestTypesClient elsewhere(bus, serviceName, "/elsewhere");
    EXPECT_TRUE(errorOf(elsewhere.echoS("")).starts_with("org.freedesktop.DBus.Error.UnknownObject"));
    const TestTypesClient nobody(bus, "org.xenbroker.nobody", objectPath);
    EXPECT_TRUE(errorOf(nobody.echoS("")).starts_with("org.freedesktop.DBus.Error.ServiceUnknown"));
}

TEST_F(EchoErrors, AnswersOfAnotherTypeAreRefusedByTheClient) {
    EXPECT_EQ(errorOf(wrongTypes.echoI(1)), "org.freedesktop.DBus.Error.InconsistentMessage "
                                            "org.xenbroker.test answered org.xenbroker.test.types.echo_i "
                                            "on /test/object with \"i\", not \"s\"");
    EXPECT_EQ(errorOf(wrongTypes.echoS("x")), "org.freedesktop.DBus.Error.InconsistentMessage "
                                              "org.xenbroker.test answered org.xenbroker.test.types.echo_s "
                                              "on /test/object with \"s\", not \"\"");
    EXPECT_EQ(errorOf(wrongNames.getUiReady()),
              "org.freedesktop.DBus.Error.InconsistentMessage org.xenbroker.test /test/object: property "
              "org.xenbroker.test.names.ui-ready has the type \"b\", not \"s\"");
}

TEST_F(EchoErrors, PropertiesThatDoNotFit) {
    EXPECT_TRUE(errorOf(wrongNames.setUiReady("yes")).starts_with("org.freedesktop.DBus.Error.InvalidArgs"));
    EXPECT_FALSE(names->uiReady);
    EXPECT_TRUE(errorOf(wrongNames.getNothing()).starts_with("org.freedesktop.DBus.Error.UnknownProperty"));
    EXPECT_TRUE(errorOf(wrongNames.setNothing("")).starts_with("org.freedesktop.DBus.Error.UnknownProperty"));
    EXPECT_TRUE(errorOf(wrongNames.getSecret()).starts_with("org.freedesktop.DBus.Error.AccessDenied"));
    EXPECT_TRUE(errorOf(wrongNames.setText("x")).starts_with("org.freedesktop.DBus.Error.PropertyReadOnly"));
    EXPECT_EQ(errorOf(namesClient.getBroken()), "org.freedesktop.DBus.Error.Failed this one is broken");
    EXPECT_EQ(errorOf(namesClient.setSecret("refused")),
              "org.freedesktop.DBus.Error.AccessDenied not that secret");
}

TEST_F(EchoErrors, SignalsOfAnotherTypeAreDropped) {
    int heard = 0;
    int nothings = 0;
    auto wrong = wrongTypes.onEverything([&](std::int32_t) { ++heard; });
    auto nothing = typesClient.onNothing([&] { ++nothings; });
    types->emitEverything(1, "", ObjectPath("/"), {}, {}, Struct<bool, double>(false, 0));
    types->emitNothing();
    runUntil([&] { return nothings == 1; });
    EXPECT_EQ(heard, 0);
}

TEST_F(EchoErrors, TheTimeOutOfTheFileCounts) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(errorOf(namesClient.slow()).starts_with("org.freedesktop.DBus.Error.Timeout"));
    const auto taken = std::chrono::steady_clock::now() - start;
    EXPECT_GE(taken, std::chrono::milliseconds(900));
    EXPECT_LT(taken, std::chrono::seconds(8));
    names->forever.set();
}

TEST_F(EchoErrors, ClientsMayGoWhileTheirCallIsUnderWay) {
    auto client = std::make_unique<TestTypesClient>(bus, serviceName, objectPath);
    Task<std::string> call = client->echoS("still here");
    Task<bool> exists = std::make_unique<TestTableClient>(bus, serviceName, objectPath)->getAcpi();
    client.reset();
    EXPECT_EQ(await(std::move(call)), "still here");
    EXPECT_FALSE(await(std::move(exists)));
}

TEST_F(EchoErrors, ServersMayGoWhileTheirCallIsUnderWay) {
    std::weak_ptr<NamesEcho> alive = names;
    bool answered = false;
    asio::co_spawn(loop.context(), namesClient.slow(), [&](std::exception_ptr failure) {
        EXPECT_FALSE(failure);
        answered = true;
    });
    // The bus answers in order: once this is back, the slow call has begun.
    await(namesClient.xor_());
    server.objects().remove(objectPath);
    Event* forever = &names->forever;
    names.reset();
    ASSERT_FALSE(alive.expired());
    forever->set();
    runUntil([&] { return answered; });
    runUntil([&] { return alive.expired(); });
}

TEST_F(EchoErrors, IndicesThatDoNotExist) {
    Message none;
    PropertySink sink(none);
    EXPECT_EQ(
        errorOf(types->readProperty(0, Caller{}, sink)),
        "org.freedesktop.DBus.Error.UnknownProperty org.xenbroker.test.types has no such property: index 0");
    EXPECT_TRUE(errorOf(names->readProperty(99, Caller{}, sink))
                    .starts_with("org.freedesktop.DBus.Error.UnknownProperty"));
    // Index 2 is write-only.
    EXPECT_TRUE(errorOf(names->readProperty(2, Caller{}, sink))
                    .starts_with("org.freedesktop.DBus.Error.UnknownProperty"));
    EXPECT_FALSE(sink.written());
}

} // namespace
} // namespace xb::rpcgen::test
