// SPDX-License-Identifier: Apache-2.0
// The bash completions, run in a real bash against the private bus.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

namespace xb::test {
namespace {

class Completion : public ToolTest {
protected:
    Completion() {
        xenmgr.addVm("00000000-0000-0000-0000-0000000000a1", "alpha", 12, "running");
        xenmgr.addVm("00000000-0000-0000-0000-0000000000b2", "alpha two", -1, "stopped");
    }

    // What bash would offer for the last of `words`.
    std::string complete(const Words& words) {
        std::string list;
        for (const std::string& word : words)
            list += " '" + word + "'";
        const Result result = shell("source '" XEC_COMPLETIONS "/" + words[0] + "'; COMP_WORDS=(" + list +
                                    "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _xec " + words[0] +
                                    "; for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done");
        EXPECT_EQ(result.err, "");
        return result.out;
    }

    FakeXenmgr xenmgr{bus};
};

TEST_F(Completion, OffersVmNames) {
    EXPECT_EQ(complete({"xec-vm", "-n", "al"}), "alpha\nalpha\\ two\n");
    EXPECT_EQ(complete({"xec-vm", "-n", "alpha\\ "}), "alpha\\ two\n");
    EXPECT_EQ(complete({"xec-vm", "--domid", ""}), "12\n");
    EXPECT_EQ(xecVm({"--completion-names"}).out, "alpha\nalpha two\n");
}

TEST_F(Completion, OffersMembersOfTheSelectedObject) {
    EXPECT_EQ(complete({"xec-vm", "-n", "alpha", "st"}), "start\n");
    EXPECT_EQ(complete({"xec-vm", "-n", "alpha\\ two", "get", "sta"}), "state\n");
    EXPECT_EQ(complete({"xec-vm", "-n", "alpha", "co"}), "console\n");
    EXPECT_EQ(complete({"xec", "list-v"}), "list-vms\n");
    EXPECT_EQ(complete({"xec", "-o", "/host", "list"}), "list-cd-devices\n");
    EXPECT_EQ(complete({"xec", "get", "auto"}), "autolock-cd-drives\n");
    EXPECT_EQ(complete({"xec", "-s", "com.citrix"}), "com.citrix.xenclient.xenmgr\n");
}

TEST_F(Completion, OffersOptions) {
    EXPECT_EQ(complete({"xec", "--list-m"}), "--list-methods\n");
    EXPECT_EQ(complete({"xec-vm", "--list-d"}), "--list-disks\n");
    EXPECT_EQ(complete({"xec-vm", "-n", "alpha", "start", "--"}), "--wait\n");
}

TEST_F(Completion, IsSilentWithoutABus) {
    daemon.stop();
    EXPECT_EQ(complete({"xec-vm", "-n", "al"}), "");
    EXPECT_EQ(complete({"xec", "list-v"}), "");
}

} // namespace
} // namespace xb::test
