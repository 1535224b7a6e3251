// SPDX-License-Identifier: Apache-2.0
#include "database_text.hpp"

#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

namespace xb::bench {

namespace {

constexpr unsigned keysPerGroup = 20;

std::string vmName(unsigned vm) {
    return fmt::format("0be7c400-0000-4000-8000-{:012x}", vm);
}

/// `indent`: as files have it, with a line per key; else without any white space.
std::string vmJson(unsigned vm, bool indent) {
    const auto line = [indent](const char* margin) { return indent ? "\n" + std::string(margin) : ""; };
    const std::string colon = indent ? ": " : ":";
    std::string text = fmt::format("{{{}\"config\"{}{{", line("  "), colon);
    for (unsigned key = 0; key < databaseKeys; ++key) {
        const unsigned group = key / keysPerGroup, place = key % keysPerGroup;
        if (place == 0)
            text += fmt::format("{}{}\"g{:02}\"{}{{", key > 0 ? line("    ") + "}," : "", line("    "), group,
                                colon);
        text += fmt::format("{}{}\"k{:02}\"{}\"{}\"", place > 0 ? "," : "", line("      "), place, colon,
                            valueOf(vm, key));
    }
    return text + line("    ") + "}" + line("  ") + "}" + line("") + "}";
}

void writeDb(const std::filesystem::path& directory) {
    makeDirectories(directory / "vms");
    writeFileAtomically(directory / "db", "{\n  \"db-version\": \"42\"\n}\n");
}

} // namespace

std::string keyBelow(const std::string& node, unsigned vm, unsigned key) {
    return fmt::format("{}/{}/config/g{:02}/k{:02}", node, vmName(vm), key / keysPerGroup,
                       key % keysPerGroup);
}

std::string valueOf(unsigned vm, unsigned key) {
    return fmt::format("value-{}-{}-{}", vm, key / keysPerGroup, key % keysPerGroup);
}

std::string databaseJson() {
    std::string text = "{";
    for (unsigned vm = 0; vm < databaseVms; ++vm)
        text += fmt::format("{}\"{}\":{}", vm > 0 ? "," : "", vmName(vm), vmJson(vm, false));
    return text + "}";
}

void writeDatabase(const std::filesystem::path& directory) {
    writeDb(directory);
    for (unsigned vm = 0; vm < databaseVms; ++vm)
        writeFileAtomically(directory / "vms" / (vmName(vm) + ".db"), vmJson(vm, true) + "\n");
}

std::string siblingsJson(unsigned count) {
    std::string text = "{";
    for (unsigned i = 0; i < count; ++i)
        text += fmt::format("{}\n  \"n{}\": \"value {}\"", i > 0 ? "," : "", i, i);
    return text + "\n}\n";
}

void writeCrowdedVm(const std::filesystem::path& directory, unsigned lines) {
    writeDb(directory);
    writeFileAtomically(directory / "vms/crowded.db", siblingsJson(lines));
}

} // namespace xb::bench
