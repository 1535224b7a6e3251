// SPDX-License-Identifier: Apache-2.0
// The rules file that is shipped: what each kind of domain may do with it, with a twin that may not.
#include "rpc-proxy/rules/lint.hpp"
#include "rpc-proxy/rules/parser.hpp"
#include "tests/unit/rpc-proxy/rules/ask.hpp"

#include <fstream>
#include <iterator>

namespace xb::proxy::rules {
namespace {

constexpr const char* xenmgr = "com.citrix.xenclient.xenmgr";
constexpr const char* db = "com.citrix.xenclient.db";
constexpr const char* bus = "org.freedesktop.DBus";
constexpr const char* introspectable = "org.freedesktop.DBus.Introspectable";
constexpr const char* properties = "org.freedesktop.DBus.Properties";

class ShippedRules : public testing::Test {
protected:
    ShippedRules() {
        std::ifstream file(RULES_SHIPPED_FILE);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        EXPECT_FALSE(text.empty());
        rules_ = rulesOf(text, "rpc-proxy.rules");
    }
    /// With a rule of the VM's besides.
    void addVmRule(std::string_view text) {
        std::vector<Rule> rules;
        for (std::size_t i = 1; i < rules_->size(); ++i)
            rules.push_back(rules_->rule(i));
        const ParseResult ofVm = parseVmRule(text, oneUuid, 0);
        ASSERT_TRUE(ofVm.ok()) << ofVm.errorText("vm");
        rules.push_back(ofVm.rules.front());
        rules_ = std::make_shared<const RuleSet>(rules);
    }

    struct Peer {
        const char* type;
        bool stubdom = false;
        Properties more = {};
    };
    struct Call {
        const char* destination;
        const char* interface;
        const char* member;
        const char* arg0 = nullptr;
    };

    bool mayCall(const Peer& peer, const Call& call) const {
        return may(peer, MessageType::methodCall, call);
    }
    bool maySignal(const Peer& peer, const Call& call) const { return may(peer, MessageType::signal, call); }

    std::shared_ptr<const RuleSet> rules_;

private:
    bool may(const Peer& peer, MessageType type, const Call& call) const {
        Asked asked;
        asked.subject = {7, oneUuid, peer.stubdom};
        asked.properties = peer.more;
        asked.properties["type"] = peer.type;
        asked.message.type = type;
        if (call.destination != nullptr)
            asked.message.destination = call.destination;
        asked.message.interface = call.interface;
        asked.message.member = call.member;
        if (call.arg0 != nullptr)
            asked.message.arg0 = call.arg0;
        return ask(rules_, asked).allowed;
    }
};

TEST_F(ShippedRules, LintFindsNothing) {
    EXPECT_EQ(lintText(*rules_, lint(*rules_)), "");
}

TEST_F(ShippedRules, NeedThreeProperties) {
    EXPECT_EQ(rules_->neededProperties(),
              (std::vector<std::string>{"domstore-read-access", "domstore-write-access", "type"}));
}

TEST_F(ShippedRules, EverybodyHasTheBusButNotItsDangerousMembers) {
    for (const Peer& peer : {Peer{"svm"}, Peer{"ndvm"}, Peer{"syncvm"}, Peer{"uivm"}, Peer{"svm", true}}) {
        for (const char* member : {"Hello", "AddMatch", "RemoveMatch", "NameHasOwner", "GetNameOwner"})
            EXPECT_TRUE(mayCall(peer, {bus, bus, member})) << peer.type << " " << member;
        for (const char* member : {"StartServiceByName", "UpdateActivationEnvironment", "ReloadConfig",
                                   "GetConnectionCredentials", "ListActivatableNames"})
            EXPECT_FALSE(mayCall(peer, {bus, bus, member})) << peer.type << " " << member;
        EXPECT_FALSE(mayCall(peer, {bus, "org.freedesktop.DBus.Monitoring", "BecomeMonitor"})) << peer.type;
        EXPECT_FALSE(mayCall(peer, {bus, "org.freedesktop.DBus.Debug.Stats", "GetStats"})) << peer.type;
        EXPECT_FALSE(mayCall(peer, {nullptr, bus, "Hello"})) << peer.type;
    }
    EXPECT_TRUE(mayCall({"svm"}, {bus, bus, "RequestName"}));
    EXPECT_FALSE(mayCall({"svm", true}, {bus, bus, "RequestName"}));
    EXPECT_FALSE(mayCall({"svm"}, {bus, bus, "ListNames"}));
    EXPECT_TRUE(mayCall({"uivm"}, {bus, bus, "ListNames"}));
}

TEST_F(ShippedRules, GuestsHaveTheSwitcherBarDiagnosticsAndRequests) {
    const Peer guest{"svm"};
    EXPECT_TRUE(mayCall(guest, {xenmgr, properties, "Get", "com.citrix.xenclient.xenmgr.vm"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, properties, "Set", "com.citrix.xenclient.xenmgr.vm"}));
    EXPECT_TRUE(mayCall(guest, {xenmgr, xenmgr, "list_vms"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, xenmgr, "create_vm"}));
    EXPECT_TRUE(mayCall(guest, {xenmgr, xenmgr, "find_vm_by_domid"}));
    for (const char* member : {"get_db_key", "read_icon", "switch"})
        EXPECT_TRUE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.vm", member}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.vm", "start"}));
    EXPECT_TRUE(
        mayCall(guest, {"com.citrix.xenclient.input", "com.citrix.xenclient.input", "get_focus_domid"}));
    EXPECT_TRUE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.diag", "gather"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.diag", "save"}));
    EXPECT_TRUE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.guestreq", "request_attention"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, "com.citrix.xenclient.xenmgr.guestreq", "other"}));
}

