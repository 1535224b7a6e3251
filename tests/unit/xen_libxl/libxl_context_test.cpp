// SPDX-License-Identifier: Apache-2.0
// "This is not Xen": said with what is missing, from a made-up root directory and from this machine if it has
// no Xen.
#include "tests/unit/xen_libxl/run_task.hpp"
#include "xen/libxl/libxl_context.hpp"
#include "xen/libxl/libxl_hypervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace xb::xen {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WhyNotOnXen : public testing::Test {
protected:
    WhyNotOnXen() {
        auto pattern = (fs::temp_directory_path() / "whyNotOnXen.XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("no temporary directory");
        root = pattern;
    }
    ~WhyNotOnXen() override { fs::remove_all(root); }

    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((root / file).parent_path());
        std::ofstream(root / file) << text;
    }

    fs::path root;
};

TEST_F(WhyNotOnXen, NotBootedByXen) {
    EXPECT_THAT(whyNotOnXen(root), HasSubstr("dev/xen/privcmd"));
    EXPECT_THAT(whyNotOnXen(root), HasSubstr("was not booted by Xen"));
}

TEST_F(WhyNotOnXen, WithoutTheDevice) {
    write("sys/hypervisor/type", "xen\n");
    EXPECT_THAT(whyNotOnXen(root), HasSubstr("is the module xen-privcmd loaded?"));
}

TEST_F(WhyNotOnXen, WithoutXenfs) {
    write("dev/xen/privcmd", "");
    EXPECT_THAT(whyNotOnXen(root), HasSubstr("proc/xen/capabilities cannot be read"));
}

TEST_F(WhyNotOnXen, AGuest) {
    write("dev/xen/privcmd", "");
    write("proc/xen/capabilities", "\n");
    EXPECT_THAT(whyNotOnXen(root), HasSubstr("lacks control_d"));
}

TEST_F(WhyNotOnXen, DeviceThatCannotBeOpened) {
    // Root may open whatever exists: a link to itself stands for "not allowed".
    fs::create_directories(root / "dev/xen");
    fs::create_symlink("privcmd", root / "dev/xen/privcmd");
    EXPECT_THAT(whyNotOnXen(root),
                HasSubstr("cannot be opened: Too many levels of symbolic links (is this root?)"));
}

TEST_F(WhyNotOnXen, ControlDomain) {
    write("dev/xen/privcmd", "");
    write("proc/xen/capabilities", "control_d\n");
    EXPECT_EQ(whyNotOnXen(root), "");
}

TEST(OpenLibxl, SaysWhatIsMissing) {
    if (fs::exists("/dev/xen/privcmd"))
        GTEST_SKIP() << "this machine has Xen";
    Loop loop;
    try {
        openLibxl(loop.executor());
        FAIL() << "opened without Xen";
    } catch (const NotOnXen& e) {
        EXPECT_THAT(e.what(), HasSubstr("not a Xen control domain: there is no /dev/xen/privcmd"));
    }
}

// libxl's own words reach the error.
TEST(LibxlContext, QuotesLibxl) {
    if (fs::exists("/dev/xen/privcmd"))
        GTEST_SKIP() << "this machine has Xen";
    try {
        LibxlContext context;
        context.get();
        FAIL() << "a context without Xen";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr("cannot open libxc handle"));
        EXPECT_THAT(e.what(), HasSubstr("ERROR_FAIL"));
    }
}

} // namespace
} // namespace xb::xen
