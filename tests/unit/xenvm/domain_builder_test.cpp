// SPDX-License-Identifier: Apache-2.0
// From a configuration to the hypervisor layer's description: units, paths, types, bridges, and what is
// refused.
#include "toolstack/xenvm/domain_builder.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/config_parser.hpp"
#include "toolstack/xenvm/nics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string uuid = "10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11";

Translation translate(const std::string& text, const MachineFacts& machine = {"/", {"br0", "br1"}}) {
    auto parsed = parseConfig(text);
    EXPECT_TRUE(parsed.errors.empty()) << describe(parsed.errors, "test");
    EXPECT_EQ(assignNics(parsed.config, uuid), "");
    return toDomainConfig(parsed.config, uuid, machine);
}

std::string refusal(const std::string& text) {
    try {
        translate(text);
    } catch (const Error& e) {
        return e.what();
    }
    return "not refused";
}

const std::string pv = "memory = 64\nkernel = /boot/k\n";

const std::string hvm = "memory = 64\nhvm = true\n";

TEST(DomainBuilder, stubDomain) {
    EXPECT_FALSE(translate(hvm).domain.stubDomain.wanted);
    const auto plain = translate(hvm + "device-model-version = qemu-xen\nstubdom = " + uuid + "\n").domain;
    EXPECT_TRUE(plain.stubDomain.wanted);
    EXPECT_EQ(plain.stubDomain.kernel, "/usr/lib/xen/boot/stubdomain-bzImage");
    EXPECT_EQ(plain.stubDomain.ramdisk, "/usr/lib/xen/boot/stubdomain-initramfs");
    EXPECT_EQ(plain.stubDomain.cmdline, "init=/init xen_blkfront.max=8");
    EXPECT_EQ(plain.stubDomain.memoryKib, 128U * 1024);
    const auto own = translate(hvm + "stubdom = " + uuid +
                                   "\nstubdom-memory = 96\nstubdom-kernel = /k\nstubdom-initrd =\n"
                                   "stubdom-cmdline = debug\nstubdom-flask-label = a_u:b_r:c_t\n",
                               {"/private", {}})
                         .domain;
    EXPECT_EQ(own.stubDomain,
              (xen::StubDomainConfig{true, "/private/k", "", "debug", 96U * 1024, "a_u:b_r:c_t"}));
    std::vector<std::string> files;
    for (const NeededFile& file : neededFiles(plain))
        files.push_back(file.what + " " + file.path);
    EXPECT_THAT(files, ElementsAre("kernel of the stub domain /usr/lib/xen/boot/stubdomain-bzImage",
                                   "initrd of the stub domain /usr/lib/xen/boot/stubdomain-initramfs"));
}

TEST(DomainBuilder, bootloaders) {
    const std::string disk = "disk = /d:file:xvda:w:disk:\n";
    EXPECT_EQ(translate("memory = 64\nbootloader = pygrub\n" + disk).domain.bootloader, "pygrub");
    const auto made =
        translate("memory = 64\ntype = pvh\nbootloader = /usr/bin/pygrub\nextra = quiet\n" + disk);
    EXPECT_EQ(made.domain.bootloader, "pygrub");
    EXPECT_EQ(made.domain.cmdline, "quiet");
    EXPECT_EQ(made.domain.kernel, "");
    EXPECT_THAT(refusal(pv + "bootloader = pygrub\n" + disk), HasSubstr("finds kernel and initrd"));
    EXPECT_THAT(refusal(hvm + "bootloader = pygrub\n" + disk), HasSubstr("boots by its firmware"));
    EXPECT_THAT(refusal("memory = 64\nbootloader = pygrub\n"), HasSubstr("needs a disk"));
    EXPECT_THAT(parseConfig("bootloader = /bin/sh\n").errors.at(0).text, HasSubstr("is not pygrub"));
    EXPECT_THAT(parseConfig("bootloader = xpygrub\n").errors.at(0).text, HasSubstr("is not pygrub"));
    // One that runs in the guest is a kernel like others.
    const auto inGuest = translate("memory = 64\nkernel = /usr/lib/grub-xen/grub-x86_64-xen.bin\n"
                                   "extra = (hd0,0)/boot/grub/menu.lst\n" +
                                   disk);
    EXPECT_EQ(inGuest.domain.kernel, "/usr/lib/grub-xen/grub-x86_64-xen.bin");
    EXPECT_EQ(inGuest.domain.cmdline, "(hd0,0)/boot/grub/menu.lst");
}

