// SPDX-License-Identifier: Apache-2.0
// Translation of a DomainConfig into libxl's own description of a domain. Needs no Xen and no libxl context.
//
// A setting that a type of domain does not have is refused when the guest would miss something it was
// promised (a device: serial, sound, USB, VNC, device model arguments), and ignored when it only tunes what
// that type does not have (boot order, BIOS, PAE, NX, HPET, viridian, nested HVM, video memory for PV and
// PVH; HAP for PV).
#pragma once

#include "xen/domain_config.hpp"
#include "xen/libxl/libxl_headers.hpp"

namespace xb::xen {

/// Owns a libxl_domain_config and everything that it points to.
class LibxlDomainConfig {
public:
    LibxlDomainConfig() { libxl_domain_config_init(&value); }
    LibxlDomainConfig(const LibxlDomainConfig&) = delete;
    LibxlDomainConfig& operator=(const LibxlDomainConfig&) = delete;
    ~LibxlDomainConfig() { libxl_domain_config_dispose(&value); }

    libxl_domain_config value;
};

/// Fills the empty `to` in from `from`. Throws xb::Error (InvalidArgs) naming the domain, the setting and
/// what is wrong with it; `to` may only be destroyed then.
void translate(const DomainConfig& from, LibxlDomainConfig& to);

/// One device of the domain `config`, of which only name and type are used; as above.
void translateDisk(const DomainConfig& config, const DiskConfig& from, libxl_device_disk& to);
void translateNic(const DomainConfig& config, const NicConfig& from, libxl_device_nic& to);
void translatePciDevice(const DomainConfig& config, const PciConfig& from, libxl_device_pci& to);

} // namespace xb::xen
