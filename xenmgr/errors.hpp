// SPDX-License-Identifier: Apache-2.0
// The numbered errors of xenmgr. They travel as org.freedesktop.DBus.Error.Failed with the text
// "<code>:<text>", which existing clients split at the colon; what is wrong with which thing follows in
// brackets.
#pragma once

#include "toolstack/libs/error.hpp"

#include <string>

namespace xb::xenmgr {

enum class Code {
    notEnoughMemory = 101,
    badState = 102,
    didNotShutDown = 104,
    alreadyCreated = 105,
    missingCapability = 106,
    failed = 199,
    policyForbidsEdit = 202,
    cannotRemoveRunning = 204,
    tooManyVms = 205,
    noSuchDisk = 206,
    incorrectDiskType = 207,
    missingPvAddons = 213,
    suppressedByPolicy = 220,
    noSuchNic = 222,
    io = 223,
    didNotWake = 224,
    didNotSleep = 227,
    didNotHibernate = 228,
    pciDeviceTaken = 230,
    networkBackendNotRunning = 232,
    unsupportedLanguage = 236,
    noSuchFile = 242,
};

/// The error with this code; `detail` names the thing and the reason.
Error coded(Code code, const std::string& detail = "");

/// A failure of a VM's monitor as our clients know it: its code, and `what` (start of VM ...) before its
/// text. An error that has a code, and one whose name says enough (NotSupported, InvalidArgs, Timeout), keeps
/// it.
Error operationError(const std::string& what, const Error& failure);

/// "This part of the interface is not there yet", for `what`; listed in docs/not-supported.md.
Error notSupported(const std::string& what);

} // namespace xb::xenmgr