TEST(DomainBuilder, kernelsCommandLine) {
    EXPECT_EQ(translate(pv + "cmdline = ro\nroot = /dev/xvda1\nextra = quiet\n").domain.cmdline,
              "ro root=/dev/xvda1 quiet");
    EXPECT_THAT(refusal(hvm + "root = /dev/xvda1\n"), HasSubstr("root is for a kernel's command line"));
    EXPECT_EQ(translate(hvm + "kernel = /k\nroot = /dev/xvda1\n").domain.cmdline, "root=/dev/xvda1");
    const std::string longest(1023, 'x');
    EXPECT_EQ(translate(pv + "extra = " + longest + "\n").domain.cmdline, longest);
    EXPECT_THAT(refusal(pv + "extra = x" + longest + "\n"), HasSubstr("has 1024 bytes; a PV VM takes 1023"));
    EXPECT_EQ(translate(pv + "type = pvh\nextra = x" + longest + "\n").domain.cmdline.size(), 1024U);
}

TEST(DomainBuilder, screenAndKeyboard) {
    const auto screen = translate(pv + "vfb = true\nvkbd = true\ndisplay = vnc\n");
    EXPECT_TRUE(screen.domain.framebuffer);
    EXPECT_TRUE(screen.domain.vnc);
    EXPECT_FALSE(translate(pv + "vfb = true\n").domain.vnc) << "no open port unless it was asked for";
    EXPECT_FALSE(translate(pv + "display = vnc\n").domain.vnc) << "of nothing";
    EXPECT_TRUE(translate(hvm + "vkbd = true\n").domain.keyboard);
    EXPECT_THAT(translate(hvm + "vfb = true\n").ignored, ElementsAre("vfb"));
    EXPECT_THAT(translate(pv + "vkbd = true\n").ignored, ElementsAre("vkbd"));
}

TEST(DomainBuilder, pciDevices) {
    const auto devices = translate(hvm + "pci = 0,bind,0000:02:1f.7,msitranslate=0,guest_slot=5\n"
                                         "pci-power-management = 0\npci = 1,0001:03:00.0,power_mgmt=1\n")
                             .domain.pciDevices;
    ASSERT_EQ(devices.size(), 2U);
    EXPECT_EQ(devices[0], (xen::PciConfig{{0, 2, 0x1f, 7}, false, false, false, true, 5}));
    EXPECT_EQ(devices[1], (xen::PciConfig{{1, 3, 0, 0}, false, true, true, false, 0}));
}

TEST(DomainBuilder, usb) {
    const auto domain =
        translate(hvm + "usbdevice = tablet\nusbdevice = keyboard\nusbctrl = type=pv,version=2,ports=4\n"
                        "usbctrl =\nusbdev = hostbus=1,hostaddr=12\n")
            .domain;
    EXPECT_TRUE(domain.usb);
    EXPECT_THAT(domain.usbDevices, ElementsAre("tablet", "keyboard"));
    EXPECT_THAT(domain.usbControllers,
                ElementsAre(xen::UsbControllerConfig{"pv", 2, 4}, xen::UsbControllerConfig{"", 0, 0}));
    EXPECT_THAT(domain.hostUsbDevices, ElementsAre(xen::UsbDeviceConfig{1, 12}));
    const auto newer = translate(hvm + "usbversion = 3\n").domain;
    EXPECT_EQ(newer.usbVersion, 3U);
    EXPECT_FALSE(newer.usb) << "the new controller is there instead";
}

