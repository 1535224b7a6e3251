// SPDX-License-Identifier: Apache-2.0
// Every D-Bus type through a generated client, a real bus and a generated server, and back.
#include "tests/unit/rpcgen/echo_bus.hpp"

#include <limits>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::rpcgen::test {
namespace {

template <class T>
using Limits = std::numeric_limits<T>;

TEST_F(EchoBus, Numbers) {
    for (std::uint8_t v : {std::uint8_t{0}, Limits<std::uint8_t>::max()})
        EXPECT_EQ(await(typesClient.echoY(v)), v);
    for (bool v : {false, true})
        EXPECT_EQ(await(typesClient.echoB(v)), v);
    for (std::int16_t v : {Limits<std::int16_t>::min(), std::int16_t{-1}, Limits<std::int16_t>::max()})
        EXPECT_EQ(await(typesClient.echoN(v)), v);
    for (std::uint16_t v : {std::uint16_t{0}, Limits<std::uint16_t>::max()})
        EXPECT_EQ(await(typesClient.echoQ(v)), v);
    for (std::int32_t v : {Limits<std::int32_t>::min(), -1, Limits<std::int32_t>::max()})
        EXPECT_EQ(await(typesClient.echoI(v)), v);
    for (std::uint32_t v : {0U, Limits<std::uint32_t>::max()})
        EXPECT_EQ(await(typesClient.echoU(v)), v);
    for (std::int64_t v : {Limits<std::int64_t>::min(), std::int64_t{-1}, Limits<std::int64_t>::max()})
        EXPECT_EQ(await(typesClient.echoX(v)), v);
    for (std::uint64_t v : {std::uint64_t{0}, Limits<std::uint64_t>::max()})
        EXPECT_EQ(await(typesClient.echoT(v)), v);
    for (double v : {0.1, -1e300, Limits<double>::infinity(), Limits<double>::denorm_min()})
        EXPECT_EQ(await(typesClient.echoD(v)), v);
}

TEST_F(EchoBus, Texts) {
    for (const std::string& v :
         {std::string(), std::string("\xc3\xa4\xf0\x9f\x8d\xb5 \"'\\\n"), std::string(100000, 'x')})
        EXPECT_EQ(await(typesClient.echoS(v)), v);
    EXPECT_EQ(await(typesClient.echoO(ObjectPath("/vm/00000000_0000"))), "/vm/00000000_0000");
    EXPECT_EQ(await(typesClient.echoG(Signature("a{sv}(ii)"))), "a{sv}(ii)");
}

TEST_F(EchoBus, Descriptors) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UnixFd read(ends[0], sdbus::adopt_fd);
    UnixFd write(ends[1], sdbus::adopt_fd);
    const UnixFd back = await(typesClient.echoH(write));
    EXPECT_NE(back.get(), write.get());
    ASSERT_EQ(::write(back.get(), "x", 1), 1);
    char c = 0;
    ASSERT_EQ(::read(read.get(), &c, 1), 1);
    EXPECT_EQ(c, 'x');
}

TEST_F(EchoBus, Variants) {
    EXPECT_EQ(await(typesClient.echoV(Variant(std::int64_t{-7}))).get<std::int64_t>(), -7);
    // A Variant of a Variant would be a copy: nest it in a struct.
    Struct<Variant> inner;
    std::get<0>(inner) = Variant(StringMap{{"a", "b"}});
    const Variant nested = await(typesClient.echoV(Variant(inner)));
    ASSERT_EQ(nested.peekValueType(), "(v)");
    EXPECT_EQ(std::get<0>(nested.get<Struct<Variant>>()).get<StringMap>(), (StringMap{{"a", "b"}}));
}

TEST_F(EchoBus, Arrays) {
    const std::vector<bool> booleans{true, false, true};
    EXPECT_EQ(await(typesClient.echoAb(booleans)), booleans);
    const std::vector<std::int32_t> numbers{1, -2, 3};
    EXPECT_EQ(await(typesClient.echoAi(numbers)), numbers);
    EXPECT_TRUE(await(typesClient.echoAi({})).empty());
    const std::vector<ObjectPath> paths{"/", "/a/b"};
    EXPECT_EQ(await(typesClient.echoAo(paths)), paths);
    const std::vector<std::string> texts{"", "a"};
    EXPECT_EQ(await(typesClient.echoAs(texts)), texts);
    const std::vector<std::uint8_t> bytes{0, 255, 10};
    EXPECT_EQ(await(typesClient.echoAy(bytes)), bytes);
    const std::vector<std::vector<std::uint8_t>> blobs{{}, {1, 2}};
    EXPECT_EQ(await(typesClient.echoAay(blobs)), blobs);
    const TypesEcho::Deep deep{{{{{{{{1, 2}, {}}, {}}}}}}, {}};
    EXPECT_EQ(await(typesClient.echoDeep(deep)), deep);
}

