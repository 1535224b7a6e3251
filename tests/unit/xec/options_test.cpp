// SPDX-License-Identifier: Apache-2.0
// Option parsing: from the left, up to the first word that is none; first wins; nothing is dropped silently.
#include "toolstack/xec/options.hpp"

#include <gtest/gtest.h>

namespace xb::xec {
namespace {

using namespace std::chrono_literals;

TEST(XecOptions, StopAtTheFirstWordThatIsNone) {
    const Options options =
        parseXecOptions({"-s", "com.citrix.xenclient.input", "switch-focus", "-1", "false", "-o", "/x"});
    EXPECT_EQ(options.service, "com.citrix.xenclient.input");
    EXPECT_FALSE(options.object);
    EXPECT_EQ(options.positional, (Words{"switch-focus", "-1", "false", "-o", "/x"}));
    EXPECT_EQ(parseXecOptions({"-1", "-q"}).positional, (Words{"-1", "-q"}));
    EXPECT_EQ(parseXecOptions({"--object=/x"}).positional, (Words{"--object=/x"}));
    EXPECT_EQ(parseXecOptions({"-o/x"}).positional, (Words{"-o/x"}));
}

TEST(XecOptions, KnowEveryForm) {
    const Options options = parseXecOptions(
        {"--query", "--session", "--object", "/a", "--interface", "i", "--get", "p", "-x", "n", "v",
         "--list-interfaces", "--list-methods", "--list-properties", "--bus", "unix:path=/b", "-h"});
    EXPECT_TRUE(options.query && options.session && options.help);
    EXPECT_TRUE(options.listInterfaces && options.listMethods && options.listProperties);
    EXPECT_EQ(options.object, "/a");
    EXPECT_EQ(options.interface, "i");
    EXPECT_EQ(options.get, "p");
    EXPECT_EQ(options.set, std::pair(std::string("n"), std::string("v")));
    EXPECT_EQ(options.bus, "unix:path=/b");
    EXPECT_TRUE(options.positional.empty());
}

TEST(XecOptions, TheFirstOfRepeatedOnesWins) {
    EXPECT_EQ(parseXecOptions({"-o", "/a", "--object", "/b"}).object, "/a");
}

TEST(XecOptions, AMissingValueIsAnError) {
    for (const Words& words :
         {Words{"-g"}, Words{"-q", "--service"}, Words{"-x", "name"}, Words{"--set"}, Words{"--bus"}})
        EXPECT_THROW(parseXecOptions(words), UsageError) << words.back();
    EXPECT_EQ(parseXecOptions({"-o", "-q"}).object, "-q");
}

TEST(XecOptions, JsonAndTimeout) {
    EXPECT_EQ(parseXecOptions({"--json", "pretty"}).json, JsonStyle::compact);
    EXPECT_EQ(parseXecOptions({"--json=pretty"}).json, JsonStyle::pretty);
    EXPECT_THROW(parseXecOptions({"--json=yaml"}), UsageError);
    EXPECT_EQ(parseXecOptions({"--timeout", "1.5"}).timeout, 1500ms);
    EXPECT_EQ(parseXecOptions({"--timeout=2"}).timeout, 2s);
    for (const char* bad : {"0", "-1", "x", "", "1s", "nan", "inf", "1e3", "99999999999"})
        EXPECT_THROW(parseXecOptions({"--timeout", bad}), UsageError) << bad;
}

TEST(XecOptions, TargetDomainIsANumber) {
    EXPECT_EQ(parseXecOptions({"-t", "0"}).targetDomain, "0");
    EXPECT_EQ(parseXecOptions({"-t", "-1"}).targetDomain, std::nullopt) << "our own";
    EXPECT_EQ(parseXecOptions({"-t", "-1", "-t", "3"}).targetDomain, std::nullopt) << "the first counts";
    EXPECT_EQ(parseXecOptions({"-t", "2", "-t", "-1"}).targetDomain, "2");
    for (const char* bad : {"x", "", "-", "--1", "1.5", "99999999999"})
        EXPECT_THROW(parseXecOptions({"-t", bad}), UsageError) << bad;
}

TEST(VmOptions, SelectorsAreOptionsOnly) {
    const VmOptions options = parseVmOptions({"-q", "-n", "web", "set", "name", "-n", "x"});
    EXPECT_EQ(options.name, "web");
    EXPECT_EQ(options.positional, (Words{"set", "name", "-n", "x"}));
    EXPECT_TRUE(options.hasSelector() && options.hasAction());
    EXPECT_EQ(parseVmOptions({"--path", "/vm/1"}).object, "/vm/1");
    EXPECT_EQ(parseVmOptions({"-o", "/vm/2", "--path", "/vm/1"}).object, "/vm/2");
    EXPECT_EQ(parseVmOptions({"--domid", "5", "-k", "1"}).disk, "1");
    EXPECT_FALSE(parseVmOptions({"-q", "--json"}).hasAction());
    EXPECT_THROW(parseVmOptions({"-n"}), UsageError);
}

TEST(VmOptions, WaitMayHaveALimit) {
    ASSERT_TRUE(parseVmOptions({"--wait", "start"}).wait);
    EXPECT_FALSE(parseVmOptions({"--wait", "start"}).wait->limit);
    EXPECT_EQ(parseVmOptions({"--wait=30", "start"}).wait->limit, 30s);
    EXPECT_THROW(parseVmOptions({"--wait=soon"}), UsageError);
    EXPECT_EQ(parseXecOptions({"--wait"}).positional, (Words{"--wait"})); // xec has none
}

} // namespace
} // namespace xb::xec
