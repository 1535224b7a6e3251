// SPDX-License-Identifier: Apache-2.0
// What an interface file says, checked, and the C++ names that were chosen for it. parser.cpp fills in the
// D-Bus side (names, signatures, lines), naming.cpp the C++ side (the cpp... members); the emitters only
// read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace xb::rpcgen {

struct Annotation {
    std::string name;
    std::string value;
};

struct Arg {
    /// As in the file; may be empty.
    std::string name;
    std::string signature;
    /// Of a method only: an answer rather than an argument.
    bool out = false;
    std::string cppName;
    std::string cppType;
};

struct Method {
    std::string name;
    std::size_t line = 0;
    std::vector<Arg> args;
    std::vector<Annotation> annotations;
    /// What org.xenbroker.Timeout says.
    std::optional<int> timeoutSeconds;
    std::string cppName;

    std::vector<Arg> inputs() const;
    std::vector<Arg> outputs() const;
};

struct Signal {
    std::string name;
    std::size_t line = 0;
    std::vector<Arg> args;
    std::vector<Annotation> annotations;
    std::string cppEmitter;
    std::string cppSubscriber;
};

struct Property {
    std::string name;
    std::size_t line = 0;
    std::string signature;
    bool readable = false;
    bool writable = false;
    std::vector<Annotation> annotations;
    std::string cppType;
    std::string cppGetter;
    std::string cppSetter;
    std::string cppEnumerator;
};

struct Interface {
    std::string name;
    std::size_t line = 0;
    std::vector<Method> methods;
    std::vector<Signal> signals;
    std::vector<Property> properties;
    std::vector<Annotation> annotations;
    /// org.xenbroker.PropertyTable: properties go through a table instead of one accessor each.
    bool propertyTable = false;
    /// Without the suffix Server or Client.
    std::string cppClass;
    std::string cppConstant;

    /// One of those that the bus layer answers for every object; no server is generated for it.
    bool builtIn() const;
};

struct EnumValue {
    std::string suffix;
    /// C++ literal of the enum's type.
    std::string literal;
    std::string cppName;
};

struct Enum {
    std::string name;
    std::size_t line = 0;
    std::string signature;
    std::vector<EnumValue> values;
    /// Namespace of the constants, and the function that knows whether something is one of them.
    std::string cppName;
    std::string cppChecker;
};

/// org.xenbroker.ErrorName of the root node.
struct ErrorName {
    std::string shortName;
    std::string fullName;
    std::size_t line = 0;
    /// Constant with the full name, and the function that makes such an error.
    std::string cppName;
    std::string cppFactory;
};

struct Document {
    /// As it was given, for messages.
    std::string file;
    std::vector<Interface> interfaces;
    std::vector<Enum> enums;
    std::vector<ErrorName> errorNames;
};

} // namespace xb::rpcgen
