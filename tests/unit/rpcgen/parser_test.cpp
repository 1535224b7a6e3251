// SPDX-License-Identifier: Apache-2.0
// The dialect, and every mistake in it with the line where it is reported.
#include "rpcgen/parser.hpp"

#include "rpcgen/input_error.hpp"
#include "rpcgen/naming.hpp"

#include <gtest/gtest.h>

namespace xb::rpcgen {
namespace {

Document parseText(const std::string& text) {
    const XmlFile file("test.xml", text);
    Document document = parse(file);
    chooseNames(document);
    return document;
}

// What is wrong with a file; empty if nothing is.
std::string mistake(const std::string& text) {
    try {
        static_cast<void>(parseText(text));
    } catch (const InputError& e) {
        return e.what();
    }
    return {};
}

// The same for something that stands in line 3, inside an interface.
std::string inInterface(const std::string& text) {
    return mistake("<node>\n<interface name='a.b'>\n" + text + "\n</interface>\n</node>\n");
}

TEST(Parser, ReadsTheDialect) {
    const Document document =
        parseText("<?xml version='1.0'?>\n"
                  "<!DOCTYPE node SYSTEM 'http://www.example.org/never.dtd' [<!ENTITY x 'y'>]>\n"
                  "<node name='/' xmlns:tp='x'><tp:enum name='E' type='i'><tp:enumvalue suffix='1' "
                  "value='1'/></tp:enum><node><interface name='not.Read'/></node>\n"
                  "<interface name='a.b'><tp:docstring><method/></tp:docstring>\n"
                  "<tp:enum name='F' type='s'><tp:enumvalue suffix='A' value=''/></tp:enum>\n"
                  "<annotation name='org.xenbroker.PropertyTable' value='true'/>\n"
                  "<method name='m'><arg type='s'/><arg name='' type='i' direction='out'/>"
                  "<annotation name='org.xenbroker.Timeout' value='60'/></method>\n"
                  "<property name='acpi-state' type='as' access='write' tp:type='x'/>\n"
                  "<signal name='s'><arg type='u' direction='out'/></signal>\n"
                  "</interface></node>");
    ASSERT_EQ(document.interfaces.size(), 1U);
    const Interface& interface = document.interfaces[0];
    EXPECT_EQ(interface.name, "a.b");
    EXPECT_EQ(interface.line, 4U);
    EXPECT_EQ(interface.cppClass, "AB");
    EXPECT_TRUE(interface.propertyTable);
    ASSERT_EQ(interface.methods.size(), 1U);
    const Method& method = interface.methods[0];
    EXPECT_EQ(method.line, 7U);
    EXPECT_EQ(method.timeoutSeconds, 60);
    ASSERT_EQ(method.inputs().size(), 1U);
    EXPECT_EQ(method.inputs()[0].cppName, "arg0");
    ASSERT_EQ(method.outputs().size(), 1U);
    EXPECT_EQ(method.outputs()[0].cppName, "arg1");
    ASSERT_EQ(interface.properties.size(), 1U);
    EXPECT_FALSE(interface.properties[0].readable);
    EXPECT_TRUE(interface.properties[0].writable);
    EXPECT_EQ(interface.properties[0].cppSetter, "setAcpiState");
    ASSERT_EQ(interface.signals.size(), 1U);
    EXPECT_EQ(interface.signals[0].args[0].cppName, "arg0");
    ASSERT_EQ(document.enums.size(), 2U);
    EXPECT_EQ(document.enums[0].values[0].cppName, "_1");
}

TEST(Parser, NamesClashWithNothing) {
    const Document document = parseText("<node><interface name='a.b'>"
                                        "<method name='Sleep'/><method name='sleep'/><method name='delete'/>"
                                        "<method name='path'/><method name='get_x'/><method name='emit_x'/>"
                                        "<property name='x' type='i' access='read'/>"
                                        "<signal name='x'/></interface></node>");
    const Interface& interface = document.interfaces[0];
    EXPECT_EQ(interface.methods[0].cppName, "sleep");
    EXPECT_EQ(interface.methods[1].cppName, "sleep2");
    EXPECT_EQ(interface.methods[2].cppName, "delete_");
    EXPECT_EQ(interface.methods[3].cppName, "path_");
    EXPECT_EQ(interface.properties[0].cppGetter, "getX2");
    EXPECT_EQ(interface.signals[0].cppEmitter, "emitX2");
}

TEST(Parser, NotWellFormed) {
    EXPECT_EQ(mistake("<node>\n<interface name='a.b'>\n</node>\n").substr(0, 36),
              "test.xml:3: not well-formed XML: Sta");
    EXPECT_NE(mistake(""), "");
    EXPECT_NE(mistake("   \n"), "");
    EXPECT_NE(mistake("<node"), "");
    EXPECT_EQ(mistake("<node/>\n<node/>"), "test.xml:2: not well-formed XML: more than one root element");
    EXPECT_EQ(mistake("<node>\n<interface name='a.b'\n name='a.c'/></node>"),
              "test.xml:2: not well-formed XML: attribute name is there twice");
    EXPECT_EQ(mistake(std::string("<node>\n\0</node>", 15)).substr(0, 32),
              "test.xml:2: the file has a NUL b");
    EXPECT_EQ(mistake("<node>\n\n<!-- \xc3( -->\n</node>"), "test.xml:3: the file is not UTF-8");
    EXPECT_EQ(mistake("<node>\n<!-- \xed\xa0\x80 --></node>"), "test.xml:2: the file is not UTF-8");
}

TEST(Parser, HostileSizes) {
    std::string deep = "<node>\n";
    for (int i = 0; i < 100000; ++i)
        deep += "<node>";
    for (int i = 0; i < 100000; ++i)
        deep += "</node>";
    EXPECT_EQ(mistake(deep + "</node>"), "test.xml:2: elements are nested deeper than 32 levels");
    EXPECT_EQ(mistake("<node>" + std::string(maxFileSize, ' ') + "</node>"),
              "test.xml:1: the file is larger than 4194304 bytes");
    std::string many;
    for (std::size_t i = 0; i <= maxMembers; ++i)
        many += "<method name='m" + std::to_string(i) + "'/>";
    EXPECT_EQ(inInterface(many), "test.xml:3: more than 4096 elements <method>");
    std::string args;
    for (int i = 0; i < 50000; ++i)
        args += "<arg name='a" + std::to_string(i) + "' type='s'/>";
    EXPECT_EQ(inInterface("<method name='m'>" + args + "</method>"), "test.xml:3: more than 510 arguments");
    args.clear();
    for (int i = 0; i < 256; ++i)
        args += "<arg type='s'/>";
    EXPECT_EQ(inInterface("<signal name='m'>" + args + "</signal>"),
              "test.xml:3: the signature of all arguments has more than 255 characters");
    EXPECT_EQ(inInterface("<annotation name='x.y' value='" + std::string(1025, 'x') + "'/>"),
              "test.xml:3: the value of annotation x.y is longer than 1024 bytes");
}

TEST(Parser, MistakesInStructure) {
    EXPECT_EQ(mistake("\n<nodes/>"), "test.xml:2: the root element is <nodes>, not <node>");
    EXPECT_EQ(mistake("<node>\n<method name='x'/></node>"),
              "test.xml:2: <method> does not belong into <node>");
    EXPECT_EQ(inInterface("<methd name='x'/>"), "test.xml:3: <methd> does not belong into <interface>");
    EXPECT_EQ(inInterface("<method name='x'><property/></method>"),
              "test.xml:3: <property> does not belong into <method>");
    EXPECT_EQ(inInterface("<method/>"), "test.xml:3: <method> lacks the attribute \"name\"");
    EXPECT_EQ(inInterface("<method name='x'><arg diretion='in' type='s'/></method>"),
              "test.xml:3: <arg> has no attribute \"diretion\"");
}

TEST(Parser, BadNames) {
    EXPECT_EQ(mistake("<node>\n<interface name='single'/></node>"),
              "test.xml:2: \"single\" is not a valid name of <interface>");
    EXPECT_EQ(inInterface("<method name='a-b'/>"), "test.xml:3: \"a-b\" is not a valid name of <method>");
    EXPECT_EQ(inInterface("<method name='&quot;;system(1);//'/>"),
              "test.xml:3: \"\";system(1);//\" is not a valid name of <method>");
    EXPECT_EQ(inInterface("<signal name=''/>"), "test.xml:3: \"\" is not a valid name of <signal>");
    EXPECT_EQ(inInterface("<property name='-a' type='s' access='read'/>"),
              "test.xml:3: \"-a\" is not a valid name of <property>");
    EXPECT_EQ(inInterface("<method name='m'>\n<arg name='a b' type='s'/></method>"),
              "test.xml:4: \"a b\" is not a valid name of <arg>");
    EXPECT_EQ(inInterface("<method name='&undefined;'/>"),
              "test.xml:3: \"&undefined;\" is not a valid name of <method>");
}

TEST(Parser, BadTypesAndValues) {
    EXPECT_EQ(inInterface("<method name='m'>\n<arg type='z'/></method>"),
              "test.xml:4: type \"z\" has the unknown type code 'z' at position 1");
    EXPECT_EQ(inInterface("<property name='p' type='ss' access='read'/>"),
              "test.xml:3: type \"ss\" is more than one complete type");
    EXPECT_EQ(inInterface("<property name='p' type='s' access='rw'/>"),
              "test.xml:3: \"rw\" is not a valid access: one of read, write and readwrite");
    EXPECT_EQ(inInterface("<property name='p' type='s'/>"),
              "test.xml:3: <property> lacks the attribute \"access\"");
    EXPECT_EQ(inInterface("<method name='m'><arg type='s' direction='inout'/></method>"),
              "test.xml:3: \"inout\" is not a valid direction of an argument of a method");
    EXPECT_EQ(inInterface("<signal name='m'><arg type='s' direction='in'/></signal>"),
              "test.xml:3: \"in\" is not a valid direction of an argument of a signal");
}

TEST(Parser, BadEnums) {
    const auto inEnum = [](const std::string& type, const std::string& text) {
        return mistake("<node>\n<tp:enum name='E' type='" + type + "'>\n" + text + "\n</tp:enum></node>");
    };
    EXPECT_EQ(inEnum("y", "<tp:enumvalue suffix='A' value='256'/>"),
              "test.xml:3: \"256\" is not a value of type y");
    EXPECT_EQ(inEnum("b", "<tp:enumvalue suffix='A' value='yes'/>"),
              "test.xml:3: \"yes\" is not a value of type b");
    EXPECT_EQ(inEnum("as", "<tp:enumvalue suffix='A' value=''/>"),
              "test.xml:3: an enum cannot have type \"as\": one of b, y, n, q, i, u, x, t, d and s");
    EXPECT_EQ(inEnum("s", "<tp:enumvalue suffix='A' value=''/>\n<tp:enumvalue suffix='A' value='a'/>"),
              "test.xml:4: suffix A of enum E is there twice");
    EXPECT_EQ(inEnum("s", "<tp:enumvalue suffix='' value=''/>"),
              "test.xml:3: \"\" is not a valid suffix of <tp:enumvalue>");
    EXPECT_EQ(inEnum("s", "<tp:enumvalue suffix='A'/>"),
              "test.xml:3: <tp:enumvalue> lacks the attribute \"value\"");
    EXPECT_EQ(inEnum("s", ""), "test.xml:2: enum E has no values");
}

TEST(Parser, Duplicates) {
    EXPECT_EQ(mistake("<node>\n<interface name='a.b'/>\n<interface name='a.b'/></node>"),
              "test.xml:3: interface a.b is declared twice, first in line 2");
    EXPECT_EQ(inInterface("<method name='m'/>\n<method name='m'/>"),
              "test.xml:4: method m is declared twice, first in line 3");
    EXPECT_EQ(inInterface("<signal name='m'/><method name='m'/><signal name='m'/>"),
              "test.xml:3: signal m is declared twice, first in line 3");
    EXPECT_EQ(
        inInterface("<property name='m' type='s' access='read'/><property name='m' type='s' access='read'/>"),
        "test.xml:3: property m is declared twice, first in line 3");
    EXPECT_EQ(inInterface("<method name='m'><arg name='a' type='s'/><arg name='a' type='s'/></method>"),
              "test.xml:3: argument a is declared twice");
    EXPECT_EQ(
        inInterface(
            "<method name='m'><arg name='a' type='s'/><arg name='a' type='s' direction='out'/></method>"),
        "");
    EXPECT_EQ(
        mistake("<node>\n<interface name='org.xenbroker.a'/>\n<interface name='org.freedesktop.a'/></node>"),
        "test.xml:3: interface org.freedesktop.a would be the same C++ class A as org.xenbroker.a in line 2; "
        "put it "
        "into a file of its own");
}

TEST(Parser, BadAnnotations) {
    const auto onMethod = [](const std::string& name, const std::string& value) {
        return inInterface("<method name='m'>\n<annotation name='" + name + "' value='" + value +
                           "'/></method>");
    };
    EXPECT_EQ(onMethod("org.xenbroker.Timeout", "0"),
              "test.xml:4: annotation org.xenbroker.Timeout has the value \"0\", not a number of seconds "
              "from 1 to 999999");
    for (const char* bad : {"", "-1", "1s", "1.5", "1000000", "99999999999999999999"})
        EXPECT_NE(onMethod("org.xenbroker.Timeout", bad), "") << bad;
    EXPECT_EQ(onMethod("org.xenbroker.Timeout", "999999"), "");
    EXPECT_EQ(
        onMethod("org.xenbroker.Error", "short"),
        "test.xml:4: annotation org.xenbroker.Error has the value \"short\", not the full name of an error");
    EXPECT_EQ(onMethod("org.xenbroker.PropertyTable", "true"),
              "test.xml:4: annotation org.xenbroker.PropertyTable is unknown on <method>");
    EXPECT_EQ(onMethod("org.freedesktop.DBus.Method.NoReply", "whatever"), "");
    EXPECT_EQ(inInterface("<annotation name='org.xenbroker.PropertyTable' value='yes'/>"),
              "test.xml:3: annotation org.xenbroker.PropertyTable has the value \"yes\", not true or false");
    EXPECT_EQ(inInterface("<signal name='s'><annotation name='org.xenbroker.Timeout' value='1'/></signal>"),
              "test.xml:3: annotation org.xenbroker.Timeout is unknown on <signal>");
    const auto onRoot = [](const std::string& value) {
        return mistake("<node>\n<annotation name='org.xenbroker.ErrorName' value='" + value + "'/></node>");
    };
    EXPECT_EQ(onRoot("A=a.b"), "");
    EXPECT_EQ(onRoot("A"),
              "test.xml:2: annotation org.xenbroker.ErrorName has the value \"A\", not NAME=full.error.Name");
    for (const char* bad : {"", "=", "A=", "=a.b", "A=b", "A b=a.b", "A=a.b=c"})
        EXPECT_NE(onRoot(bad), "") << bad;
    EXPECT_EQ(mistake("<node><annotation name='org.xenbroker.ErrorName' value='A=a.b'/>\n"
                      "<annotation name='org.xenbroker.ErrorName' value='A=a.c'/></node>"),
              "test.xml:2: error name A is declared twice, first in line 1");
}

} // namespace
} // namespace xb::rpcgen
