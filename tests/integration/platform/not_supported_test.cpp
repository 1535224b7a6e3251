// SPDX-License-Identifier: Apache-2.0
// docs/not-supported.md is exact: every method and property of every interface is called on the running
// platform, and those that answer NotSupported are those in its table.
#include "platform.hpp"

#include "tests/support/documented.hpp"
#include "toolstack/libs/uuid.hpp"
#include "toolstack/xec/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace xb::test {
namespace {

using Members = std::set<std::string>;

/// The table: interface, members.
std::map<std::string, Members> documentedMembers() {
    std::map<std::string, Members> table;
    std::istringstream lines(readFile(NOT_SUPPORTED, 1024 * 1024));
    std::string line;
    while (std::getline(lines, line)) {
        const auto bar = line.find(" | ");
        if (!line.starts_with("| ") || bar == std::string::npos || line.find('.') > bar)
            continue;
        table[line.substr(2, bar - 2)] = wordsOf(line.substr(bar + 3, line.rfind(" |") - bar - 3));
    }
    return table;
}

/// Something of the type, as harmless as can be.
xec::Value anyValue(const xec::Type& type) {
    const std::string text = type.text();
    switch (type.code) {
    case 'b':
        return {text, false};
    case 's':
        return {text, std::string()};
    case 'o':
        return {text, std::string("/")};
    case 'd':
        return {text, 0.0};
    case 'y':
    case 'q':
    case 'u':
    case 't':
        return {text, std::uint64_t{0}};
    case 'a':
        return {text, xec::Value::Members{}};
    default:
        return {text, std::int64_t{0}};
    }
}

class NotSupported : public testing::Test {
protected:
    template <class T>
    bool isNotSupported(Task<T> task) {
        try {
            platform.await(std::move(task));
        } catch (const Error& e) {
            return e.name() == errors::notSupported;
        }
        return false;
    }

    void examineProperties(xec::Client& client, const std::string& path,
                           const xec::InterfaceDescription& interface) {
        Members& found = answers[interface.name];
        for (const auto& property : interface.properties) {
            if (isNotSupported(client.get(path, interface.name, property.name))) {
                found.insert(property.name);
            } else if (property.access == "readwrite") {
                const xec::Value now = platform.await(client.get(path, interface.name, property.name));
                if (isNotSupported(client.set(path, interface.name, property.name, now)))
                    found.insert("setting " + property.name);
            }
        }
    }
    void examineMethod(xec::Client& client, const std::string& path, const std::string& interface,
                       const xec::Method& method) {
        std::vector<xec::Value> arguments;
        for (const auto& type : method.inputs())
            arguments.push_back(anyValue(type));
        if (isNotSupported(client.call(path, interface, method.name, std::move(arguments))))
            answers[interface].insert(method.name);
    }

    /// `last`: methods that may end what is examined.
    void examine(const std::string& service, const std::string& path, const Members& last = {}) {
        xec::Client client(platform.bus(), service, {});
        auto interfaces = platform.await(client.introspect(path));
        std::erase_if(interfaces, [](const auto& each) { return each.name.starts_with("org.freedesktop."); });
        for (const auto& interface : interfaces)
            examineProperties(client, path, interface);
        for (const bool now : {false, true})
            for (const auto& interface : interfaces)
                for (const auto& method : interface.methods)
                    if (last.contains(method.name) == now)
                        examineMethod(client, path, interface.name, method);
        for (const auto& interface : interfaces) {
            Members& found = answers[interface.name];
            if (!found.empty() && found.size() == interface.methods.size() + interface.properties.size())
                found = {"all"};
        }
    }

    Platform platform;
    std::map<std::string, Members> answers;
};

TEST_F(NotSupported, TheTableOfTheDocumentIsWhatTheProgramsAnswer) {
    constexpr auto manager = "com.citrix.xenclient.xenmgr";
    const std::string vm = platform.createVm();
    const std::string disk = platform.await(platform.vm(vm).addDisk());
    const std::string nic = platform.await(platform.vm(vm).addNic());
    examine(manager, disk, {"delete"});
    examine(manager, nic, {"delete"});
    examine(manager, vm, {"delete"});
    examine(manager, "/host");
    examine(manager, "/");

    const std::string running = platform.createVm();
    platform.await(platform.vm(running).setVirtType("hvm")); // others cannot sleep
    platform.await(platform.vm(running).start());
    const std::string element = running.substr(4);
    examine("org.xen.vm.uuid_" + element, "/org/xen/vm/" + element, {"destroy", "halt", "reboot", "quit"});
    auto table = documentedMembers();
    for (const auto& [interface, members] : answers)
        EXPECT_EQ(complaint(members, table[interface]), "") << interface;
    for (const auto& [interface, members] : table)
        EXPECT_EQ(complaint(answers[interface], members), "") << interface;
}

} // namespace
} // namespace xb::test
