#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-saving.sh [RUNS]: runs in the bench's dom0 and measures what the platform adds to saving, restoring and destroying
# a guest: the same PV guest (kernel, initrd, memory, disk, NIC) through xl and through its monitor (xenvm, called with
# xec), in turns, RUNS (5) times each after one unmeasured round. Saving is done with when the file is complete and the
# domain gone, restoring when the guest runs, destroying when the domain is gone. Fails only if something did not work.
#
#   operation            xl   platform   overhead   goal <= 10
#   save            1834 ms    1901 ms        4 %   ok
#
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh

runs=${1:-5}
goalPercent=10
operations=(save restore destroy)
disk=/storage/disks/bench.raw
declare -A times figures

# timed WHO OPERATION COMMAND...: runs it and keeps its ms, unless this is the unmeasured round.
timed() {
    local who=$1 operation=$2 begin status
    shift 2
    begin=${EPOCHREALTIME/./}
    "$@" >/dev/null 2>>/root/timed.log
    status=$?
    [ "$round" = 0 ] || times[$who-$operation]+=" $(((${EPOCHREALTIME/./} - begin) / 1000))"
    return $status
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

# runs_on NAME LINES: the guest does, since its console's log had so many LINES.
runs_on() { wait_for_text "$(console_log "$1")" DOMU-TICK 60 "$2"; }

# one WHO NAME SAVE RESTORE DESTROY: a round; the last three are functions. The guest runs before and is gone after it.
one() {
    local lines
    lines=$(line_count "$(console_log "$2")")
    timed "$1" save "$3" || { fail "$1: save" "$(tail -n 5 /root/timed.log)"; return 1; }
    no_domain "$2" 2>/dev/null || { fail "$1: save" "the domain is there"; return 1; }
    timed "$1" restore "$4" || { fail "$1: restore" "$(tail -n 5 /root/timed.log)"; return 1; }
    runs_on "$2" "$lines" || { fail "$1: restore" "the guest does not go on"; return 1; }
    timed "$1" destroy "$5" || { fail "$1: destroy" "$(tail -n 5 /root/timed.log)"; return 1; }
    wait_domain_gone "$2" 30
}

# again WHO NAME RESTORE: from the file of the last round, which goes: dom0 has no room for a third beside the next one.
again() {
    local lines
    lines=$(line_count "$(console_log "$2")")
    "$3" >/dev/null 2>>/root/timed.log && runs_on "$2" "$lines" || { fail "$1: runs again" "$(tail -n 5 /root/timed.log)"; return 1; }
    rm "/root/$1.saved"
}

xl_save() { xl save bench-xl /root/xl.saved; }
xl_restore() { xl restore /root/xl.saved; }
xl_destroy() { xl destroy bench-xl; }
monitor() { xec -s "org.xen.vm.uuid_$path" -o "/org/xen/vm/$path" -i org.xenbroker.xenvm --timeout 300 "$@"; }
platform_save() { monitor suspend /root/platform.saved false; }
platform_restore() { monitor restore /root/platform.saved false false; }
platform_destroy() { monitor destroy; }

mkdir -p /bench/out
platformLogLevel=info
make_bridge xenbr0 10.9.0.1/24
if start_platform; then ok "platform: up"; else
    fail "platform: up" "$(tail -n 20 /var/log/xenbroker/*.log)"
    summary
fi
vm=$(new_vm bench pv 10.9.0.2/24)
if [ -n "$vm" ]; then ok "VM made"; else fail "VM made" "see dom0/var/log/xenbroker"; summary; fi
check "CD drive removed" xec -o "$vm/disk/0" delete
path=$(xec-vm -n bench get uuid | tr - _)
guest_config bench-xl pv "disk,write,net" "disk=[\"format=raw,vdev=xvda,access=rw,target=$disk\"]" 'vif=["bridge=xenbr0"]'
check "xl's guest" xl create -q /root/bench-xl.cfg
check "xl's guest runs" runs_on bench-xl 0
round=0
one xl bench-xl xl_save xl_restore xl_destroy
check "the platform's guest" xec-vm --wait=$((300 * scale)) -n bench start
check "the platform's guest runs" runs_on bench 0
one platform bench platform_save platform_restore platform_destroy
for ((round = 1; round <= runs; ++round)); do
    again xl bench-xl xl_restore && one xl bench-xl xl_save xl_restore xl_destroy || break
    again platform bench platform_restore && one platform bench platform_save platform_restore platform_destroy || break
done
if [ "$round" -gt "$runs" ]; then
    ok "measured"
    printf '%-10s %10s %13s %10s   goal <= %d\n' operation xl platform overhead $goalPercent
    for operation in "${operations[@]}"; do
        for who in xl platform; do
            # shellcheck disable=SC2086 # a list
            figures[$who]=$(median ${times[$who-$operation]})
        done
        percent=$((100 * (figures[platform] - figures[xl]) / figures[xl]))
        verdict=short
        [ $percent -gt $goalPercent ] || verdict=ok
        printf '%-10s %7d ms %10d ms %8d %%   %s  (%s |%s)\n' "$operation" "${figures[xl]}" "${figures[platform]}" \
            $percent $verdict "${times[xl-$operation]# }" "${times[platform-$operation]}"
    done
fi
check "VM deleted" xec-vm -n bench delete
kill %1
wait %1
cp -r /var/log/xenbroker /root/timed.log /bench/out/
summary
