// SPDX-License-Identifier: Apache-2.0
// Where rpc-proxy has a user of its own, xenmgr hears its connections only if they stand for somebody. This
// test's user plays that user.
#include "platform.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <pwd.h>

namespace xb::test {
namespace {

class XenmgrProxyUser : public testing::Test {
protected:
    XenmgrProxyUser() {
        platform.endXenmgr();
        const passwd* const us = ::getpwuid(::getuid());
        platform.startXenmgr({"--proxy-user", us != nullptr ? us->pw_name : ""});
    }
    /// The error of a call of somebody new, who owns this name; empty: none.
    std::string errorOfCaller(const std::string& name) {
        Bus caller(platform.loop(), platform.address());
        if (!name.empty())
            caller.requestName(name);
        idl::xenmgr::XenmgrClient manager(caller, "com.citrix.xenclient.xenmgr", "/");
        try {
            platform.await(manager.listVms());
            return "none";
        } catch (const Error& e) {
            return e.name();
        }
    }

    Platform platform;
};

TEST_F(XenmgrProxyUser, IsRefusedWithoutAName) {
    EXPECT_EQ(errorOfCaller(""), errors::accessDenied);
    EXPECT_EQ(errorOfCaller("com.citrix.xenclient.guest.uuid_x"), errors::accessDenied);
}

TEST_F(XenmgrProxyUser, IsHeardForGuestsAndItself) {
    EXPECT_EQ(errorOfCaller("com.citrix.xenclient.guest.domid_0.c1_0"), "none");
    EXPECT_EQ(errorOfCaller("com.citrix.xenclient.guest.domid_7.c1_1"), "none");
}

TEST_F(XenmgrProxyUser, ThatDoesNotExistChangesNothing) {
    platform.endXenmgr();
    platform.startXenmgr({"--proxy-user", "no-such-user"});
    EXPECT_EQ(errorOfCaller(""), "none");
}

} // namespace
} // namespace xb::test
