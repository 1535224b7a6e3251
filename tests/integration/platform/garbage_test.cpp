// SPDX-License-Identifier: Apache-2.0
// Every method and property of every daemon, called with values of the right type and no sense, with wrong
// types, and under names that do not exist: each call is answered, the daemon foresaw it, and serves on.
#include "garbage.hpp"
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/uuid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace xb::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint32_t seed = 20260;
constexpr int rounds = 3;
constexpr std::chrono::seconds longestAnswer{10};

constexpr auto propertiesInterface = "org.freedesktop.DBus.Properties";

// What is not called, and why.
const std::map<std::string, std::string> excluded{
    {"org.xenbroker.xenvm.quit", "the monitor would end, as it should"},
    {"com.citrix.xenclient.xenmgr.vm.delete", "the objects that are called after it would be gone"},
};

// An answer that says that there was none.
bool isNoAnswer(const std::string& error) {
    const std::set<std::string> names{errors::noReply, errors::timeout, errors::disconnected,
                                      errors::serviceUnknown, errors::nameHasNoOwner};
    return names.contains(error);
}

class GarbageTest : public testing::Test {
protected:
    // The name of the error that a call is answered with, or "none".
    std::string errorOf(Message call) {
        text.clear();
        std::string name = "none";
        const std::string what = call.interface() + "." + call.member();
        const auto start = std::chrono::steady_clock::now();
        try {
            platform.await(platform.bus().call(std::move(call), patience));
        } catch (const Error& e) {
            text = e.what();
            name = e.name();
        }
        EXPECT_LT(std::chrono::steady_clock::now() - start, longestAnswer) << what;
        return name;
    }

    Message callOf(const std::string& service, const ServedMember& method) {
        return platform.bus().newCall(service, method.path, method.interface, method.name);
    }
    Message setOf(const std::string& service, const ServedMember& property) {
        Message call = platform.bus().newCall(service, property.path, propertiesInterface, "Set");
        call << property.interface << property.name;
        return call;
    }

    // For the message of an expectation: whom a call was for, and what the last one was answered.
    std::string label(const ServedMember& member) const {
        return member.path + " " + member.interface + "." + member.name + ": " + text;
    }

    void callEverything(const std::string& service, const Served& served, Garbage& garbage) {
        for (const auto& method : served.methods) {
            if (excluded.contains(method.interface + "." + method.name))
                continue;
            for (int round = 0; round < rounds; ++round) {
                Message call = callOf(service, method);
                garbage.append(call, method.signature);
                const std::string error = errorOf(call);
                const bool ofTheGuest = text.starts_with("VM "); // which was given no time
                EXPECT_TRUE(!isNoAnswer(error) || ofTheGuest) << label(method) << ", round " << round;
            }
        }
    }

    void setEverything(const std::string& service, const Served& served, Garbage& garbage) {
        for (const auto& property : served.properties) {
            for (int round = 0; round < rounds; ++round) {
                Message call = setOf(service, property);
                call.openVariant(property.signature);
                garbage.append(call, property.signature);
                call.closeVariant();
                const std::string error = errorOf(call);
                EXPECT_FALSE(isNoAnswer(error)) << label(property) << ", round " << round;
                EXPECT_EQ(error == errors::propertyReadOnly, !property.writable) << label(property);
            }
            Message get = platform.bus().newCall(service, property.path, propertiesInterface, "Get");
            get << property.interface << property.name;
            EXPECT_FALSE(isNoAnswer(errorOf(get))) << label(property);
        }
    }

    void callWithWrongTypes(const std::string& service, const Served& served, Garbage& garbage) {
        for (const auto& method : served.methods) {
            if (excluded.contains(method.interface + "." + method.name))
                continue;
            Message call = callOf(service, method);
            garbage.append(call, garbage.otherThan(method.signature));
            EXPECT_THAT(errorOf(call), AnyOf(errors::invalidArgs, errors::notSupported)) << label(method);
        }
        for (const auto& property : served.properties) {
            if (!property.writable)
                continue;
            Message call = setOf(service, property);
            const std::string other = property.signature == "s" ? "i" : "s";
            call.openVariant(other);
            garbage.append(call, other);
            call.closeVariant();
            EXPECT_THAT(errorOf(call), AnyOf(errors::invalidArgs, errors::notSupported)) << label(property);
            Message bare = setOf(service, property);
            garbage.append(bare, property.signature); // not in a variant
            EXPECT_EQ(errorOf(bare), errors::invalidArgs) << label(property);
        }
    }