// The rule is that of rpc-proxy(8).
TEST_F(ShippedRules, GuestsHaveXecWhereARuleOfTheirVmSaysSo) {
    const Peer guest{"svm"};
    const Call introspect{xenmgr, introspectable, "Introspect"};
    EXPECT_FALSE(mayCall(guest, introspect));
    EXPECT_TRUE(mayCall({"uivm"}, introspect));
    addVmRule("allow inc-method-call destination com.citrix.xenclient.xenmgr "
              "interface org.freedesktop.DBus.Introspectable member Introspect");
    EXPECT_TRUE(mayCall(guest, introspect));
    EXPECT_FALSE(mayCall(guest, {db, introspectable, "Introspect"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, xenmgr, "Introspect"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, introspectable, "Other"}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, properties, "Set", introspectable}));
    EXPECT_FALSE(mayCall(guest, {xenmgr, xenmgr, "create_vm"}));
}

TEST_F(ShippedRules, GuestAgentsTellThatTheyAreThere) {
    EXPECT_TRUE(maySignal({"svm"}, {nullptr, "com.citrix.xenclient.guest", "agent_started"}));
    EXPECT_FALSE(maySignal({"svm"}, {nullptr, xenmgr, "vm_state_changed"}));
    EXPECT_FALSE(mayCall({"svm"}, {nullptr, "com.citrix.xenclient.guest", "agent_started"}));
}

TEST_F(ShippedRules, TheDomstoreIsAsTheConfigurationSays) {
    const Peer reader{"svm", false, {{"domstore-read-access", true}, {"domstore-write-access", false}}};
    const Peer writer{"svm", false, {{"domstore-read-access", false}, {"domstore-write-access", true}}};
    for (const char* member : {"read", "read_binary", "list", "exists"}) {
        EXPECT_TRUE(mayCall(reader, {db, db, member})) << member;
        EXPECT_FALSE(mayCall(writer, {db, db, member})) << member;
        EXPECT_FALSE(mayCall({"svm"}, {db, db, member})) << member << ", access unknown";
    }
    for (const char* member : {"write", "rm"}) {
        EXPECT_TRUE(mayCall(writer, {db, db, member})) << member;
        EXPECT_FALSE(mayCall(reader, {db, db, member})) << member;
    }
    for (const char* member : {"dump", "inject"}) {
        EXPECT_FALSE(mayCall(reader, {db, db, member})) << member;
        EXPECT_FALSE(mayCall(writer, {db, db, member})) << member;
    }
}

TEST_F(ShippedRules, ServiceVmsAreToldApartByTheirType) {
    const Call network{"com.citrix.xenclient.networkdaemon", "com.citrix.xenclient.networkdaemon",
                       "ndvm_status"};
    EXPECT_TRUE(mayCall({"ndvm"}, network));
    EXPECT_FALSE(mayCall({"syncvm"}, network));
    EXPECT_FALSE(mayCall({"svm"}, network));
    const Call slaveUp{nullptr, "com.citrix.xenclient.networkslave.notify", "networkslave_up"};
    EXPECT_TRUE(maySignal({"ndvm"}, slaveUp));
    EXPECT_FALSE(maySignal({"svm"}, slaveUp));
    const Call addDisk{xenmgr, "com.citrix.xenclient.xenmgr.vm", "add_disk"};
    EXPECT_TRUE(mayCall({"syncvm"}, addDisk));
    EXPECT_FALSE(mayCall({"ndvm"}, addDisk));
    EXPECT_FALSE(mayCall({"syncvm"}, {xenmgr, "com.citrix.xenclient.xenmgr.vm", "delete"}));
}

