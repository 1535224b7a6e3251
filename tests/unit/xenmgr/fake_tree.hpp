// SPDX-License-Identifier: Apache-2.0
// A directory that stands for the / of a made-up machine.
#pragma once

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/files.hpp"

#include <string>

namespace xb::xenmgr::test {

class FakeTree {
public:
    const std::filesystem::path& root() const { return directory_.path(); }

    void file(const std::string& path, const std::string& text) {
        const auto place = below(root(), path);
        makeDirectories(place.parent_path());
        writeFileAtomically(place, text);
    }
    /// A symbolic link to a path of the tree, which need not exist.
    void link(const std::string& path, const std::string& target) {
        const auto place = below(root(), path);
        makeDirectories(place.parent_path());
        std::filesystem::create_symlink(below(root(), target), place);
    }
    void pci(const std::string& address, const std::string& classCode, const std::string& vendor,
             const std::string& device, bool bootVga = false) {
        const std::string directory = "/sys/bus/pci/devices/" + address;
        file(directory + "/class", classCode + "\n");
        file(directory + "/vendor", vendor + "\n");
        file(directory + "/device", device + "\n");
        if (bootVga)
            file(directory + "/boot_vga", "1\n");
    }
    /// An Ethernet adapter; `device` is empty for one without hardware.
    void adapter(const std::string& name, const std::string& mac, const std::string& device) {
        const std::string directory = "/sys/class/net/" + name;
        file(directory + "/type", "1\n");
        file(directory + "/address", mac + "\n");
        if (!device.empty())
            link(directory + "/device", device);
    }

private:
    xb::test::TemporaryDirectory directory_;
};

} // namespace xb::xenmgr::test
