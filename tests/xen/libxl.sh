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
    contract contract "$1" 96 --gtest_filter='-Vchan*:Saving*:Devices*:Resources*'
}

try_resources() { # TYPE
    contract resources "$1" 96 --gtest_filter='Resources*'
}

# Only shadow paging tells which pages a PV guest writes to, and Debian's Xen has none.
why_no_live_save() { # TYPE
    [ "$1" != pv ] || xl info | grep -q '^virt_caps.* shadow' || echo "no shadow paging"
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
        XENBROKER_TEST_WHY_NO_LIVE_SAVE=$(why_no_live_save "$2") \
        XENBROKER_TEST_LIMIT_SECONDS=$((120 * scale)) xen-contract-test "${@:4}" \
        ${CONTRACT_TESTS:+--gtest_filter="$CONTRACT_TESTS"} 2>&1 | tee "$log")
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

# A real QEMU's QMP over vchans of dom0 with itself: the toolstack's side is Xen's own vchan-socket-proxy as client and
# server, so that both programs are tried against each other: text -> Xen's client -> Xen's server -> our client, with
# the filter -> our server -> QEMU.
qmp_says() { # WAIT TEXT...: what the toolstack hears when it sends the TEXTs, a line each
    local wait=$1 pid
    shift
    rm -f /root/qmp.out
    mkfifo /root/qmp.in
    vchan-socket-proxy 0 /local/domain/0/data/toolstack - </root/qmp.in >/root/qmp.out &
    pid=$!
    exec 7>/root/qmp.in
    wait_for_text /root/qmp.out '"QMP"' 20
    printf '%s\r\n' "$@" >&7
    wait_for_text "${wait%%=*}" "${wait#*=}" 20
    exec 7>&-
    kill $pid 2>/dev/null
    wait $pid
    rm /root/qmp.in
    cat /root/qmp.out
}

try_qmp() {
    local proxy=/usr/local/bin/our-vchan-socket-proxy ours theirs qemu said
    /usr/libexec/xen-qemu-system-i386 -M none -accel qtest -nodefaults -display none \
        -qmp unix:/run/qemu.qmp,server=on,wait=off 2>/root/qemu.log &
    qemu=$!
    $proxy --mode=server --log-to stderr --state-path=/local/domain/0/data/server-state 0 /local/domain/0/data/model \
        /run/qemu.qmp 2>/root/server.log &
    ours=$!
    $proxy --qmp-filter --log-to stderr --state-path=/local/domain/0/data/client-state 0 /local/domain/0/data/model \
        /run/toolstack.qmp 2>/root/client.log &
    ours+=" $!"
    up() { [ "$(xenstore-read "/local/domain/0/data/$1-state")" = running ]; }
    wait_until 20 up server
    wait_until 20 up client
    equal "qmp: both proxies are up" "$(up server && up client && echo yes)" yes
    vchan-socket-proxy --mode=server 0 /local/domain/0/data/toolstack /run/toolstack.qmp 2>/root/theirs.log &
    theirs=$!
    said=$(qmp_says /root/qmp.out='"id":2' '{"execute":"qmp_capabilities","id":1}' '{"execute":"query-status","id":2}')
    equal "qmp: greeting" "$(grep -c '^{"QMP":{' <<<"$said")" 1
    equal "qmp: answers" "$(grep -c '^{"return":{.*"id":[12]}' <<<"$said")" 2
    said=$(qmp_says /root/client.log='the command quit is not allowed' '{"execute":"quit","id":1}')
    equal "qmp: a command that is not allowed ends the connection" "$(grep -c '"return"\|"error"' <<<"$said")" 0
    check "qmp: and QEMU has not heard it" kill -0 $qemu
    said=$(qmp_says /root/qmp.out='"id":3' '{"execute":"qmp_capabilities","id":3}')
    equal "qmp: the next connection works" "$(grep -c '"id":3}' <<<"$said")" 1
    kill $theirs
    # shellcheck disable=SC2086 # a list
    kill $ours $qemu
    wait
    equal "qmp: no socket left" "$(ls /run/toolstack.qmp 2>/dev/null)" ""
    equal "qmp: nothing left in xenstore" "$(xenstore-ls /local/domain/0/data | grep -e state -e model)" ""
    cp /root/{server,client,theirs,qemu}.log /root/qmp.out /bench/out/
}

mkdir -p /bench/out
make_bridge xenbr0 10.9.0.1/24
t0
parts=("$@")
[ $# -gt 0 ] || parts=(smoke contract-pv contract-pvh resources-pv resources-pvh devices-pv devices-pvh saving-pv saving-pvh
    vchan-pv vchan-pvh slow-script qmp)
for part in "${parts[@]}"; do
    case $part in
        smoke) try_smoke ;;
        saving-pv | saving-pvh) contract saving "${part#*-}" 96 --gtest_filter='Saving*' ;;
        contract-pv | contract-pvh) try_contract "${part#*-}" ;;
        devices-pv | devices-pvh) contract devices "${part#*-}" 96 --gtest_filter='DevicesContract*' ;;
        resources-pv | resources-pvh) try_resources "${part#*-}" ;;
        vchan-pv | vchan-pvh) try_vchan "${part#*-}" ;;
        slow-script) try_slow_script ;;
        qmp) try_qmp ;;
        *) fail "$part" "there is no such part" ;;
    esac
done
summary