TEST_F(EchoBus, Dictionaries) {
    const StringMap map{{"", "empty"}, {"key", "value"}};
    EXPECT_EQ(await(typesClient.echoASs(map)), map);
    const std::vector<StringMap> list{map, {}, {{"a", ""}}};
    EXPECT_EQ(await(typesClient.echoAaSs(list)), list);
    const std::map<ObjectPath, std::vector<std::string>> byPath{{"/a", {"x", "y"}}, {"/b", {}}};
    EXPECT_EQ(await(typesClient.echoAOas(byPath)), byPath);
    auto properties =
        await(typesClient.echoASv({{"i", Variant(std::int32_t{3})}, {"s", Variant(std::string("x"))}}));
    ASSERT_EQ(properties.size(), 2U);
    EXPECT_EQ(properties.at("i").get<std::int32_t>(), 3);
    EXPECT_EQ(properties.at("s").get<std::string>(), "x");
}

TEST_F(EchoBus, Structs) {
    const TypesEcho::UsbDevices devices{{1, "a", "b", "c", "d", "e", StringMap{{"x", "y"}}, StringMap{}, "f"},
                                        {-1, "", "", "", "", "", StringMap{}, StringMap{{"", ""}}, ""}};
    EXPECT_EQ(await(typesClient.echoUsb(devices)), devices);
    TypesEcho::Nested nested;
    std::get<0>(nested) = 7;
    std::get<0>(std::get<1>(nested)) = "inner";
    std::get<0>(std::get<1>(std::get<1>(nested))) = {true, false};
    std::get<2>(nested)[-5] = Struct<std::string, double>("half", 0.5);
    EXPECT_EQ(await(typesClient.echoStruct(nested)), nested);
    Struct<Variant> single;
    std::get<0>(single) = Variant(std::string("alone"));
    EXPECT_EQ(std::get<0>(await(typesClient.echoSingle(single))).get<std::string>(), "alone");
    const TypesEcho::Changes changes{{"a", TypesEcho::Properties{{"x", Variant(true)}}}};
    const auto changed = await(typesClient.echoChanges(changes));
    ASSERT_EQ(changed.size(), 1U);
    EXPECT_EQ(std::get<0>(changed[0]), "a");
    EXPECT_TRUE(std::get<1>(changed[0]).at("x").get<bool>());
    const TypesEcho::Objects objects{{ObjectPath("/o"), TypesEcho::Properties{}}};
    const auto found = await(typesClient.echoObjects(objects));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(std::get<0>(found[0]), "/o");
    EXPECT_TRUE(std::get<1>(found[0]).empty());
}

TEST_F(EchoBus, Signals) {
    std::string text;
    int nothings = 0;
    auto everything = typesClient.onEverything(
        [&](std::int32_t number, std::string words, ObjectPath path, std::vector<std::string> list,
            std::map<std::string, Variant> map, Struct<bool, double> pair) {
            text = std::to_string(number) + words + path + list.at(1) + map.at("k").get<std::string>() +
                   (std::get<0>(pair) ? "true" : "false");
            EXPECT_EQ(std::get<1>(pair), 0.5);
        });
    auto nothing = typesClient.onNothing([&] { ++nothings; });
    types->emitEverything(-3, "words", ObjectPath("/p"), {"a", "b"}, {{"k", Variant(std::string("v"))}},
                          Struct<bool, double>(true, 0.5));
    types->emitNothing();
    runUntil([&] { return nothings == 1; });
    EXPECT_EQ(text, "-3words/pbvtrue");
    // Another object of the service is not ours, and a dropped subscription hears nothing.
    auto elsewhere = std::make_shared<TypesEcho>();
    server.objects().add("/other", elsewhere);
    elsewhere->emitNothing();
    types->emitNothing();
    runUntil([&] { return nothings == 2; });
    nothing = Subscription();
    int again = 0;
    auto second = typesClient.onNothing([&] { ++again; });
    types->emitNothing();
    runUntil([&] { return again == 1; });
    EXPECT_EQ(nothings, 2);
}

} // namespace
} // namespace xb::rpcgen::test
