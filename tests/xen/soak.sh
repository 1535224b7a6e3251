#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# soak.sh [CYCLES]: runs in the bench's dom0: one VM of the installed platform is started and destroyed CYCLES (30) times
# on real Xen, by turns as PV and as PVH. Between the first third, after which everything has been used once, and the end
# neither descriptors, threads and memory of the daemons grow, nor xenstore, nor what Xen's tools keep.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh

cycles=${1:-30}
warm=$((cycles / 3))
# What malloc may still take: less than a page for each cycle.
mostKib=$(((cycles - warm) * 4))
daemons=(dbd xenmgr xenvm)
types=(pv pvh)
declare -A count

process() { pgrep -f "^$libexec/$1 "; }

# look_at WHEN: fills count[WHEN, ...].
look_at() {
    local name pid
    for name in "${daemons[@]}"; do
        pid=$(process "$name")
        count[$1,$name process]=$pid
        count[$1,$name descriptors]=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
        count[$1,$name threads]=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
        count[$1,$name memory]=$(awk '/^Anonymous:/ { print $2 }' "/proc/$pid/smaps_rollup")
    done
    count[$1,xenstore nodes]=$(xenstore-ls -f | wc -l)
    count[$1,xenstore connections]=$(find "/proc/$(pgrep -x xenstored)/fd" -mindepth 1 | wc -l)
    count[$1,userdata files]=$(find /var/lib/xen -name '*userdata*' | wc -l)
    count[$1,loop devices]=$(losetup -a | wc -l)
    count[$1,processes of dom0]=$(grep -lz . /proc/[0-9]*/cmdline 2>/dev/null | wc -l)
    count[$1,free memory of Xen]=$(xl info free_memory)
}

# cycle NUMBER
cycle() {
    xec -o "$vm" set virt-type "${types[$1 % 2]}" &&
        xec-vm --wait=$((300 * scale)) -n soak start >/dev/null &&
        xec-vm --wait=$((120 * scale)) -n soak destroy >/dev/null &&
        wait_domain_gone soak 30
}

make_bridge xenbr0 10.9.0.1/24
platformLogLevel=info
if start_platform; then ok "platform: up"; else
    fail "platform: up" "$(tail -n 20 /var/log/xenbroker/*.log)"
    summary
fi
vm=$(new_vm soak pv 10.9.0.2/24)
if [ -n "$vm" ]; then ok "VM made"; else fail "VM made" "see dom0/var/log/xenbroker"; summary; fi
for ((number = 1; number <= cycles; ++number)); do
    cycle $number || { fail "cycle $number" "$(tail -n 20 /var/log/xenbroker/xenmgr.log)"; break; }
    [ $number != $warm ] || { sleep 2; look_at warm; ok "$warm cycles"; }
done
if [ $number -gt "$cycles" ]; then
    ok "$cycles cycles"
    sleep 2 # what the last one left to others has been done
    look_at end
    for key in "${!count[@]}"; do
        case $key in warm,*) what=${key#warm,} ;; *) continue ;; esac
        before=${count[$key]} after=${count[end,$what]}
        case $what in
            *memory*)
                # Of Xen's in MiB: none may be lost; of a daemon's in KiB.
                if [ "$what" = "free memory of Xen" ]; then grown=$((before - after)) most=0; else
                    grown=$((after - before)) most=$mostKib
                fi
                if [ $grown -le $most ]; then ok "$what: $before, then $after"; else
                    fail "$what" "$before after $warm cycles, $after after $cycles"
                fi
                ;;
            *) equal "$what: $before" "$after" "$before" ;;
        esac
    done
fi
check "VM deleted" xec-vm -n soak delete
kill %1
wait %1
mkdir -p /bench/out
cp -r /var/log/xenbroker /bench/out/
summary
