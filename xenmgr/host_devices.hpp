// SPDX-License-Identifier: Apache-2.0
// The lists of devices that the object /host answers with: an entry per device, the keys as the interface's
// XML says. Every function takes the directory that stands for /, reads files there (so: not on the loop),
// and answers with an empty list where there is no such hardware.
#pragma once

#include "toolstack/libs/message.hpp"
#include "xenmgr/host_pci.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenmgr {

/// addr, name, class, vendor-id, device-id; numbers as 0x and four upper-case digits.
std::vector<StringMap> pciDeviceEntries(const std::filesystem::path& root, PciNames& names);
/// addr and name of the boot display and, where the flavour lets VMs have them, of the others; the placement
/// is for the caller to add, who knows the configuration.
std::vector<StringMap> gpuEntries(const std::filesystem::path& root, PciNames& names);
/// udi and block-device of every disk that is hardware (no loop, memory or mapped device, no CD).
std::vector<StringMap> diskDeviceEntries(const std::filesystem::path& root);
/// id, name and usb-id of every CD drive; the owner is for the caller to add.
std::vector<StringMap> cdDeviceEntries(const std::filesystem::path& root);

enum class SoundDirection { playback, capture };
/// id (cc-dd), name and card (an id of soundCardEntries).
std::vector<StringMap> soundDeviceEntries(const std::filesystem::path& root, SoundDirection direction);
/// The same from the text of /proc/asound/pcm.
std::vector<StringMap> parseSoundDevices(std::string_view pcm, SoundDirection direction);
/// id (number of the card) and name.
std::vector<StringMap> soundCardEntries(const std::filesystem::path& root);
/// The same from the text of /proc/asound/cards.
std::vector<StringMap> parseSoundCards(std::string_view cards);
/// Whether `text` is cc-dd, two decimal numbers of two digits.
bool isSoundDeviceId(std::string_view text);

/// Names of the CD images in `directory` (of the configuration, taken below root) but the one that stands for
/// an empty drive.
std::vector<std::string> isoNames(const std::filesystem::path& root, const std::string& directory);
/// Entries below the plug-in directory of the user interface. Throws xb::Error (AccessDenied) for a
/// subdirectory that leads out of it, by .. or by a symbolic link.
std::vector<std::string> uiPluginNames(const std::filesystem::path& root, const std::string& subdirectory);

} // namespace xb::xenmgr
