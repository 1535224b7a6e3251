// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/command.hpp"

#include "toolstack/xec/value_parser.hpp"
#include "toolstack/xec/value_printer.hpp"

#include <algorithm>
#include <functional>

namespace xb::xec {

namespace {

constexpr std::string_view propertiesInterface = "org.freedesktop.DBus.Properties";
// Column width of a quoted property name in getall.
constexpr std::size_t getAllWidth = 35;

std::string replaced(std::string text, char from, char to) {
    std::replace(text.begin(), text.end(), from, to);
    return text;
}

std::string printLines(const Words& lines, const Options& options) {
    if (options.json)
        return writeJson(*options.json, [&](JsonSink& json) { json.texts(lines); });
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    return text;
}

// The interfaces that -i leaves over; an unknown one is the user's mistake.
std::vector<const InterfaceDescription*> chosen(const Interfaces& interfaces, const Options& options,
                                                const std::string& path) {
    std::vector<const InterfaceDescription*> result;
    for (const InterfaceDescription& interface : interfaces)
        if (!options.interface || interface.name == *options.interface)
            result.push_back(&interface);
    if (options.interface && result.empty())
        throw UsageError("object " + path + " has no interface " + *options.interface);
    return result;
}

template <class Member>
struct Found {
    const InterfaceDescription* interface;
    const Member* member;
};

template <class Member>
Found<Member> find(const Interfaces& interfaces, const Options& options, const std::string& path,
                   const Member* (InterfaceDescription::*lookUp)(std::string_view) const, const char* kind,
                   const std::string& name) {
    for (const InterfaceDescription* interface : chosen(interfaces, options, path))
        if (const Member* member = (interface->*lookUp)(name))
            return {interface, member};
    throw UsageError(
        (options.interface ? "interface " + *options.interface + " of object " + path : "object " + path) +
        " has no " + kind + " " + name);
}

Value parseArgument(const Type& type, const std::string& word, std::size_t number) {
    try {
        return parseValue(type, word);
    } catch (const Error& e) {
        throw UsageError("error parsing argument " + std::to_string(number) + ": " + e.what());
    }
}

std::string typesText(const std::vector<Type>& types) {
    std::string text;
    for (const Type& type : types)
        text += (text.empty() ? "" : ", ") + type.text();
    return types.empty() ? "none" : text;
}

Task<std::string> list(Client& client, Options options, std::string path) {
    const Interfaces interfaces = co_await client.introspect(path);
    Words lines;
    if (options.listInterfaces) {
        for (const InterfaceDescription& interface : interfaces)
            lines.push_back(interface.name);
    } else {
        for (const InterfaceDescription* interface : chosen(interfaces, options, path)) {
            if (options.listMethods)
                for (const Method& method : interface->methods)
                    lines.push_back(replaced(method.name, '_', '-'));
            else
                for (const Property& property : interface->properties)
                    lines.push_back(property.name);
        }
    }
    co_return printLines(lines, options);
}

Task<std::string> get(Client& client, Options options, std::string path, std::string property) {
    const Interfaces interfaces = co_await client.introspect(path);
    const auto found =
        find(interfaces, options, path, &InterfaceDescription::findProperty, "property", property);
    const Value value = co_await client.get(path, found.interface->name, property);
    if (options.json)
        co_return writeJson(*options.json, [&](JsonSink& json) { json.value(value); });
    co_return printValue(value) + "\n";
}

Task<std::string> set(Client& client, Options options, std::string path, std::string property,
                      std::string word) {
    const Interfaces interfaces = co_await client.introspect(path);
    const auto found =
        find(interfaces, options, path, &InterfaceDescription::findProperty, "property", property);
    Value value = parseArgument(found.member->type, word, 1);
    co_await client.set(path, found.interface->name, property, std::move(value));
    co_return "";
}

using Properties = std::vector<std::pair<std::string, Value>>;

// In the order of the introspection data; what that does not know comes last.
Properties ordered(Properties values, const InterfaceDescription& interface) {
    auto place = [&](const std::pair<std::string, Value>& value) {
        const Property* property = interface.findProperty(value.first);
        return property ? property - interface.properties.data()
                        : static_cast<std::ptrdiff_t>(interface.properties.size());
    };
    std::stable_sort(values.begin(), values.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return values;
}

std::string printGetAll(const std::vector<std::pair<std::string, Properties>>& all, const Options& options) {
    if (options.json)
        return writeJson(*options.json, [&](JsonSink& json) {
            json.beginObject();
            for (const auto& [interface, properties] : all) {
                json.key(interface);
                json.beginObject();
                for (const auto& [name, value] : properties) {
                    json.key(name);
                    json.value(value);
                }
                json.endObject();
            }
            json.endObject();
        });
    std::string text;
    for (const auto& [interface, properties] : all) {
        text += interface + "\n{\n";
        for (const auto& [name, value] : properties)
            text += printEntry(name, value, getAllWidth) + "\n";
        text += "}\n";
    }
    return text;
}

Task<std::string> getAll(Client& client, Options options, std::string path) {
    const Interfaces interfaces = co_await client.introspect(path);
    std::vector<std::pair<std::string, Properties>> all;
    for (const InterfaceDescription* interface : chosen(interfaces, options, path)) {
        if (interface->properties.empty() || interface->name == propertiesInterface)
            continue;
        Properties properties = co_await client.getAll(path, interface->name);
        all.emplace_back(interface->name, ordered(std::move(properties), *interface));
    }
    co_return printGetAll(all, options);
}

void jsonIntrospection(JsonSink& json, const InterfaceDescription& interface) {
    json.beginObject();
    json.key("properties");
    json.beginObject();
    for (const Property& property : interface.properties) {
        json.key(property.name);
        json.beginObject();
        json.key("type");
        json.text(property.type.text());
        json.key("access");
        json.text(property.access);
        json.endObject();
    }
    json.endObject();
    json.key("methods");
    json.beginObject();
    for (const Method& method : interface.methods) {
        json.key(method.name);
        json.beginArray();
        for (const Argument& argument : method.arguments) {
            json.beginObject();
            json.key("name");
            json.text(argument.name);
            json.key("type");
            json.text(argument.type.text());
            json.key("direction");
            json.text(argument.out ? "out" : "in");
            json.endObject();
        }
        json.endArray();
    }
    json.endObject();
    json.endObject();
}

Task<std::string> show(Client& client, Options options, std::string path) {
    const Interfaces interfaces = co_await client.introspect(path);
    if (!options.interface && !options.json)
        co_return printIntrospection(interfaces);
    Interfaces wanted;
    for (const InterfaceDescription* interface : chosen(interfaces, options, path))
        wanted.push_back(*interface);
    if (!options.json)
        co_return printIntrospection(wanted);
    co_return writeJson(*options.json, [&](JsonSink& json) {
        json.beginObject();
        for (const InterfaceDescription& interface : wanted) {
            json.key(interface.name);
            jsonIntrospection(json, interface);
        }
        json.endObject();
    });
}

} // namespace

std::string printResult(const std::vector<Value>& values, const Options& options) {
    if (options.json)
        return writeJson(*options.json, [&](JsonSink& json) {
            json.beginArray();
            for (const Value& value : values)
                json.value(value);
            json.endArray();
        });
    std::string text;
    for (const Value& value : values)
        text += printValue(value) + "\n";
    return text;
}

Task<std::string> callMethod(Client& client, Options options, std::string path, std::string method,
                             Words arguments) {
    const std::string name = replaced(method, '-', '_');
    const Interfaces interfaces = co_await client.introspect(path);
    const auto found = find(interfaces, options, path, &InterfaceDescription::findMethod, "method", name);
    const std::vector<Type> types = found.member->inputs();
    if (types.size() != arguments.size())
        throw UsageError("method " + name + " takes " + std::to_string(types.size()) + " arguments (" +
                         typesText(types) + "), not " + std::to_string(arguments.size()));
    std::vector<Value> values;
    for (std::size_t i = 0; i < types.size(); ++i)
        values.push_back(parseArgument(types[i], arguments[i], i + 1));
    const std::vector<Value> result =
        co_await client.call(path, found.interface->name, name, std::move(values), found.member->timeout);
    co_return printResult(result, options);
}

Task<std::string> runCommand(Client& client, Options options, std::string path) {
    const Words& words = options.positional;
    if (options.listInterfaces || options.listMethods || options.listProperties)
        return list(client, std::move(options), std::move(path));
    if (options.get) {
        std::string property = *options.get;
        return get(client, std::move(options), std::move(path), std::move(property));
    }
    if (options.set) {
        auto [property, word] = *options.set;
        return set(client, std::move(options), std::move(path), std::move(property), std::move(word));
    }
    if (words.empty())
        return show(client, std::move(options), std::move(path));
    const std::string verb = words[0];
    if (verb == "get") {
        if (words.size() != 2)
            throw UsageError("get takes the name of one property");
        std::string property = words[1];
        return get(client, std::move(options), std::move(path), std::move(property));
    }
    if (verb == "set") {
        if (words.size() != 3)
            throw UsageError("set takes the name of a property and a value");
        std::string property = words[1];
        std::string word = words[2];
        return set(client, std::move(options), std::move(path), std::move(property), std::move(word));
    }
    if (verb == "getall") {
        if (words.size() != 1)
            throw UsageError("getall takes nothing else");
        return getAll(client, std::move(options), std::move(path));
    }
    Words arguments(words.begin() + 1, words.end());
    return callMethod(client, std::move(options), std::move(path), verb, std::move(arguments));
}

} // namespace xb::xec
