// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/errors.hpp"

namespace xb::xenmgr {

namespace {

const char* textOf(Code code) {
    switch (code) {
    case Code::notEnoughMemory:
        return "Not enough memory!";
    case Code::internal:
        return "Internal error";
    case Code::policyForbidsEdit:
        return "Editing of properties is disabled by this VM's active policy";
    case Code::cannotRemoveRunning:
        return "Cannot remove running VM";
    case Code::tooManyVms:
        return "Too many VMS";
    case Code::noSuchDisk:
        return "No such disk";
    case Code::incorrectDiskType:
        return "Incorrect disk type";
    case Code::suppressedByPolicy:
        return "Action suppressed by active policy settings";
    case Code::noSuchNic:
        return "No such NIC";
    case Code::io:
        return "IO error";
    case Code::networkBackendNotRunning:
        return "Network backend domain is not running";
    case Code::unsupportedLanguage:
        return "Unsupported language";
    case Code::noSuchFile:
        return "Supplied file doesn't exist";
    }
    return "Unknown error";
}

} // namespace

Error coded(Code code, const std::string& detail) {
    std::string text = std::to_string(static_cast<int>(code)) + ":" + textOf(code);
    if (!detail.empty())
        text += code == Code::io ? ": " + detail : " (" + detail + ")";
    return Error(text);
}

Error notSupported(const std::string& what) {
    return Error(errors::notSupported, what + " is not supported yet by this version of xenmgr");
}

} // namespace xb::xenmgr
