#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the bench's dom0: PCI devices of the emulated machine through xenops. Its random number generator is taken from
# its driver for pciback, given to a PV guest, and given back; its disk, which dom0 uses, is not taken. Where the machine has
# no IOMMU all of it is refused, and nothing is changed.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh

# device_of DRIVER: the address of the PCI device with a virtio function of this driver.
device_of() {
    local node
    for node in /sys/bus/pci/devices/*/virtio*/driver; do
        [ "$(basename "$(readlink "$node")")" = "$1" ] || continue
        basename "$(dirname "$(dirname "$node")")"
        return
    done
}
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }

# refused NAME TEXT COMMAND...: it fails, and says TEXT.
refused() {
    local name=$1 text=$2 said
    shift 2
    if said=$("$@" 2>&1); then fail "$name" "it was done: $said"; return; fi
    case $said in *"$text"*) ok "$name" ;; *) fail "$name" "$said" ;; esac
}

modprobe xen-pciback
rng=$(device_of virtio_rng)
disk=$(device_of virtio_blk)
echo "# random number generator $rng, disk $disk"
equal "before: none is assignable" "$(xenops pci-assignable-list)" ""
equal "before: the driver" "$(driver_of "$rng")" virtio-pci

mkswap /dev/vda >/dev/null && swapon /dev/vda
refused "in use: a disk that is swapped to" "its disk vda is swapped to" xenops pci-bind "$disk"
equal "in use: it has its driver" "$(driver_of "$disk")" virtio-pci
swapoff /dev/vda

if ! xl info | grep -q '^virt_caps .*directio'; then
    refused "bind: refused without an IOMMU" "it has no IOMMU" xenops pci-bind "$rng"
    equal "bind: it has its driver" "$(driver_of "$rng")" virtio-pci
    equal "bind: none is assignable" "$(xenops pci-assignable-list)" ""
    guest_config web pv disk "pci=['$rng']"
    refused "guest: refused without an IOMMU" "passthrough not supported" xenops create /root/web.cfg
    check "guest: nothing of it is left" no_domain web
    equal "guest: the device has its driver" "$(driver_of "$rng")" virtio-pci
    summary
fi

check "bind: taken from its driver" xenops pci-bind "$rng"
equal "bind: the driver" "$(driver_of "$rng")" pciback
equal "bind: assignable" "$(xenops pci-assignable-list)" "$rng"

guest_config web pv disk "pci=['$rng']"
check "guest: a PV guest with it" xenops create /root/web.cfg
equal "guest: it has it" "$(xenops pci-list web)" "$rng"
equal "guest: no longer assignable" "$(xenops pci-assignable-list)" ""
expect_text "guest: user space" "$(console_log web)" DOMU-UP 120
# The guests of the bench have no driver for it.
refused "guest: it does not let go of it" "it comes back when the domain is destroyed" xenops pci-detach web "$rng" -force
check "guest: destroyed" xenops destroy web
equal "guest: assignable again" "$(xenops pci-assignable-list)" "$rng"

check "unbind: given back" xenops pci-unbind "$rng"
equal "unbind: the driver" "$(driver_of "$rng")" virtio-pci
equal "unbind: none is assignable" "$(xenops pci-assignable-list)" ""
summary
