#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the bench's dom0: prepares a bridge and disks for xen-libxl-smoke and runs it with the arguments given. What
# the program cannot see itself is checked here: that nothing of the guests is left.
#   run-in-dom0 -t 600 -o OVERLAY smoke_in_dom0.sh    with OVERLAY/usr/local/bin/xen-libxl-smoke
# shellcheck source=SCRIPTDIR/../../xen/lib.sh
. /bench/lib.sh
make_bridge xenbr0 10.9.0.1/24
make_disk /storage/disks/pv.img 8 "text on the disk of pv"
make_disk /storage/disks/pvh.img 8 "text on the disk of pvh"
t0
if xen-libxl-smoke --scale "$scale" "$@"; then ok "xen-libxl-smoke"; else fail "xen-libxl-smoke" "status $?"; fi
if [ $# = 0 ]; then
    for type in pv pvh; do
        equal "dom0 sees what $type wrote" \
            "$(dd if=/storage/disks/$type.img bs=512 skip=1 count=1 status=none | tr -d '\0')" WRITTEN
    done
fi
equal "no loop device left" "$(losetup -a)" ""
equal "no domain left" "$(xl list | awk 'NR > 2')" ""
equal "no vif left" "$(find /sys/class/net -name "vif*")" ""
equal "no device model left" "$(pgrep -l qemu)" ""
equal "no userdata left" "$(find /var/lib/xen -name '*userdata*' ! -name '*.d.0.*' ! -name '*-0.0000*')" ""
summary