// What a browser asks before its list of VMs appears, and what its wizard sends.
TEST_F(ShippedRules, TheBrowserHasWhatItNeeds) {
    const std::vector<Call> calls{
        {xenmgr, xenmgr, "list_vms"},
        {xenmgr, properties, "Get", "com.citrix.xenclient.xenmgr.vm"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.xenmgr.vm"},
        {xenmgr, properties, "Set", "com.citrix.xenclient.xenmgr.vm"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "list_nics"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "list_disks"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.vmnic"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.vmdisk"},
        {"com.citrix.xenclient.usbdaemon", "com.citrix.xenclient.usbdaemon", "list_devices"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "get_domstore_key"},
        {xenmgr, "com.citrix.xenclient.xenmgr.host", "get_seconds_from_epoch"},
        {xenmgr, "com.citrix.xenclient.xenmgr.host", "list_pci_devices"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm.pci", "list_pt_pci_devices"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm.product", "list_product_properties"},
        {"com.citrix.xenclient.networkdaemon", properties, "GetAll", "com.citrix.xenclient.network.config"},
        {"com.citrix.xenclient.networkdaemon", properties, "GetAll",
         "com.citrix.xenclient.networkdomain.config"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.xenmgr.host"},
        {xenmgr, properties, "Set", "com.citrix.xenclient.xenmgr.host"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.xenmgr.config"},
        {xenmgr, properties, "GetAll", "com.citrix.xenclient.xenmgr.config.ui"},
        {xenmgr, xenmgr, "create_vm_with_ui"},
        {xenmgr, xenmgr, "create_vhd"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "add_disk"},
        {xenmgr, "com.citrix.xenclient.vmdisk", "attach_vhd"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "set_domstore_key"},
        {xenmgr, "com.citrix.xenclient.xenmgr.vm", "add_nic"},
        {bus, bus, "AddMatch"},
        {bus, bus, "RemoveMatch"},
    };
    for (const Call& each : calls)
        EXPECT_TRUE(mayCall({"uivm"}, each)) << each.interface << " " << each.member;
    EXPECT_FALSE(mayCall({"svm"}, {xenmgr, xenmgr, "create_vm_with_ui"}));
    EXPECT_FALSE(mayCall({"uivm"}, {xenmgr, properties, "Set", "com.citrix.xenclient.xenmgr.config"}));
    EXPECT_FALSE(
        mayCall({"uivm"}, {xenmgr, "com.citrix.xenclient.xenmgr.unrestricted", "unrestricted_delete_vm"}));
    EXPECT_FALSE(mayCall({"uivm"}, {db, db, "read"}));
    // Files of dom0, of the caller's choice; what needs none of them passes.
    EXPECT_FALSE(mayCall({"uivm"}, {xenmgr, "com.citrix.xenclient.xenmgr.vm", "suspend_to_file"}));
    EXPECT_FALSE(mayCall({"uivm"}, {xenmgr, "com.citrix.xenclient.xenmgr.vm", "resume_from_file"}));
    EXPECT_TRUE(mayCall({"uivm"}, {xenmgr, "com.citrix.xenclient.xenmgr.vm", "sleep"}));
}

TEST_F(ShippedRules, StubDomainsTalkToTheirManagers) {
    const Peer stub{"svm", true};
    const Call surfman{"com.citrix.xenclient.surfman", "com.citrix.xenclient.surfman", "anything"};
    EXPECT_TRUE(mayCall(stub, surfman));
    EXPECT_FALSE(mayCall({"svm"}, surfman));
    EXPECT_TRUE(mayCall(stub, {xenmgr, xenmgr, "find_vm_by_domid"}));
    EXPECT_FALSE(
        mayCall(stub, {"com.citrix.xenclient.input", "com.citrix.xenclient.input", "get_focus_domid"}));
    EXPECT_FALSE(maySignal(stub, {nullptr, "com.citrix.xenclient.guest", "agent_started"}));
}

} // namespace
} // namespace xb::proxy::rules