TEST(DomainBuilder, pvDomain) {
    const auto domain =
        translate(pv +
                  "name = web\ninitrd = /boot/i\ncmdline = ro\nvcpus = 2\nmemory-max = 128\nvideoram = 16\n"
                  "flask-label = a_u:b_r:c_t\nplatform = x=1\ntime-offset = -60\n")
            .domain;
    EXPECT_EQ(domain.uuid, uuid);
    EXPECT_EQ(domain.name, "web");
    EXPECT_EQ(domain.type, xen::DomainType::pv);
    EXPECT_EQ(domain.memoryKib, 64U * 1024);
    EXPECT_EQ(domain.maxMemoryKib, 128U * 1024);
    EXPECT_EQ(domain.videoMemoryKib, 0U);
    EXPECT_EQ(domain.vcpus, 2U);
    EXPECT_EQ(domain.kernel, "/boot/k");
    EXPECT_EQ(domain.ramdisk, "/boot/i");
    EXPECT_EQ(domain.cmdline, "ro");
    EXPECT_EQ(domain.flaskLabel, "a_u:b_r:c_t");
    EXPECT_EQ(domain.timeOffsetSeconds, -60);
    EXPECT_THAT(domain.platform, ElementsAre(std::pair("x", "1")));
}

TEST(DomainBuilder, nameAndMaximumHaveDefaults) {
    const auto domain = translate(pv).domain;
    EXPECT_EQ(domain.name, uuid);
    EXPECT_EQ(domain.maxMemoryKib, domain.memoryKib);
}

TEST(DomainBuilder, virtualisationType) {
    EXPECT_EQ(translate(pv + "hvm = true\n").domain.type, xen::DomainType::hvm);
    EXPECT_EQ(translate(pv + "type = pvh\nhvm = false\n").domain.type, xen::DomainType::pvh);
    EXPECT_EQ(translate("memory = 64\ntype = hvm\n").domain.type, xen::DomainType::hvm);
    EXPECT_THAT(refusal(pv + "type = pvh\nhvm = true\n"), HasSubstr("contradicts"));
}

TEST(DomainBuilder, hvmMachine) {
    const auto made = translate(
        "memory = 64\nhvm = true\nkernel = /usr/lib/xen/boot/hvmloader\nacpi = true\nvideoram = 16\n"
        "boot = dc\nsound = ac97\nextra-hvm = vga=std\nextra-hvm = xengfx\nhpet = 0\ndisplay = vnc\n"
        "bios = ovmf\n");
    const auto& domain = made.domain;
    EXPECT_EQ(domain.kernel, "") << "the firmware is no kernel to boot";
    EXPECT_TRUE(domain.acpi);
    EXPECT_FALSE(domain.apic);
    EXPECT_FALSE(domain.hpet);
    EXPECT_TRUE(domain.vnc);
    EXPECT_EQ(domain.videoMemoryKib, 16U * 1024);
    EXPECT_EQ(domain.bootOrder, "dc");
    EXPECT_EQ(domain.serial, "pty");
    EXPECT_EQ(domain.bios, "ovmf");
    EXPECT_THAT(domain.deviceModelArguments, ElementsAre("-vga", "std"));
    EXPECT_THAT(made.ignored, Contains("extra-hvm=xengfx"));
    EXPECT_EQ(translate("memory = 64\nhvm = true\nserial = none\n").domain.serial, "");
    EXPECT_FALSE(translate("memory = 64\nhvm = true\n").domain.vnc) << "no open port unless it was asked for";
}

