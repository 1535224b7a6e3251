// SPDX-License-Identifier: Apache-2.0
// The configuration file's grammar, key by key: defaults, types, bounds, and what is complained about with
// which line.
#include "toolstack/xenvm/config_parser.hpp"

#include <gtest/gtest.h>

#include <random>

namespace xb::xenvm {
namespace {

struct Row {
    const char* key;
    const char* defaultText; ///< what get says of an absent key
    std::vector<const char*> good;
    std::vector<const char*> bad;
};

// Every key of the grammar. The first good value is not the default.
const Row rows[]{
    {"uuid", "", {"0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a"}, {"", "x", "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7"}},
    {"name", "", {"win 7", ""}, {}},
    {"startup",
     "",
     {"start", "paused", "poweroff", "restore /a b", "restore-del /x"},
     {"", "x", "restore", "start /x"}},
    {"debug", "false", {"true", "false"}, {"1", "yes", ""}},
    {"output", "", {"/tmp/x"}, {}},
    {"no_mem_check", "false", {"true", "false"}, {"1", "no"}},
    {"notify",
     "none",
     {"dbus", "dbus,/x", "unix,/run/s", "tcp,host:1", "none"},
     {"", "unix", "tcp6,a:1", "tcp,host"}},
    {"on_halt", "destroy", {"restart", "preserve", "destroy"}, {"reboot", ""}},
    {"on_restart", "restart", {"destroy", "preserve", "restart"}, {"reboot"}},
    {"on_crash", "destroy", {"restart", "preserve"}, {"x"}},
    {"hvm", "false", {"true"}, {"hvm", "", "2"}},
    {"type", "", {"pv", "pvh", "hvm", ""}, {"HVM", "x"}},
    {"hap", "true", {"false"}, {"x"}},
    {"kernel", "", {"/boot/k"}, {}},
    {"initrd", "", {"/boot/i", ""}, {}},
    {"cmdline", "", {"root=/dev/xvda a=b # c"}, {}},
    {"bios", "", {"ovmf", "seabios", ""}, {"x"}},
    {"memory", "", {"512", "1"}, {"0", "-1", "1.5", "99999999999", "999999999999999999999"}},
    {"memory-max", "", {"1024", ""}, {"0", "x"}},
    {"extra-maxmem", "0", {"-4"}, {"x", ""}},
    {"vcpus", "1", {"4"}, {"0", "513", "x"}},
    {"cores-per-socket", "", {"2", ""}, {"0"}},
    {"pae", "false", {"true"}, {"x"}},
    {"apic", "false", {"true"}, {"x"}},
    {"acpi", "false", {"true"}, {"x"}},
    {"nx", "false", {"true"}, {"x"}},
    {"acpi-pt", "false", {"true"}, {"x"}},
    {"smbios-pt", "false", {"true"}, {"x"}},
    {"smbios-oem-types-pt", "", {"129,130", ""}, {"256", "a", "1,"}},
    {"diskinfo-pt", "false", {"true"}, {"x"}},
    {"viridian", "false", {"true"}, {"x"}},
    {"nested", "false", {"true"}, {"x"}},
    {"xci-cpuid-signature", "false", {"true"}, {"x"}},
    {"timer-mode", "", {"1", ""}, {"4", "x"}},
    {"hpet", "", {"0", "1", ""}, {"2"}},
    {"vpt-align", "", {"1", ""}, {"2"}},
    {"time-offset", "0", {"-3600", ""}, {"x", "9999999999"}},
    {"boot", "cd", {"dc", "n", ""}, {"x", "cdncd"}},
    {"videoram", "0", {"16", ""}, {"-1", "x"}},
    {"display", "none", {"vnc", "vnc:port=1,keymap=de", "sdl", "sdl:x", "intel:x", "none"}, {"", "gtk"}},
    {"serial", "", {"pty", "none"}, {}},
    {"sound", "", {"ac97", ""}, {}},
    {"usb", "true", {"false"}, {"x"}},
    {"vsnd", "false", {"true"}, {"x"}},
    {"vkbd", "false", {"true"}, {"x"}},
    {"vfb", "false", {"true"}, {"x"}},
    {"v4v", "false", {"true"}, {"x"}},
    {"qemu-pv", "true", {"false"}, {"x"}},
    {"qemu-dm-path", "", {"/usr/bin/qemu"}, {}},
    {"qemu-dm-timeout", "30", {"5"}, {"x", "-1"}},
    {"cdrom-pt", "", {"/dev/sr0", ""}, {}},
    {"power-management", "0", {"2"}, {"x", "-1"}},
    {"oem-features", "0", {"1"}, {"x"}},
    {"inject-sci", "0", {"1"}, {"x"}},
    {"flask-label", "", {"system_u:system_r:domU_t", ""}, {}},
    {"stubdom", "", {"0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a", ""}, {"true"}},
    {"stubdom-memory", "128", {"64"}, {"0"}},
    {"stubdom-kernel", "/usr/lib/xen/boot/stubdomain-bzImage", {"/k"}, {}},
    {"stubdom-initrd", "/usr/lib/xen/boot/stubdomain-initramfs", {"/i"}, {}},
    {"stubdom-cmdline", "init=/init xen_blkfront.max=8", {"x"}, {}},
    {"vtpm-backend", "0", {"1"}, {"x"}},
    {"vtpm-instance", "", {"3", ""}, {"-1"}},
    {"pci-msitranslate", "1", {"0"}, {"2"}},
    {"pci-power-management", "1", {"0"}, {"x"}},
    {"pci-script", "", {"/s", ""}, {}},
    {"xci-service", "false", {"true"}, {"x"}},
    {"disable-migrate", "false", {"true"}, {"x"}},
    // lists
    {"localtime", "false", {"true"}, {"x"}},
    {"cpu-weight", "", {"1", "65535", ""}, {"0", "65536", "x"}},
    {"cpu-cap", "", {"0", "150", ""}, {"-1", "65536"}},
    {"cpus-affinity", "", {"0:1,2"}, {"", "0", "a:1", "0:x", "0:5000"}},
    {"cpuid",
     "",
     {"1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx", "0x80000001+0:edx=00000000000000000000000000000001"},
     {"", "1", "1:ecx=0xff", "1:exx=xxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx",
      "x:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx"}},
    {"extra-hvm", "", {"std-vga", "vga=std"}, {"", "=x"}},
    {"platform", "", {"restrictdisplayres=1", "x"}, {"", "=1"}},
    {"passthrough-io", "", {"0x60-0x64", "1-1"}, {"", "5", "5-1", "-", "a-b"}},
    {"passthrough-mmio", "", {"0xa0000-0xbffff"}, {"x"}},
    {"extra-local-watch", "", {"power-state", "a/b"}, {"", "/abs", "a//b", "a/", "a b"}},
    {"extra-vm-watch", "", {"rtc/timeoffset"}, {"/x"}},
    {"disk",
     "",
     {"/a.vhd:vhd:hda:w:disk:", ":file:hdc:r:cdrom:none"},
     {"", "file:/a:xvda:w:disk", "/a:phy:floppy:w:disk:"}},
    {"nic", "", {"id=0,bridge=xenbr0", ""}, {"id=32", "x", "wireless=maybe"}},
    {"vif", "", {"id=0"}, {"id=-1"}},
    {"pci",
     "",
     {"0,bind,0000:00:02.0,msitranslate=0"},
     {"", "0", "0,02.0", "x,0000:00:02.0", "0,0000:00:02.8"}},
};

TEST(ConfigParser, everyKeyHasItsDefaultItsValuesAndItsBounds) {
    for (const Row& row : rows) {
        EXPECT_EQ(getKey(Config(), row.key), row.defaultText) << row.key;
        for (const char* value : row.good) {
            Config config;
            EXPECT_EQ(setKey(config, row.key, value), "") << row.key << " = " << value;
            if (value == row.good.front()) {
                EXPECT_EQ(getKey(config, row.key), value);
            }
        }
        for (const char* value : row.bad) {
            Config config;
            EXPECT_NE(setKey(config, row.key, value), "") << row.key << " = " << value;
            EXPECT_EQ(getKey(config, row.key), row.defaultText)
                << row.key << " = " << value << " changed something";
        }
    }
}

TEST(ConfigParser, booleansHaveManyWords) {
    for (const char* word : {"1", "y", "yes", "true", "YES", "True"}) {
        Config config;
        EXPECT_EQ(setKey(config, "hvm", word), "");
        EXPECT_TRUE(config.hvm) << word;
    }
    for (const char* word : {"0", "n", "no", "false", "No", "FALSE"}) {
        Config config;
        EXPECT_EQ(setKey(config, "hap", word), "");
        EXPECT_FALSE(config.hap) << word;
    }
}

TEST(ConfigParser, readsLinesAsTheGrammarSays) {
    const auto parsed = parseConfig("# a comment\n"
                                    "\n"
                                    "  memory\t=  512  \r\n"
                                    "this line has no sign of equality\n"
                                    "cmdline = root=/dev/xvda ro  x=\"1\"\n"
                                    "name=\n"
                                    "disk = /b:file:xvdb:w:disk:\n"
                                    "disk = /a:file:xvda:r:disk:\n"
                                    "#memory = 3\n"
                                    "vcpus = 2\n"
                                    "vcpus = 3");
    EXPECT_TRUE(parsed.errors.empty()) << describe(parsed.errors, "f");
    EXPECT_EQ(parsed.config.memory, 512);
    EXPECT_EQ(parsed.config.cmdline, "root=/dev/xvda ro  x=\"1\"");
    EXPECT_FALSE(parsed.config.name);
    ASSERT_EQ(parsed.config.disks.size(), 2U);
    EXPECT_EQ(parsed.config.disks[0].device, "xvdb");
    EXPECT_EQ(parsed.config.disks[1].device, "xvda");
    EXPECT_EQ(parsed.config.vcpus, 3);
}

TEST(ConfigParser, namesFileLineAndReasonOfEachError) {
    const auto parsed = parseConfig("memory = 512\n"
                                    "colour = red\n"
                                    "vcpus = many\n"
                                    "disk = nonsense\n"
                                    "hvm = true\n");
    ASSERT_EQ(parsed.errors.size(), 3U);
    const std::string text = describe(parsed.errors, "/run/vm.cfg");
    EXPECT_NE(text.find("/run/vm.cfg:2: the key \"colour\" is not known"), std::string::npos) << text;
    EXPECT_NE(text.find("/run/vm.cfg:3: vcpus = \"many\" is not a number"), std::string::npos) << text;
    EXPECT_NE(text.find("/run/vm.cfg:4: "), std::string::npos) << text;
    EXPECT_FALSE(parsed.errors[0].device);
    EXPECT_TRUE(parsed.errors[2].device) << "a lost disk must be told from a lost comfort";
    EXPECT_EQ(parsed.config.memory, 512);
    EXPECT_TRUE(parsed.config.hvm) << "the lines around an error count";
}

TEST(ConfigParser, refusesControlCharactersAndBrokenUtf8) {
    using namespace std::string_literals;
    for (const std::string& value : {"a\0b"s, "a\x01"s, "\x7f"s, "\xff"s, "\xc0\xaf"s, "\xed\xa0\x80"s,
                                     "\xf4\x90\x80\x80"s, "\xe2\x82"s})
        EXPECT_EQ(parseConfig("name = x" + value + "\n").errors.size(), 1U) << testing::PrintToString(value);
    EXPECT_TRUE(parseConfig("name = Bücher €\U0001f600\n").errors.empty());
}

TEST(ConfigParser, isBounded) {
    EXPECT_EQ(parseConfig(std::string(maxConfigBytes + 1, '\n')).errors.size(), 1U);
    EXPECT_TRUE(parseConfig(std::string(maxConfigBytes, '\n')).errors.empty());

    std::string wrong;
    for (int i = 0; i < 1000; ++i)
        wrong += "x = y\n";
    const auto flooded = parseConfig(wrong + "disk = lost\n");
    EXPECT_EQ(flooded.errors.size(), maxConfigErrors);
    EXPECT_NE(flooded.errors.back().text.find("951 more"), std::string::npos) << flooded.errors.back().text;
    EXPECT_TRUE(flooded.errors.back().device);

    std::string nics;
    for (std::size_t i = 0; i <= maxListEntries; ++i)
        nics += "nic =\n";
    const auto many = parseConfig(nics);
    EXPECT_EQ(many.config.nics.size(), maxListEntries);
    EXPECT_EQ(many.errors.size(), 1U);
    EXPECT_EQ(parseConfig("cmdline = " + std::string(17 * 1024, 'x')).errors.size(), 1U);
}

TEST(ConfigParser, replacesListsAsAWholeOrNotAtAll) {
    Config config;
    ASSERT_EQ(replaceKey(config, "platform", "a=1\nb=2"), "");
    ASSERT_EQ(replaceKey(config, "platform", "c=3\nd"), "");
    EXPECT_EQ(getKey(config, "platform"), "c=3\nd");
    EXPECT_NE(replaceKey(config, "disk", "/a:file:xvda:w:disk:\nnonsense"), "");
    EXPECT_TRUE(config.disks.empty());
    EXPECT_NE(replaceKey(config, "name", "a\nb"), "");
    ASSERT_EQ(replaceKey(config, "platform", ""), "");
    EXPECT_TRUE(config.platform.empty());
    EXPECT_NE(replaceKey(config, "no-such-key", "1"), "");
    EXPECT_FALSE(getKey(config, "no-such-key"));
}

// Damaged files in great number: whatever comes out, the parser stays within bounds and never throws.
TEST(ConfigParser, survivesDamagedFiles) {
    std::string text;
    for (const Row& row : rows) {
        for (const char* value : row.good)
            text += std::string(row.key) + " = " + value + "\n";
    }
    EXPECT_TRUE(parseConfig(text).errors.empty()) << describe(parseConfig(text).errors, "all");
    std::mt19937 random(20240607); // the same damage in every run
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = text.substr(random() % text.size(), random() % 400);
        for (int i = 0; i < 8 && !damaged.empty(); ++i)
            damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
        const auto parsed = parseConfig(damaged);
        EXPECT_LE(parsed.errors.size(), maxConfigErrors);
    }
}

} // namespace
} // namespace xb::xenvm
