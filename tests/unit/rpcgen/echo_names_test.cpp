// SPDX-License-Identifier: Apache-2.0
// Awkward names, properties both ways, constants and introspection data of generated code.
#include "tests/unit/rpcgen/echo_bus.hpp"

#include <limits>

namespace xb::rpcgen::test {
namespace {

static_assert(vmState::running == std::string_view("running"));
static_assert(vmState::nativeExperience == std::string_view("\"native\""));
static_assert(isVmState("") && isVmState("running") && !isVmState("RUNNING"));
static_assert(level::low == std::numeric_limits<std::int64_t>::min() && level::default_ == 0);
static_assert(isLevel(0) && !isLevel(1));
static_assert(isRatio(0.5) && !isRatio(0.25));
static_assert(interfaces::testTypes == std::string_view("org.xenbroker.test.types"));
static_assert(static_cast<int>(TestTableProperty::auto_) == 2);

TEST_F(EchoBus, KeywordsAndNamesOfTheBaseClasses) {
    await(namesClient.delete_("x"));
    EXPECT_EQ(names->last, "delete x");
    EXPECT_EQ(await(namesClient.switch_("a", 1)), std::tuple(std::string("a!"), 2));
    EXPECT_EQ(await(namesClient.auth("a", "b", "c", "d")), bus.uniqueName() + "/a/b/c/d");
    await(namesClient.xor_());
    EXPECT_EQ(names->last, "xor");
    EXPECT_EQ(await(namesClient.info_("p")), "info p");
    EXPECT_EQ(await(namesClient.path_()), "path");
    await(namesClient.attached_());
    EXPECT_EQ(names->last, "attached");
    await(namesClient.bus_());
    EXPECT_EQ(names->last, "bus");
    await(namesClient.service_());
    EXPECT_EQ(names->last, "service");
    EXPECT_EQ(await(namesClient.remoteCall_("a", "b")), "ab");
    await(namesClient.emitSignal_());
    EXPECT_EQ(names->last, "emit_signal");
    await(namesClient.readProperty_());
    EXPECT_EQ(names->last, "read_property");
}

TEST_F(EchoBus, NamesThatWouldBeTheSame) {
    EXPECT_EQ(await(namesClient.sleep()), "Sleep");
    EXPECT_EQ(await(namesClient.sleep2()), "sleep");
    EXPECT_EQ(await(namesClient.getUiReady()), "method");
    EXPECT_FALSE(await(namesClient.getUiReady2()));
    EXPECT_EQ(await(namesClient.getMachineId()), "id");
}

TEST_F(EchoBus, SeveralAnswers) {
    const auto [number, text, map] = await(namesClient.manyAnswers(3));
    EXPECT_EQ(number, 3);
    EXPECT_EQ(text, "text");
    EXPECT_EQ(map, (StringMap{{"count", "3"}}));
}

TEST_F(EchoBus, SignalsWithoutArgumentNames) {
    std::string heard;
    auto subscription = namesClient.onDeleted([&](std::string a, std::string b) { heard = a + b; });
    names->emitDeleted("a", "b");
    runUntil([&] { return !heard.empty(); });
    EXPECT_EQ(heard, "ab");
}

TEST_F(EchoBus, PropertiesWithAccessors) {
    await(namesClient.setUiReady(true));
    EXPECT_TRUE(names->uiReady);
    EXPECT_EQ(names->setter, bus.uniqueName());
    EXPECT_TRUE(await(namesClient.getUiReady2()));
    NamesEcho::Nested nested;
    nested["x"] = Struct<std::int32_t, bool>(4, true);
    await(namesClient.setNestedNameHere(nested));
    EXPECT_EQ(await(namesClient.getNestedNameHere()), nested);
    await(namesClient.setSecret("psst"));
    EXPECT_EQ(names->secret, "psst");
    await(namesClient.setAny(Variant(std::int32_t{9})));
    EXPECT_EQ(await(namesClient.getAny()).get<std::int32_t>(), 9);
    EXPECT_EQ(await(namesClient.getText()), "text");
}

TEST_F(EchoBus, AllProperties) {
    const auto all = await(namesClient.getAllProperties());
    std::string present;
    for (const auto& [name, value] : all)
        present += name + ":" + value.peekValueType() + " ";
    // The one that fails and the one that is write-only are not there.
    EXPECT_EQ(present, "any:v nested.name_here:a{s(ib)} text:s ui-ready:b ");
    EXPECT_EQ(all.at("text").get<std::string>(), "text");
}

TEST_F(EchoBus, PropertiesThroughTheTable) {
    await(tableClient.setAcpi(true));
    EXPECT_TRUE(table->acpi);
    EXPECT_TRUE(await(tableClient.getAcpi()));
    EXPECT_EQ(await(tableClient.getAcpiState()), 5);
    await(tableClient.setAuto("manual"));
    EXPECT_EQ(await(tableClient.getAuto()), "manual");
    await(tableClient.setMemory(-1));
    EXPECT_EQ(await(tableClient.getMemory()), -1);
    EXPECT_EQ(await(tableClient.getAllProperties()).size(), 4U);
    await(tableClient.touch());
}

TEST_F(EchoBus, TablesAreSortedAndComplete) {
    for (const InterfaceInfo* info :
         {&TestTypesServer::staticInfo(), &TestNamesServer::staticInfo(), &TestTableServer::staticInfo()}) {
        for (const auto& method : info->methods)
            EXPECT_EQ(info->findMethod(method.name), &method) << method.name;
        EXPECT_EQ(info->propertiesByName.size(), info->properties.size());
        for (std::size_t i = 0; i < info->properties.size(); ++i)
            EXPECT_EQ(info->findProperty(info->properties[i].name), i) << info->properties[i].name;
    }
    EXPECT_EQ(TestTypesServer::staticInfo().methods.size(), 30U);
    EXPECT_EQ(TestNamesServer::staticInfo().findMethod("many_answers")->outSignature, "isa{ss}");
}

TEST_F(EchoBus, IntrospectionShowsTheInterfaceWithoutOurAnnotations) {
    DBusIntrospectableClient introspectable(bus, serviceName, objectPath);
    const std::string xml = await(introspectable.introspect());
    for (const char* wanted :
         {"<interface name=\"org.xenbroker.test.types\">", "<method name=\"echo_usb\">",
          "<arg name=\"v\" type=\"a(isssssa{ss}a{ss}s)\" direction=\"in\"/>",
          "<arg type=\"y\" direction=\"out\"/>",
          "<annotation name=\"org.freedesktop.DBus.Deprecated\" value=\"true\"/>",
          "<property name=\"ui-ready\" type=\"b\" access=\"readwrite\"/>", "<signal name=\"nothing\"/>"})
        EXPECT_NE(xml.find(wanted), std::string::npos) << wanted;
    for (const char* unwanted :
         {"org.xenbroker.Timeout", "org.xenbroker.PropertyTable", "docstring", "tp:enum"})
        EXPECT_EQ(xml.find(unwanted), std::string::npos) << unwanted;
}

} // namespace
} // namespace xb::rpcgen::test
