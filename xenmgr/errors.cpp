// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/errors.hpp"

#include "idl/xenvm_client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace xb::xenmgr {

namespace {

const char* textOf(Code code) {
    switch (code) {
    case Code::notEnoughMemory:
        return "Not enough memory!";
    case Code::badState:
        return "The VM is in the wrong state";
    case Code::didNotShutDown:
        return "The VM did not shut down";
    case Code::alreadyCreated:
        return "The VM is created already";
    case Code::missingCapability:
        return "The host lacks a capability that the VM needs";
    case Code::failed:
        return "The operation failed";
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
    case Code::missingPvAddons:
        return "Performing this action requires PV addons installed inside VM";
    case Code::suppressedByPolicy:
        return "Action suppressed by active policy settings";
    case Code::noSuchNic:
        return "No such NIC";
    case Code::io:
        return "IO error";
    case Code::didNotWake:
        return "Failed to resume vm from sleep";
    case Code::didNotSleep:
        return "Timeout waiting for guest to enter sleep state";
    case Code::didNotHibernate:
        return "Timeout waiting for guest to enter hibernated state";
    case Code::pciDeviceTaken:
        return "Device is currently being passed through to another VM";
    case Code::networkBackendNotRunning:
        return "Network backend domain is not running";
    case Code::unsupportedLanguage:
        return "Unsupported language";
    case Code::noSuchFile:
        return "Supplied file doesn't exist";
    }
    return "Unknown error";
}

struct Named {
    std::string_view name;
    Code code;
};

namespace monitor = idl::xenvm::errorNames;

constexpr std::array failuresOfMonitors{
    Named{monitor::notEnoughMemory, Code::notEnoughMemory},
    Named{monitor::badState, Code::badState},
    Named{monitor::didNotShutDown, Code::didNotShutDown},
    Named{monitor::alreadyCreated, Code::alreadyCreated},
    Named{monitor::missingCapability, Code::missingCapability},
    Named{monitor::noPvDriver, Code::missingPvAddons},
};

bool hasCode(std::string_view text) {
    constexpr std::size_t digits = 3;
    return text.size() > digits && text[digits] == ':' &&
           std::ranges::all_of(text.substr(0, digits), [](unsigned char c) { return std::isdigit(c) != 0; });
}

} // namespace

Error coded(Code code, const std::string& detail) {
    std::string text = std::to_string(static_cast<int>(code)) + ":" + textOf(code);
    if (!detail.empty())
        text += code == Code::io ? ": " + detail : " (" + detail + ")";
    return Error(text);
}

Error operationError(const std::string& what, const Error& failure) {
    if (hasCode(failure.what()))
        return Error(failure.what());
    const std::string text = what + ": " + failure.what();
    for (const char* name : {errors::notSupported, errors::invalidArgs, errors::timeout})
        if (failure.name() == name)
            return Error(name, text);
    const auto known = std::ranges::find(failuresOfMonitors, failure.name(), &Named::name);
    return coded(known == failuresOfMonitors.end() ? Code::failed : known->code, text);
}

Error notSupported(const std::string& what) {
    return Error(errors::notSupported, what + " is not supported yet by this version of xenmgr");
}

} // namespace xb::xenmgr
