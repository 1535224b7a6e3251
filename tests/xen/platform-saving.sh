# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # scale, guestKernel and guestInitrd are set by lib.sh
# The parts of platform.sh that save guests to files and restore them: VMs through xenmgr, domains through xenops, and the
# files of xl and xenops in each other's hands. Uses what platform.sh, which reads this, defines.

# A VM that runs is saved to a file and goes on from it; a guest that cannot sleep says so.
suspend_and_resume() { # NAME TYPE
    local file=/storage/disks/$1.saved id before
    id=$(xec-vm -n "$1" get domid)
    check "$2: suspend to a file" xec-vm --timeout $((300 * scale)) -n "$1" suspend-to-file "$file"
    equal "$2: its state" "$(state "$1")" suspended
    equal "$2: its domain is gone" "$(xl domid "$1" 2>/dev/null)" ""
    equal "$2: only root reads the file" "$(stat -c %a "$file")" 600
    before=$(ticks "$1")
    check "$2: resume from the file" xec-vm --timeout $((300 * scale)) -n "$1" resume-from-file "$file"
    equal "$2: state when resumed" "$(state "$1")" running
    ticking "$1" "$2: goes on from the file"
    if [ "$(last_tick "$1")" -ge "$before" ]; then ok "$2: where it was"; else
        fail "$2: where it was" "$(last_tick "$1") ticks after $before"
    fi
    if [ "$(xec-vm -n "$1" get domid)" != "$id" ]; then ok "$2: as a new domain"; else
        fail "$2: as a new domain" "still $id"
    fi
    rm -f "$file"
}

# last_tick NAME: the number of a guest's last tick. It starts at one with each boot.
last_tick() { tr -d '\r' <"$(console_log "$1")" | awk '$1 == "DOMU-TICK" && NF == 2 { last = $2 } END { print last + 0 }'; }

# What suspend_and_resume does not try: what fails, and sleep.
try_vm_saving() { # TYPE ADDRESS
    local name=saved-$1 file=/storage/disks/saved-$1.saved vm text
    vm=$(new_vm "$name" "$1" "$2")
    check "saving $1: start" xec-vm --wait=$((300 * scale)) -n "$name" start || return
    expect_text "saving $1: user space" "$(console_log "$name")" "NET ok" 120 || return
    suspend_and_resume "$name" "$1"
    text=$(xec-vm --timeout $((300 * scale)) -n "$name" suspend-to-file /not/there/file 2>&1)
    equal "saving $1: no directory, status" $? 2
    equal "saving $1: no directory, text names it" "$(grep -c /not/there/file <<<"$text")" 1
    ticking "$name" "saving $1: it goes on"
    text=$(xec-vm --timeout $((300 * scale)) -n "$name" sleep 2>&1)
    equal "saving $1: sleep is refused" $? 2
    echo "$1 sleep: $text" | tee -a /bench/out/saving.txt
    equal "saving $1: and says why" "$(grep -c 'did not sleep\|cannot sleep' <<<"$text")" 1
    text=$(xec-vm --timeout $((120 * scale)) -n "$name" resume 2>&1)
    equal "saving $1: there is nothing to wake" $? 2
    echo "$1 resume: $text" | tee -a /bench/out/saving.txt
    ticking "$name" "saving $1: it goes on after that"
    check "saving $1: suspend once more" xec-vm --timeout $((300 * scale)) -n "$name" suspend-to-file "$file"
    text=$(xec-vm -n "$name" start 2>&1)
    equal "saving $1: it cannot start while it is saved" $? 2
    truncate -s 1000000 "$file"
    text=$(xec-vm --timeout $((300 * scale)) -n "$name" resume-from-file "$file" 2>&1)
    equal "saving $1: half a file is refused" $? 2
    echo "$1 half a file: $text" | tee -a /bench/out/saving.txt
    equal "saving $1: which leaves no domain" "$(xl domid "$name" 2>/dev/null)" ""
    equal "saving $1: and the VM as it was" "$(state "$name")" suspended
    check "saving $1: given up" xec-vm --wait=$((120 * scale)) -n "$name" destroy
    equal "saving $1: stopped" "$(state "$name")" stopped
    check "saving $1: delete" xec -o "$vm" delete
    rm -f "$file"
}

