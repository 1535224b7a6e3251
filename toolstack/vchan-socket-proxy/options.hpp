// SPDX-License-Identifier: Apache-2.0
// The command line of vchan-socket-proxy, which is that of Xen's program of this name, and more.
#pragma once

#include "toolstack/libs/options.hpp"
#include "toolstack/vchan-socket-proxy/qmp_filter.hpp"
#include "xen/hypervisor.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace xb::vchan_proxy {

struct Options {
    CommonOptions common; ///< those of logging
    bool verbose = false;
    std::string mode = "client"; ///< client or server
    std::string statePath;
    xen::DomId domid = 0;
    std::string node;
    std::string socket; ///< a file, or the number of a descriptor
    std::string qmpFilter = "auto";
    std::vector<std::string> commands; ///< allowed besides the default ones
    std::vector<std::string> events;
    std::size_t messageBytes = QmpLimits().messageBytes;
    std::size_t ringBytes = 4096;
    unsigned connectSeconds = 60;
    xen::HypervisorOptions hypervisor;
    xen::DomId emulatedDomain = 0;

    bool isServer() const { return mode == "server"; }
    /// A descriptor that was inherited in place of a file; -1: it is a file.
    int descriptor() const;
    /// Whether QMP is spoken and filtered.
    bool filters() const;
    QmpRules qmpRules() const;
};

void addOptions(CLI::App& app, Options& options);

} // namespace xb::vchan_proxy
