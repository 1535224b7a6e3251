#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-start.sh [RUNS]: runs in the bench's dom0 and measures what the platform adds to the start of a PV guest: the same
# guest (kernel, initrd, memory, disk, NIC) through `xl create` and through `xec-vm --wait start`, in turns, RUNS (5) times
# each after one unmeasured round. Fails only if something did not work.
#
#   xl create                       1834 ms  (1790 1834 1840 1851 1903)
#   xec-vm start                    1901 ms  (...)
#   overhead                           4 %   goal <= 10, ok
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh

runs=${1:-5}
goalPercent=10
disk=/storage/disks/bench.raw
steps=xbaddr=10.9.0.2/24

# timed COMMAND...: runs it and sets $ms.
timed() {
    local begin=${EPOCHREALTIME/./} status
    "$@" >/dev/null
    status=$?
    ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
    return $status
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
figure() { # NAME MS...
    printf '%-28s %7d ms  (%s)\n' "$1" "$(median "${@:2}")" "${*:2}"
}

through_xl() {
    timed xl create -q /root/bench-xl.cfg || return
    xl destroy bench-xl && wait_domain_gone bench-xl 60
}

through_platform() {
    timed xec-vm --wait=120 -n bench start || return
    local spent=$ms
    xec-vm --wait=60 -n bench destroy && wait_domain_gone bench 60 || return
    ms=$spent
}

make_bridge xenbr0 10.9.0.1/24
if start_platform; then ok "platform: up"; else
    fail "platform: up" "$(tail -n 20 /var/log/xenbroker/*.log)"
    summary
fi
vm=$(new_vm bench pv 10.9.0.2/24)
if [ -n "$vm" ]; then ok "VM made"; else fail "VM made" "see dom0/var/log/xenbroker"; summary; fi
# xl's guest has one disk: the template's empty CD drive goes.
check "CD drive removed" xec -o "$vm/disk/0" delete
guest_config bench-xl pv "disk,write,net" "disk=[\"format=raw,vdev=xvda,access=rw,target=$disk\"]" 'vif=["bridge=xenbr0"]'
sed -i "s,xbtest,$steps xbtest," /root/bench-xl.cfg

xlTimes=() platformTimes=() first=''
for ((round = 0; round <= runs; ++round)); do
    if ! through_xl; then fail "xl create, round $round" "$(tail -n 20 /var/log/xen/xl-bench-xl.log)"; break; fi
    [ $round = 0 ] || xlTimes+=("$ms")
    if ! through_platform; then fail "xec-vm start, round $round" "$(tail -n 20 /var/log/xenbroker/xenmgr.log)"; break; fi
    if [ $round = 0 ]; then first=$ms; else platformTimes+=("$ms"); fi
done
if [ ${#platformTimes[@]} = "$runs" ]; then
    ok "starts measured"
    figure "xl create" "${xlTimes[@]}"
    figure "xec-vm start" "${platformTimes[@]}"
    figure "xec-vm start, with its xenvm" "$first"
    base=$(median "${xlTimes[@]}")
    percent=$((100 * ($(median "${platformTimes[@]}") - base) / base))
    verdict=short
    [ $percent -gt $goalPercent ] || verdict=ok
    printf '%-28s %7d %%   goal <= %d, %s\n' overhead $percent $goalPercent $verdict
fi
check "VM deleted" xec-vm -n bench delete
kill %1
wait %1
mkdir -p /bench/out
cp -r /var/log/xenbroker /bench/out/
summary
