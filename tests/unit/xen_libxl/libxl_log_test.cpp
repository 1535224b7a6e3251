// SPDX-License-Identifier: Apache-2.0
// What an error quotes of libxl's messages.
#include "xen/libxl/libxl_context.hpp"
#include "xen/libxl/libxl_log.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace xb::xen {
namespace {

TEST(LibxlLog, KeepsErrorsOnlyAndWithoutFileNames) {
    LibxlLog log;
    xtl_log(log.logger(), XTL_DEBUG, -1, "libxl", "libxl_create.c:1:f: nothing of interest");
    xtl_log(log.logger(), XTL_WARN, -1, "libxl", "a warning");
    EXPECT_EQ(log.complaints(), "");
    xtl_log(log.logger(), XTL_ERROR, -1, "libxl", "%s",
            "libxl_device.c:1109:device_backend_callback: Domain 3:no");
    xtl_log(log.logger(), XTL_ERROR, ENOENT, "xc", "cannot open %s.c: /x: y", "file");
    EXPECT_EQ(log.complaints(), "Domain 3:no; cannot open file.c: /x: y: No such file or directory");
    log.clear();
    EXPECT_EQ(log.complaints(), "");
    xtl_log(log.logger(), XTL_ERROR, -1, "xc", "%s", "panic: xg_dom_core.c:205: failed to open file '/x'");
    EXPECT_EQ(log.complaints(), "failed to open file '/x'");
}

TEST(LibxlLog, KeepsTheFirstAndTheLast) {
    LibxlLog log;
    for (int i = 0; i < 10; ++i)
        xtl_log(log.logger(), XTL_ERROR, -1, "libxl", "line %d", i);
    EXPECT_EQ(log.complaints(), "line 0; line 1; line 2; line 9");
}

TEST(LibxlLog, CutsLongLines) {
    LibxlLog log;
    const std::string text(10 * LibxlLog::keptCharacters, 'x');
    xtl_log(log.logger(), XTL_ERROR, -1, nullptr, "%s", text.c_str());
    EXPECT_EQ(log.complaints(), text.substr(0, LibxlLog::keptCharacters) + "...");
}

TEST(LibxlError, NamesOperationReasonAndCode) {
    LibxlLog log;
    EXPECT_STREQ(libxlError("pausing domain 7", ERROR_DOMAIN_NOTFOUND, log).what(),
                 "pausing domain 7 failed: libxl gave no reason (libxl error -21, ERROR_DOMAIN_NOTFOUND)");
    xtl_log(log.logger(), XTL_ERROR, -1, "libxl", "it is gone");
    const auto error = libxlError("pausing domain 7", ERROR_FAIL, log);
    EXPECT_STREQ(error.what(), "pausing domain 7 failed: it is gone (libxl error -3, ERROR_FAIL)");
    EXPECT_EQ(error.name(), errors::failed);
    EXPECT_STREQ(libxlError("x", -1000, log).what(), "x failed: it is gone (libxl error -1000, unknown)");
}

} // namespace
} // namespace xb::xen