# goes_on NAME WHAT TICKS: the guest ticks, and was not booted again since it had so many.
goes_on() {
    ticking "$1" "$2" || return
    [ "$(last_tick "$1")" -ge "$3" ] || fail "$2" "it began again: $(last_tick "$1") ticks after $3"
}

# is_core FILE: an ELF file of type core that holds at least the guest's memory.
is_core() {
    [ "$(dd if="$1" bs=1 count=4 status=none)" = $'\x7fELF' ] && [ "$(od -An -t u2 -j 16 -N 2 "$1" | tr -d ' ')" = 4 ] &&
        [ "$(stat -c %s "$1")" -ge $((96 * 1024 * 1024)) ]
}

# A guest of a file in the style of xl, through xenops alone: pause, checkpoints, a core, saving to files and pipes, and
# to and from xl.
try_xenops_saving() { # TYPE ADDRESS
    local name=ops-$1 log text=/bench/out/xenops.txt before file=/root/ops-$1 at
    log=$(console_log "$name")
    mkdir -p /bench/out
    make_disk "/storage/disks/$name.raw" 8 "text on the disk of $name"
    guest_config "$name" "$1" "disk,net" "disk=['file:/storage/disks/$name.raw,xvda,r']" "vif=['bridge=xenbr0']"
    sed -i "s,xbtest,xbaddr=$2 xbtest," "/root/$name.cfg"
    check "xenops $1: create" said_by create "/root/$name.cfg" || return
    expect_text "xenops $1: network" "$log" "NET ok" 120 || return
    ticking "$name" "xenops $1: runs"

    check "xenops $1: pause" said_by pause "$name"
    sleep 1
    before=$(ticks "$name")
    sleep 3
    equal "xenops $1: silent while paused" "$(ticks "$name")" "$before"
    said_by save "$name" "$file.paused" >/dev/null
    equal "xenops $1: a paused one is not saved" "$(tail -n 1 $text | grep -c paused)" 1
    check "xenops $1: unpause" said_by unpause "$name"
    check "xenops $1: mem-max" said_by mem-max "$name" 100m
    goes_on "$name" "xenops $1: goes on" "$before"

    at=$(last_tick "$name")
    check "xenops $1: chkpoint" said_by chkpoint "$name" "$file.checkpoint"
    goes_on "$name" "xenops $1: goes on after the checkpoint" "$at"
    if [ "$1" = pv ] && ! xl info | grep -q '^virt_caps.* shadow'; then
        said_by chkpoint -live "$name" "$file.live" >/dev/null
        equal "xenops $1: no live one without shadow paging" "$(tail -n 1 $text | grep -c 'shadow paging')" 1
        equal "xenops $1: which leaves no file" "$(ls "$file".live* 2>/dev/null)" ""
        mv "$file.checkpoint" "$file.live"
    else
        rm -f "$file.checkpoint"
        check "xenops $1: live chkpoint" said_by chkpoint -live "$name" "$file.live"
    fi
    goes_on "$name" "xenops $1: goes on after that" "$at"
    check "xenops $1: destroy" said_by destroy "$name"
    check "xenops $1: back to the checkpoint" said_by restore "$file.live"
    rm -f "$file.live"
    goes_on "$name" "xenops $1: goes on from the checkpoint" "$at"

    at=$(last_tick "$name")
    check "xenops $1: save" said_by save "$name" "$file.saved"
    check "xenops $1: xl restores what xenops saved" xl restore "$file.saved"
    goes_on "$name" "xenops $1: goes on under xl" "$at"
    check "xenops $1: xl saves" xl save "$name" "$file.saved"
    check "xenops $1: xenops restores what xl saved" said_by restore "$file.saved" || xl restore "$file.saved"
    goes_on "$name" "xenops $1: goes on after xl" "$at"
    rm -f "$file.saved"

    echo "# xenops save $name - | cat" >>$text
    # shellcheck disable=SC2317 # called by check
    through_pipe() { xenops save "$1" - 2>>$text | cat >"$2" && [ "${PIPESTATUS[0]}" = 0 ]; }
    check "xenops $1: save into a pipe" through_pipe "$name" "$file.piped"
    equal "xenops $1: saved, it is gone" "$(xl domid "$name" 2>/dev/null)" ""
    check "xenops $1: restore from a pipe" said_by restore - < <(cat "$file.piped")
    goes_on "$name" "xenops $1: goes on from the pipe" "$at"
    xenops save "$name" - 2>>$text | head -c 100000 >/dev/null
    equal "xenops $1: who reads the pipe goes away" "${PIPESTATUS[0]}" 2
    goes_on "$name" "xenops $1: and the guest goes on" "$at"
    said_by restore - < <(head -c 1000000 "$file.piped") >/dev/null
    equal "xenops $1: the name is taken" "$(tail -n 1 $text | grep -c already)" 1
    migrate_by_command "$name" "$1"
    # libxl looks at each page number below 4 GiB of a PVH guest, which takes many minutes under emulation.
    if [ "$1" = pv ]; then
        check "xenops $1: dump-core" said_by dump-core "$name" "$file.core"
        check "xenops $1: which is a core" is_core "$file.core"
        rm -f "$file.core"
    fi
    check "xenops $1: destroy at last" said_by destroy "$name"
    said_by restore - < <(head -c 1000000 "$file.piped") >/dev/null
    equal "xenops $1: a pipe that ends too early leaves no domain" "$(xl domid "$name" 2>/dev/null)" ""
    rm -f "$file.piped"
}

