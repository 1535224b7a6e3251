// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/naming.hpp"

#include "rpcgen/input_error.hpp"
#include "rpcgen/names.hpp"
#include "rpcgen/types.hpp"

#include <algorithm>
#include <map>

namespace xb::rpcgen {

namespace {

// Members of xb::Interface, of xb::RemoteObject, and of every generated class.
const NameScope classScope{
    "attached",     "bus",           "detached",  "emitSignal",   "getAllProperties",
    "info",         "interfaceName", "newSignal", "path",         "readAllProperties",
    "readProperty", "remoteCall",    "remoteGet", "remoteGetAll", "remoteSet",
    "remoteSignal", "sendSignal",    "service",   "staticInfo",   "writeProperty",
};

// What generated functions use besides the arguments of the file.
const NameScope argumentScope{"caller", "emitSignal", "interfaceName", "remoteCall"};

void nameArguments(std::vector<Arg>& args) {
    NameScope inputs = argumentScope;
    NameScope outputs = argumentScope;
    for (std::size_t i = 0; i < args.size(); ++i) {
        Arg& arg = args[i];
        const std::string wanted = arg.name.empty() ? fmt::format("arg{}", i) : lowerCamel(arg.name);
        arg.cppName = (arg.out ? outputs : inputs).add(wanted);
        arg.cppType = cppTypeOf(arg.signature);
    }
}

void nameMembers(Interface& interface) {
    // Methods come first: their names are the ones that people look for.
    NameScope scope = classScope;
    for (auto& method : interface.methods) {
        method.cppName = scope.add(lowerCamel(method.name));
        nameArguments(method.args);
    }
    NameScope enumerators;
    for (auto& property : interface.properties) {
        property.cppType = cppTypeOf(property.signature);
        property.cppEnumerator = enumerators.add(lowerCamel(property.name));
        property.cppGetter = scope.add("get" + upperCamel(property.name));
        property.cppSetter = scope.add("set" + upperCamel(property.name));
    }
    for (auto& signal : interface.signals) {
        signal.cppEmitter = scope.add("emit" + upperCamel(signal.name));
        signal.cppSubscriber = scope.add("on" + upperCamel(signal.name));
        nameArguments(signal.args);
    }
}

} // namespace

void chooseNames(Document& document) {
    std::map<std::string, const Interface*> classes;
    NameScope interfaceConstants;
    for (auto& interface : document.interfaces) {
        interface.cppClass = className(interface.name);
        const auto [other, isNew] = classes.emplace(interface.cppClass, &interface);
        if (!isNew)
            throw InputError(
                document.file, interface.line,
                fmt::format("interface {} would be the same C++ class {} as {} in line {}; put it into a "
                            "file of its own",
                            interface.name, interface.cppClass, other->second->name, other->second->line));
        interface.cppConstant = interfaceConstants.add(lowerCamel(interface.cppClass));
        nameMembers(interface);
    }
    // What else stands in the namespace of the file, and the namespaces that generated code itself names.
    NameScope scope{"errorNames", "interfaces", "std", "xb"};
    for (auto& each : document.enums) {
        each.cppName = scope.add(lowerCamel(each.name));
        each.cppChecker = scope.add("is" + upperCamel(each.name));
        NameScope values{"std", "values", "xb"};
        for (auto& value : each.values)
            value.cppName = values.add(lowerCamel(value.suffix));
    }
    NameScope constants;
    for (auto& error : document.errorNames) {
        error.cppName = constants.add(lowerCamel(error.shortName));
        error.cppFactory = scope.add(lowerCamel(error.shortName) + "Error");
    }
}

} // namespace xb::rpcgen
