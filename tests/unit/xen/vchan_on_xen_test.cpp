// SPDX-License-Identifier: Apache-2.0
// What keeps one domain out of another one's ring on Xen, beside the permissions in xenstore that the
// contract tests try: the hypervisor, which knows whom pages are granted to and whom an event channel is for.
// The numbers of both are told to the wrong domain here.
#include "tests/unit/xen/vchan_fixture.hpp"

namespace xb::xen::test {

class VchanOnXen : public VchanContract {
protected:
    /// Waits until it has a value.
    std::string valueOf(const std::string& path) {
        bool changed = false;
        const auto watch =
            await(hypervisor().store().watch(path, [&](const std::string&) { changed = true; }));
        for (;;) {
            const auto value = node(path);
            if (value != "(none)")
                return value;
            runUntil([&] { return changed; }, path + " to appear");
            changed = false;
        }
    }
};

TEST_F(VchanOnXen, WhoKnowsTheNumbersOfAnotherOnesRingCannotOpenIt) {
    const auto listener = listen(testPort, {});
    const auto one = startPeer();
    const auto other = startPeer();
    const auto path = fmt::format("/local/domain/0/data/vchan/{}/{}/listen", one->domid, testPort);
    const auto event = valueOf(path + "/event-channel"); // written last
    const auto attempt = fmt::format("map {} {}", valueOf(path + "/ring-ref"), event);
    EXPECT_EQ(tell(*other, attempt), "grant refused, event channel refused");
    EXPECT_EQ(tell(*one, attempt), "grant taken, event channel taken"); // the numbers are right
}

} // namespace xb::xen::test