# Migration by a command that is called as ssh is, tells of where it comes from as sshd does, and runs the rest here.
migrate_by_command() { # NAME TYPE
    local at command=/root/as-ssh
    cat >$command <<'SCRIPT'
#!/bin/bash
# as-ssh [-o OPTION] HOST COMMAND...; a domain of the same host needs another name.
while [ "$1" = -o ]; do shift 2; done
echo "$1" >/run/as-ssh.host
shift
export SSH_CONNECTION="10.9.0.7 40000 10.9.0.1 22"
exec "$@" -name by-ssh
SCRIPT
    chmod 755 $command
    printf '%s\n' 'relocation-server yes' 'relocation-hosts-allow ^10\.9\.0\.8$' >/etc/xenbroker/xenops.conf
    at=$(last_tick "$1")
    said_by migrate -ssh "$command -o BatchMode=yes" "$1" other-host >/dev/null
    equal "xenops $2: a host that is not named may not migrate" "$(tail -n 1 "$text" | grep -c 10.9.0.7)" 1
    goes_on "$1" "xenops $2: and it goes on" "$at"
    printf '%s\n' 'relocation-server yes' 'relocation-hosts-allow ^localhost$ ^10\.9\.0\.[0-9]+$' >/etc/xenbroker/xenops.conf
    local live=()
    [ "$2" = pv ] || live=(-live)
    check "xenops $2: migrate ${live[*]} by a command" said_by migrate "${live[@]}" -ssh "$command -o BatchMode=yes" "$1" other-host
    equal "xenops $2: to the host that was named" "$(cat /run/as-ssh.host)" other-host
    equal "xenops $2: it is gone here" "$(xl domid "$1" 2>/dev/null)" ""
    ticking by-ssh "xenops $2: it goes on there"
    check "xenops $2: back" said_by migrate -ssh "" by-ssh "xenops migrate-receive -name $1"
    goes_on "$1" "xenops $2: it goes on here" "$at"
    rm -f /etc/xenbroker/xenops.conf
}
