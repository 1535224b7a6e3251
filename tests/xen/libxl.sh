#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the bench's dom0: the hypervisor layer on libxl, without the rest of the platform. xen-libxl-smoke drives PV,
# PVH and HVM guests, xen-contract-test is what every implementation of the layer must pass (on PV and PVH; an HVM guest
# needs a minute to boot here), with those of vchans apart; and a hotplug script that libxl kills must leave no loop
# device. After each: nothing of the guests is left.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh

nothing_left() { # NAME
    equal "$1: no loop device left" "$(losetup -a)" ""
    equal "$1: no domain left" "$(xl list | awk 'NR > 2')" ""
    equal "$1: no vif left" "$(find /sys/class/net -name "vif*")" ""
    equal "$1: no device model left" "$(pgrep -l qemu)" ""
    equal "$1: no userdata left" "$(find /var/lib/xen -name '*userdata*' ! -name '*-d.0.*')" ""
}

try_smoke() {
    local type
    make_disk /storage/disks/pv.img 8 "text on the disk of pv"
    make_disk /storage/disks/pvh.img 8 "text on the disk of pvh"
    if xen-libxl-smoke --scale "$scale"; then ok "xen-libxl-smoke"; else fail "xen-libxl-smoke" "status $?"; fi
    for type in pv pvh; do
        equal "dom0 sees what $type wrote" \
            "$(dd if=/storage/disks/$type.img bs=512 skip=1 count=1 status=none | tr -d '\0')" WRITTEN
    done
    nothing_left smoke
}

# The guests' initramfs in which xen-vchan-peer runs, again whenever it ends.
peer_initrd() { # FILE
    local root=/root/peer
    add_programs $root /usr/local/bin/xen-vchan-peer
    printf '%s\n' '#!/bin/sh' \
        'while :; do' \
        '    xen-vchan-peer --port 5550 --limit 600' \
        '    sleep 1' \
        'done' >$root/domu-script
    chmod 755 $root/domu-script
    guest_initrd $root "$1"
    rm -r $root
}

try_vchan() { # TYPE
    local tree=/local/domain/0/data/vchan
    [ -e /root/peer-initrd ] || peer_initrd /root/peer-initrd
    XENBROKER_TEST_VCHAN_RAMDISK=/root/peer-initrd contract "vchan" "$1" 160 --gtest_filter="${VCHAN_TESTS:-Vchan*}"
    equal "vchan on $1: nothing left in xenstore" \
        "$(xenstore-ls $tree 2>/dev/null | grep -E 'ring-ref|event-channel')" ""
}

try_contract() { # TYPE
    contract contract "$1" 96 --gtest_filter='-Vchan*'
}

contract() { # NAME TYPE MIB OPTION...
    local log=/bench/out/$1-$2.log line
    make_disk /storage/disks/contract.img 8 "text"
    while read -r line; do # as they come: all take minutes
        case $line in
            *'[       OK ] '*) ok "$1 on $2: ${line#*] }" ;;
            *'[  FAILED  ] '*ms\)) fail "$1 on $2: ${line#*] }" "see $1-$2.log" ;;
        esac
    done < <(XENBROKER_TEST_TYPE=$2 XENBROKER_TEST_KERNEL=$guestKernel XENBROKER_TEST_RAMDISK=$guestInitrd \
        XENBROKER_TEST_CMDLINE="console=hvc0 loglevel=3 net.ifnames=0" XENBROKER_TEST_MEMORY_MIB=$3 \
        XENBROKER_TEST_DISK=/storage/disks/contract.img XENBROKER_TEST_BOOT_MESSAGE=DOMU-UP \
        XENBROKER_TEST_LIMIT_SECONDS=$((120 * scale)) xen-contract-test "${@:4}" 2>&1 | tee "$log")
    if grep -q '\[  PASSED  \]' "$log" && ! grep -q '\[  FAILED  \]' "$log"; then ok "$1 on $2"; else
        fail "$1 on $2" "$(tail -n 40 "$log")"
    fi
    nothing_left "$1 on $2"
}

# libxl kills a hotplug script after 40 s; what the script had begun is not undone then. xl shows that.
try_slow_script() {
    local script=/etc/xen/scripts/block
    make_disk /storage/disks/slow.img 8 "text"
    cp $script /root/block
    sed -i 's,^\( *\)do_or_die losetup .*,&; sleep 50,' $script
    equal "slow script: made" "$(grep -c 'sleep 50' $script)" 1
    guest_config slow pv "" 'disk=["format=raw,vdev=xvda,access=rw,target=/storage/disks/slow.img"]'
    if xl create -q /root/slow.cfg 2>/root/slow.log; then fail "slow script: fails xl" "it worked"; else ok "slow script: fails xl"; fi
    equal "slow script: was killed" "$(grep -c 'killing execution of' /root/slow.log)" 1
    equal "slow script: libxl alone leaves a loop device" "$(losetup -a | wc -l)" 1
    losetup -D
    equal "slow script: and this took it away" "$(losetup -a)" ""
    if xen-libxl-smoke --scale "$scale" --only slow-script; then ok "slow script"; else fail "slow script" "status $?"; fi
    nothing_left "slow script"
    cp /root/block $script
}

mkdir -p /bench/out
make_bridge xenbr0 10.9.0.1/24
t0
parts=("$@")
[ $# -gt 0 ] || parts=(smoke contract-pv contract-pvh vchan-pv vchan-pvh slow-script)
for part in "${parts[@]}"; do
    case $part in
        smoke) try_smoke ;;
        contract-pv | contract-pvh) try_contract "${part#*-}" ;;
        vchan-pv | vchan-pvh) try_vchan "${part#*-}" ;;
        slow-script) try_slow_script ;;
        *) fail "$part" "there is no such part" ;;
    esac
done
summary
