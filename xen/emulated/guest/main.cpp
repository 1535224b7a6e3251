// SPDX-License-Identifier: Apache-2.0
// xen-guest: one emulated domain. Started by xen-emulator only, with its console as stdin and stdout.
#include "xen/emulated/guest/guest.hpp"
#include "xen/emulated/shared_layout.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>

int main(int argc, char** argv) {
    using namespace xb::xen::emulated;
    StartInfo info;
    const std::map<std::string, std::string*> options{{"--directory", &info.directory},
                                                      {"--type", &info.type},
                                                      {"--kernel", &info.kernel},
                                                      {"--ramdisk", &info.ramdisk},
                                                      {"--cmdline", &info.cmdline}};
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--domid")
            info.domid = static_cast<std::uint32_t>(std::strtoul(argv[i + 1], nullptr, 10));
        else if (const auto found = options.find(option); found != options.end())
            *found->second = argv[i + 1];
    }
    if (info.directory.empty() || info.domid == 0) {
        std::fputs("xen-guest is started by xen-emulator, not by hand\n", stderr);
        return 2;
    }
    try {
        return XB_EXIT_SHUTDOWN + Guest(info).run();
    } catch (const std::exception& e) {
        std::printf("xen-guest: panic: %s\r\n", e.what());
        std::fflush(stdout);
        return 1;
    }
}
