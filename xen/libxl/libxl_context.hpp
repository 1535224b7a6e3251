// SPDX-License-Identifier: Apache-2.0
// A connection to libxl with its log, and how libxl's failures become errors. One thread uses a context at a
// time, for one operation at a time.
#pragma once

#include "toolstack/libs/error.hpp"
#include "xen/domain_config.hpp"
#include "xen/libxl/libxl_headers.hpp"
#include "xen/libxl/libxl_log.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace xb::xen {

/// libxl's INVALID_DOMID, which is an int there.
inline constexpr auto invalidDomid = static_cast<std::uint32_t>(INVALID_DOMID);

/// "domain 7"
std::string domainText(DomId domid);

/// The error for a failed libxl call: "<what> failed: <libxl's lines> (libxl error -3, ERROR_FAIL)".
Error libxlError(const std::string& what, int code, const LibxlLog& log);

/// "" when the machine under `root` looks like Xen's control domain to us; otherwise what is missing.
std::string whyNotOnXen(const std::filesystem::path& root = "/");

class LibxlContext {
public:
    LibxlContext() = default;

    /// The context; opened at first use. Throws xb::Error with libxl's reason when that fails.
    libxl_ctx* get();
    LibxlLog& log() { return log_; }
    /// libxenctrl, for the few calls that libxl lacks; opened at first use, as above.
    xc_interface* control();

    /// Throws the libxlError for a code below 0.
    void check(const std::string& what, int code) const {
        if (code < 0)
            throw libxlError(what, code, log_);
    }

private:
    struct Free {
        void operator()(libxl_ctx* context) const { libxl_ctx_free(context); }
        void operator()(xc_interface* control) const { xc_interface_close(control); }
    };
    LibxlLog log_;
    std::unique_ptr<libxl_ctx, Free> context_;
    std::unique_ptr<xc_interface, Free> control_;
};

} // namespace xb::xen