TEST(DomainBuilder, disks) {
    const auto made = translate(pv + "disk = /dev/vg/a:phy:xvda:w:disk:\ndisk = /b.vhd:vhd:xvdb:r:disk:none\n"
                                     "disk = /c.iso:file:hdc:w:cdrom:\ndisk = :file:hdd:r:cdrom:\n",
                                {"/private", {}});
    const auto& disks = made.domain.disks;
    ASSERT_EQ(disks.size(), 4U);
    EXPECT_EQ(disks[0].path, "/dev/vg/a") << "devices are the machine's own";
    EXPECT_EQ(disks[0].backend, xen::DiskBackend::phy);
    EXPECT_TRUE(disks[0].writable);
    EXPECT_EQ(disks[1].path, "/private/b.vhd");
    EXPECT_EQ(disks[1].backend, xen::DiskBackend::vhd);
    EXPECT_FALSE(disks[1].writable);
    EXPECT_TRUE(disks[2].cdrom);
    EXPECT_FALSE(disks[2].writable) << "a CD is never written";
    EXPECT_EQ(disks[3].path, "");
    std::vector<std::string> files;
    for (const NeededFile& file : neededFiles(made.domain))
        files.push_back(file.what + " " + file.path + (file.writable ? " rw" : " ro"));
    EXPECT_THAT(files, ElementsAre("kernel /private/boot/k ro", "disk xvda /dev/vg/a rw",
                                   "disk xvdb /private/b.vhd ro", "disk hdc /private/c.iso ro"));
}

TEST(DomainBuilder, refusesWhatItCannotDo) {
    EXPECT_THAT(refusal("kernel = /k\n"), HasSubstr("memory"));
    EXPECT_THAT(refusal("memory = 64\n"), HasSubstr("kernel"));
    EXPECT_THAT(refusal(pv + "memory-max = 32\n"),
                HasSubstr("memory-max (32 MiB) is less than memory (64 MiB)"));
    EXPECT_THAT(refusal(pv + "stubdom = " + uuid + "\n"), HasSubstr("stubdom is for HVM VMs"));
    EXPECT_THAT(refusal(hvm + "device-model-version = qemu-xen-traditional\n"), HasSubstr("is qemu-xen"));
    EXPECT_THAT(refusal(pv + "type = pvh\npci = 0,0000:00:02.0\n"), HasSubstr("PVH"));
    EXPECT_THAT(refusal(pv + "pci = 0,0000:00:02.0\npci = 1,0000:00:02.0\n"),
                HasSubstr("two pci lines name 0000:00:02.0"));
    EXPECT_THAT(refusal(hvm + "usbdevice = tablet\nusbversion = 2\n"), HasSubstr("remove usbversion"));
    EXPECT_THAT(refusal(hvm + "usbdevice = tablet\nusb = false\n"), HasSubstr("remove usb = false"));
    EXPECT_THAT(refusal(pv + "disk = /a:vhd:xvda:w:disk:temporary\n"), HasSubstr("snapshot mode temporary"));
    EXPECT_THAT(refusal(pv + "disk = /a:vhd:xvda:w:disk::key-dir=/k\n"), HasSubstr("encrypted"));
    EXPECT_THAT(refusal(pv + "disk = /a:vdi:xvda:w:disk:\n"), HasSubstr("vdi"));
    EXPECT_THAT(refusal(pv + "disk = /a:file:xvda:w:disk:\ndisk = /b:file:xvda:w:disk:\n"),
                HasSubstr("two disks"));
}

TEST(DomainBuilder, bridges) {
    const auto bridge = [](const std::string& nic) {
        return translate(pv + "nic = " + nic + "\n").domain.nics.at(0).bridge;
    };
    EXPECT_EQ(bridge("bridge=xenbr1,network=/wired/0/bridged"), "xenbr1");
    EXPECT_EQ(bridge("network=xenbr2"), "xenbr2");
    EXPECT_EQ(bridge(""), "br0") << "the first of the machine";
    EXPECT_EQ(bridge("network=/wired/0/bridged,backend-domid=2"), "/wired/0/bridged");
    EXPECT_THAT(refusal(pv + "nic = network=/wired/0/bridged\n"), HasSubstr("/wired/0/bridged"));
    EXPECT_THROW(translate(pv + "nic =\n", {"/", {}}), Error);
}

TEST(DomainBuilder, listsWhatHasNoEffect) {
    const auto made = translate(pv + "power-management = 2\nxci-cpuid-signature = true\ninject-sci = 1\n");
    EXPECT_THAT(made.ignored, ElementsAre("xci-cpuid-signature", "power-management", "inject-sci"));
    EXPECT_TRUE(translate(pv).ignored.empty());
}

} // namespace
} // namespace xb::xenvm
