// SPDX-License-Identifier: Apache-2.0
#include "vm_files.hpp"

#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

namespace xb::bench {

namespace {

constexpr const char* vmText = R"({{
  "uuid": "{0}",
  "seamless-id": "{0}",
  "name": "bench-{1}",
  "description": "VM {1} of a measurement",
  "type": "svm",
  "slot": "0",
  "os": "linux",
  "image_path": "images/vms/001_ComputerBlue_h32bit_120x120.png",
  "ui-selectable": "true",
  "start_on_boot": "false",
  "start_on_boot_priority": "{2}",
  "keep-alive": "false",
  "time-offset": "0",
  "policies": {{
    "modify-vm-settings": "true",
    "cd-access": "true"
  }},
  "config": {{
    "notify": "dbus",
    "virt-type": "pvh",
    "pae": "true",
    "acpi": "true",
    "apic": "true",
    "viridian": "false",
    "hap": "true",
    "nx": "true",
    "memory": "1024",
    "vcpus": "2",
    "display": "none",
    "boot": "cd",
    "kernel": "/kernel",
    "cmdline": "console=hvc0",
    "flask-label": "system_u:system_r:hvm_guest_t",
    "disk": {{
      "0": {{
        "path": "/storage/isos/null.iso",
        "type": "file",
        "mode": "r",
        "device": "hdc",
        "devtype": "cdrom"
      }},
      "1": {{
        "path": "/storage/disks/{0}.raw",
        "type": "file",
        "mode": "w",
        "device": "xvda",
        "devtype": "disk"
      }}
    }},
    "nic": {{
      "0": {{
        "id": "0",
        "network": "/wired/0/bridged",
        "enabled": "true"
      }}
    }}
  }}
}}
)";

} // namespace

void writeVmFiles(const std::filesystem::path& directory, unsigned count) {
    makeDirectories(directory / "vms");
    for (unsigned i = 1; i <= count; ++i) {
        const std::string uuid = fmt::format("0be7c400-0000-4000-8000-{:012x}", i);
        writeFileAtomically(directory / "vms" / (uuid + ".db"), fmt::format(vmText, uuid, i, i % 10));
    }
}

} // namespace xb::bench
