// SPDX-License-Identifier: Apache-2.0
// Every property of a VM that can be set reaches its monitor, is refused at a start, is xenmgr's own, or is
// in docs/not-supported.md.
#include "manager_world.hpp"
#include "tests/support/documented.hpp"

#include "xenmgr/start_checks.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_properties.hpp"
#include "xenmgr/xenvm_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr::test {
namespace {

constexpr auto uuid = "11111111-2222-4333-8444-000000000001";
constexpr auto base =
    R"({"name":"web","type":"svm","slot":"1","stubdom":"true","config":{"virt-type":"hvm","memory":"64","sound":"ac97",
    "pci":{"1":{"bdf":"0000:02:00.0"}},
    "nic":{"0":{"id":"0","network":"br0","mac":"00:16:3e:00:00:01"},
           "1":{"id":"1","network":"br0","mac":"00:16:3e:00:00:02","wireless-driver":"true"}},
    "disk":{"0":{"path":"/iso","type":"file","mode":"r","device":"hdc","devtype":"cdrom"}}}})";

/// xenmgr acts on them; tests of their own show how.
const std::set<std::string> ownOfXenmgr{"crypto-user",
                                        "hibernated",
                                        "keep-alive",
                                        "native-experience",
                                        "policy-modify-vm-settings",
                                        "slot",
                                        "type",
                                        "provides-default-network-backend"};

/// Texts that mean something where any word would not.
const std::map<std::string, std::string, std::less<>> words{
    {"virt-type", "pvh"},   {"display", "vnc"},
    {"bios", "ovmf"},       {"kernel", "/iso"},
    {"initrd", "/iso"},     {"cd", "other"},
    {"extra-xenvm", "a=1"}, {"timer-mode", "no_missed_ticks_pending"}};

class NotSupportedTest : public testing::Test {
protected:
    NotSupportedTest() {
        world.tree.file("/iso", "x");
        world.tree.file("/storage/isos/other", "x");
        world.vms.add(uuid, vm);
    }
    PropertyContent other(const VmProperty& property) {
        if (property.name == "gpu") // its setter refuses already
            world.await(world.db.write(std::string(vm->node()) + "/gpu", "x"));
        switch (property.type) {
        case VmProperty::Type::boolean:
            return !std::get<bool>(readVmProperty(world.context, *vm, property));
        case VmProperty::Type::integer: // no processors are one
            return std::get<int>(readVmProperty(world.context, *vm, property)) + 2;
        default: {
            const auto word = words.find(property.name);
            return word == words.end() ? std::string("word") : word->second;
        }
        }
    }
    // What xenvm makes something of.
    static std::string withEffect(const std::string& config) {
        static const auto ignored = xb::test::documented(NOT_SUPPORTED, "xenvm-ignored");
        std::istringstream lines(config);
        std::string result;
        std::string line;
        while (std::getline(lines, line))
            if (!ignored.contains(line.substr(0, line.find(' '))))
                result += line + "\n";
        return result;
    }
    std::string outcome() {
        const std::string refusal = ManagerWorld::failure([&] { checkBeforeStart(world.context, uuid); });
        return refusal == "no error" ? withEffect(xenvmConfig(world.context, uuid)) : refusal;
    }

    ManagerWorld world;
    std::shared_ptr<Vm> vm = std::make_shared<Vm>(world.context, uuid);
};

TEST_F(NotSupportedTest, TheDocumentListsThePropertiesThatAreRefusedAndThoseWithoutEffect) {
    std::set<std::string> refused;
    std::set<std::string> stored;
    for (const VmProperty& property : vmProperties()) {
        const std::string name(property.name);
        SCOPED_TRACE(name);
        const bool canBeSet =
            property.write || (!property.path.empty() && !property.read && !property.readLater);
        if (ownOfXenmgr.contains(name) || !(canBeSet || !property.path.empty()))
            continue;
        world.await(world.db.inject(vmNode(uuid), base));
        const std::string before = outcome();
        ASSERT_EQ(before.find('|'), std::string::npos) << before;
        const PropertyContent value = other(property);
        if (name != "gpu")
            world.await(writeVmProperty(world.context, vm, property, value));
        const std::string after = outcome();
        if (after.find("NotSupported|") != std::string::npos)
            refused.insert(name);
        else if (after == before)
            stored.insert(name);
        world.signals.seen.clear();
    }
    EXPECT_EQ(xb::test::complaint(refused, xb::test::documented(NOT_SUPPORTED, "start-refused")), "");
    EXPECT_EQ(xb::test::complaint(stored, xb::test::documented(NOT_SUPPORTED, "stored")), "");
}

} // namespace
} // namespace xb::xenmgr::test