    void callWhatIsNotThere(const std::string& service, const Served& served, Garbage& garbage) {
        std::set<std::pair<std::string, std::string>> interfaces;
        for (const auto* members : {&served.methods, &served.properties})
            for (const auto& member : *members)
                interfaces.emplace(member.path, member.interface);
        for (const auto& [path, interface] : interfaces) {
            Message call = platform.bus().newCall(service, path, interface, "no_such_member");
            garbage.append(call, "v");
            EXPECT_EQ(errorOf(call), errors::unknownMethod) << path << " " << interface;
            Message get = platform.bus().newCall(service, path, propertiesInterface, "Get");
            get << interface << std::string("no-such-property");
            EXPECT_EQ(errorOf(get), errors::unknownProperty) << path << " " << interface;
            ServedMember missing{path, interface, "no-such-property", "", true};
            Message set = setOf(service, missing);
            garbage.append(set, "v");
            EXPECT_EQ(errorOf(set), errors::unknownProperty) << path << " " << interface;
        }
        for (const auto& path : served.paths) {
            EXPECT_EQ(errorOf(getAll(service, path, "org.example.none")), errors::unknownInterface) << path;
            const std::string below = (path == "/" ? "" : path) + "/no_such_object";
            EXPECT_EQ(errorOf(getAll(service, below, "")), errors::unknownObject) << below;
        }
    }
    Message getAll(const std::string& service, const std::string& path, const std::string& interface) {
        Message call = platform.bus().newCall(service, path, propertiesInterface, "GetAll");
        call << interface;
        return call;
    }

    // All of it, then that the daemon lives and was never surprised.
    void harass(const std::string& service, const Served& served, std::vector<std::string> hints) {
        ASSERT_FALSE(served.methods.empty());
        Garbage garbage(seed, std::move(hints));
        callWhatIsNotThere(service, served, garbage);
        callWithWrongTypes(service, served, garbage);
        setEverything(service, served, garbage);
        callEverything(service, served, garbage);
    }
    static void expectUnsurprised(Process& daemon) {
        EXPECT_TRUE(daemon.running());
        // What an exception that is no xb::Error is logged as.
        EXPECT_THAT(daemon.messages(), Not(HasSubstr(": unexpected:")));
    }

    Platform platform;
    std::string text; // of the last error
};

TEST_F(GarbageTest, TheDatabaseAnswersAllOfIt) {
    const std::string service = "com.citrix.xenclient.db";
    const std::string path = platform.createVm();
    const Served served = platform.await(Served::ask(platform.bus(), service));
    harass(service, served,
           {"/vm", "/vm/" + uuidFromPathElement(path.substr(4)), "/vm/x/config/disk", "/db-version"});
    expectUnsurprised(platform.dbd());
    platform.await(platform.db().write("/a/b", "c"));
    EXPECT_EQ(platform.await(platform.db().read("/a/b")), "c");
    // xenmgr followed all that.
    expectUnsurprised(platform.xenmgr());
    EXPECT_NO_THROW(platform.await(platform.manager().listVms()));
    platform.dbd().signal(SIGTERM);
    EXPECT_EQ(platform.dbd().waitEnd(), 0) << platform.dbd().messages();
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read("/a/b")), "c") << "what was saved must load";
}

TEST_F(GarbageTest, TheManagerAnswersAllOfIt) {
    const std::string service = "com.citrix.xenclient.xenmgr";
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).addDisk());
    platform.await(platform.vm(path).addNic());
    const Served served = platform.await(Served::ask(platform.bus(), service));
    EXPECT_THAT(served.paths, testing::IsSupersetOf({std::string("/"), std::string("/host"), path,
                                                     path + "/disk/1", path + "/nic/0"}));
    harass(service, served, {uuidFromPathElement(path.substr(4)), "new-vm-linux", "config.memory", "pvh"});
    expectUnsurprised(platform.xenmgr());
    expectUnsurprised(platform.dbd());
    const std::string another =
        platform.await(platform.manager().createVmWithTemplateAndJson("new-vm-linux", R"({"slot":"0"})"));
    EXPECT_EQ(platform.state(another), "stopped");
}

TEST_F(GarbageTest, TheMonitorAnswersAllOfIt) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    const std::string element = path.substr(4);
    const std::string service = "org.xen.vm.uuid_" + element;
    const pid_t monitor = platform.monitorOf(path);
    const Served served = platform.await(Served::ask(platform.bus(), service));
    EXPECT_THAT(served.paths, testing::Contains("/org/xen/vm/" + element));
    harass(service, served, {"name", "memory", "disk", "kernel", "required-to-boot-kib"});
    EXPECT_EQ(platform.monitorOf(path), monitor) << "the monitor died";
    platform.await(platform.vm(path).destroy());
    ASSERT_TRUE(platform.waitForState(path, "stopped"));
    platform.await(platform.vm(path).start());
    EXPECT_TRUE(platform.waitForState(path, "running"));
    platform.await(platform.vm(path).destroy());
}

} // namespace
} // namespace xb::test
