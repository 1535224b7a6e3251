// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/libxl_context.hpp"

#include "xen/hypervisor.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace xb::xen {

namespace {

// libxl reaps its own children and no others; ours are waited for by pidfd. The hooks must outlive every
// context.
const libxl_childproc_hooks childHooks = {libxl_sigchld_owner_libxl_always_selective_reap, nullptr, nullptr};

} // namespace

std::string domainText(DomId domid) {
    return fmt::format("domain {}", domid);
}

Error libxlError(const std::string& what, int code, const LibxlLog& log) {
    // libxl has its names in lower case and without the ERROR_ that its documentation knows them by.
    const char* known = libxl_error_to_string(static_cast<libxl_error>(code));
    std::string name = known ? "ERROR_" : "unknown";
    for (const char* letter = known; letter && *letter; ++letter)
        name += static_cast<char>(std::toupper(static_cast<unsigned char>(*letter)));
    const auto reason = log.complaints();
    return Error(code == ERROR_NOMEM ? notEnoughMemoryError : errors::failed,
                 fmt::format("{} failed: {} (libxl error {}, {})", what,
                             reason.empty() ? "libxl gave no reason" : reason, code, name));
}

std::string whyNotOnXen(const std::filesystem::path& root) {
    // libxencall opens it for every hypercall.
    const auto device = root / "dev/xen/privcmd";
    if (::access(device.c_str(), R_OK | W_OK) != 0) {
        const int reason = errno;
        if (reason != ENOENT)
            return fmt::format("{} cannot be opened: {} (is this root?)", device.string(),
                               std::generic_category().message(reason));
        std::ifstream type(root / "sys/hypervisor/type");
        std::string hypervisor;
        type >> hypervisor;
        if (hypervisor == "xen")
            return fmt::format(
                "the kernel runs on Xen but there is no {} (is the module xen-privcmd loaded?)",
                device.string());
        return fmt::format("there is no {}, and {} does not say xen: the kernel was not booted by Xen",
                           device.string(), (root / "sys/hypervisor/type").string());
    }
    const auto file = root / "proc/xen/capabilities";
    std::ifstream capabilities(file);
    std::string line;
    std::getline(capabilities, line);
    if (line.find("control_d") == std::string::npos)
        return fmt::format("{} {}: this is not Xen's control domain, or xenfs is not mounted", file.string(),
                           capabilities.is_open() ? "lacks control_d" : "cannot be read");
    return {};
}

libxl_ctx* LibxlContext::get() {
    if (!context_) {
        libxl_ctx* context = nullptr;
        const int code = libxl_ctx_alloc(&context, LIBXL_VERSION, 0, log_.logger());
        if (code != 0)
            throw libxlError("connecting to Xen (does xenstored run?)", code, log_);
        context_.reset(context);
        libxl_childproc_setmode(context, &childHooks, nullptr);
    }
    return context_.get();
}

xc_interface* LibxlContext::control() {
    if (!control_) {
        control_.reset(xc_interface_open(log_.logger(), log_.logger(), 0));
        if (!control_)
            throw systemError("opening the hypercall interface", errno);
    }
    return control_.get();
}

} // namespace xb::xen
