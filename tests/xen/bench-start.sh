#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-start.sh [RUNS]: runs in the bench's dom0 and measures what the platform adds to the start of a PV guest: the same
# guest (kernel, initrd, memory, disk, NIC) through `xl create` and through `xec-vm --wait start`, in turns, RUNS (7) times
# each after one unmeasured round; then memory and wake-ups of the daemons while a guest runs and nobody asks anything.
# Fails only if something did not work.
#
#   xl create                       1834 ms  (1790 1834 1840 1851 1903)
#   xec-vm start                    1901 ms  (...)
#   overhead                           4 %   goal <= 10, ok
#   xenvm, private memory           1200 KiB  PSS 3000, resident 12000
#   idle wake-ups, xenvm               0 in 60 s, goal 0, ok
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh

runs=${1:-7}
goalPercent=10
idleSeconds=60
daemons=(dbd xenmgr xenvm)
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

# One of dom0's daemons by what it runs.
process() { pgrep -f "^$libexec/$1 "; }

# What belongs to the process alone is its anonymous memory: in dom0's root file system, which is memory itself, every
# page of a program counts as dirty.
memory_figure() { # NAME
    awk -v name="$1, private memory" '{ kib[$1] = $2 }
        END { printf "%-28s %7d KiB  PSS %d, resident %d\n", name, kib["Anonymous:"], kib["Pss:"], kib["Rss:"] }' \
        "/proc/$(process "$1")/smaps_rollup"
}

# How often the threads of a process went to sleep: each time something had woken one.
sleeps() { cat "/proc/$(process "$1")"/task/*/status | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }'; }

idle_figures() {
    local name count verdict
    local -A before
    for name in "${daemons[@]}"; do before[$name]=$(sleeps "$name"); done
    sleep "$idleSeconds"
    for name in "${daemons[@]}"; do
        count=$(($(sleeps "$name") - before[$name]))
        verdict=short
        [ $count -gt 0 ] || verdict=ok
        printf '%-28s %7d in %d s, goal 0, %s\n' "idle wake-ups, $name" $count "$idleSeconds" $verdict
    done
}

through_xl() {
    timed xl create -q /root/bench-xl.cfg || return
    xl destroy bench-xl && wait_domain_gone bench-xl 60
}

through_platform() {
    timed xec-vm --wait=$((300 * scale)) -n bench start || return
    local spent=$ms
    xec-vm --wait=$((120 * scale)) -n bench destroy && wait_domain_gone bench 60 || return
    ms=$spent
}

mkdir -p /bench/out
# Neither xl nor the platform writes debugging lines while it is measured.
platformLogLevel=info
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
one_by_xl() { # ROUND
    sleep 1 # what the last one left to others has been done
    through_xl || { fail "xl create, round $1" "$(tail -n 20 /var/log/xen/xl-bench-xl.log)"; return 1; }
    [ "$1" = 0 ] || xlTimes+=("$ms")
}
one_by_platform() { # ROUND
    sleep 1
    through_platform || { fail "xec-vm start, round $1" "$(tail -n 20 /var/log/xenbroker/xenmgr.log)"; return 1; }
    if [ "$1" = 0 ]; then first=$ms; else platformTimes+=("$ms"); fi
}
for ((round = 0; round <= runs; ++round)); do
    if [ $((round % 2)) = 0 ]; then order=(one_by_xl one_by_platform); else order=(one_by_platform one_by_xl); fi
    "${order[0]}" $round && "${order[1]}" $round || break
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
lines=$(line_count "$(console_log bench)")
if check "started once more" xec-vm --wait=$((300 * scale)) -n bench start &&
    expect_text "its guest runs" "$(console_log bench)" DOMU-TICK 120 "$lines"; then
    sleep 10 # what follows a start is over
    for name in "${daemons[@]}"; do
        memory_figure "$name"
        cp "/proc/$(process "$name")/smaps" "/bench/out/smaps-$name"
    done
    idle_figures
fi
check "destroyed" xec-vm --wait=$((120 * scale)) -n bench destroy
check "VM deleted" xec-vm -n bench delete
kill %1
wait %1
cp -r /var/log/xenbroker /bench/out/
summary
