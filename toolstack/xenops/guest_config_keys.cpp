// SPDX-License-Identifier: Apache-2.0
// Keys of xl's and xm's files that xenops knows and does nothing about.
#include "toolstack/xenops/guest_config.hpp"

namespace xb::xenops {

const std::vector<std::string_view>& keysWithoutEffect() {
    static const std::vector<std::string_view> keys{"on_poweroff",  "on_reboot",     "on_watchdog",
                                                    "on_crash",     "on_soft_reset", "restart",
                                                    "device_model", "shadow_memory"};
    return keys;
}

const std::vector<std::string_view>& refusedKeys() {
    static const std::vector<std::string_view> keys{"access_control",
                                                    "bootloader_args",
                                                    "firmware",
                                                    "cpuid",
                                                    "vkb",
                                                    "vtpm",
                                                    "vusb",
                                                    "p9",
                                                    "pvcalls",
                                                    "channel",
                                                    "dtdev",
                                                    "vdispl",
                                                    "vsnd",
                                                    "vscsi",
                                                    "vnuma",
                                                    "nodes",
                                                    "irqs",
                                                    "ioports",
                                                    "iomem",
                                                    "gfx_passthru",
                                                    "rdm",
                                                    "rdm_mem_boundary",
                                                    "altp2m",
                                                    "altp2mhvm",
                                                    "driver_domain",
                                                    "device_model_override",
                                                    "device_model_user",
                                                    "init_seclabel",
                                                    "sdl",
                                                    "opengl",
                                                    "spice",
                                                    "acpi_firmware",
                                                    "smbios_firmware",
                                                    "ms_vm_genid",
                                                    "xend_suspend_evtchn_compat",
                                                    "tsc_mode",
                                                    "vuart",
                                                    "passthrough",
                                                    "pool",
                                                    "max_grant_frames",
                                                    "max_maptrack_frames"};
    return keys;
}

} // namespace xb::xenops
