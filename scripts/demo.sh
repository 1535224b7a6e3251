#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh TREE ONCE: the platform installed in TREE, run in a private directory on the emulated hypervisor. Called by
# ./run. Everything it starts ends with it, everything it makes is below one directory, which it removes.
set -euo pipefail
tree=$1 once=$2
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

directory=$(mktemp -d "${TMPDIR:-/tmp}/xenbroker-run.XXXXXX")
say "private directory: $directory (removed at the end)"
mkdir -p "$directory"/{run/log,root/config,root/storage/disks,root/storage/isos}
socket=$directory/run/bus
export XENBROKER_BUS=unix:path=$socket
export PATH=$tree/bin:$PATH
cat >"$directory/run/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=$socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
CONF

supervisor='' name=demo failed=1
finish() {
    trap '' INT TERM
    local status=$?
    if [ -n "$supervisor" ] && kill -0 "$supervisor" 2>/dev/null; then
        if [ "$(xec-vm -n "$name" get state 2>/dev/null || true)" = running ]; then
            say "shutting down the VM"
            xec-vm --wait=60 -n "$name" shutdown || true
        fi
        say "stopping the platform"
        kill "$supervisor" 2>/dev/null || true
        wait "$supervisor" || true
    fi
    if [ "$failed" != 0 ]; then
        say "the last lines of the logs:"
        tail -n 8 "$directory"/run/log/*.log >&2 || true
    fi
    local left
    left=$(pgrep -f -- "$directory" || true)
    if [ -n "$left" ]; then
        echo "demo.sh: still running: $left" >&2
        failed=1
    fi
    rm -rf "$directory"
    [ "$status" = 0 ] || failed=1
    exit "$failed"
}
trap finish EXIT
trap 'exit 0' INT TERM

say "starting dbus-daemon, the emulated hypervisor, dbd and xenmgr"
mkfifo "$directory/run/status"
"$tree/sbin/bootage" --config "$tree/share/xenbroker/xenbroker.conf" --die-with-supervisor \
    --set LIBEXEC="$tree/libexec/xenbroker" --set RUN="$directory/run" --set ROOT="$directory/root" \
    --set BUS="$XENBROKER_BUS" --set BUS_CONFIG="$directory/run/bus.conf" --set BUS_SOCKET="$socket" \
    --status-fd 3 3>"$directory/run/status" </dev/null &
supervisor=$!
ready=0
while read -r word rest; do
    case $word in
        ready) ;;
        all-ready) say "all daemons are ready after ${rest} ms"; ready=1; break ;;
    esac
done <"$directory/run/status"
[ $ready = 1 ] || exit 1
# Keep reading, so that bootage can go on writing.
cat "$directory/run/status" >/dev/null &

# step TEXT COMMAND...: shows what is done, and does it.
step() {
    echo "${bold}\$${plain} ${*}" >&2
    "$@"
}
say "creating a VM with a disk and a network card"
vm=$(step xec create-vm-with-template new-vm-linux)
step xec -o "$vm" set name "$name"
disk_file=/storage/disks/$name.raw
printf 'Hello from the disk of VM %s.\n' "$name" >"$directory/root$disk_file"
truncate -s 8M "$directory/root$disk_file"
disk=$(step xec -o "$vm" add-disk)
step xec -o "$disk" set phys-path "$disk_file"
step xec -o "$disk" set phys-type file
step xec -o "$disk" set virt-path xvda
nic=$(step xec -o "$vm" add-nic)
step xec -o "$nic" set network xenbr0

say "starting it"
step xec-vm --wait=60 -n "$name" start
step xec-vm
[ "$(xec-vm -n "$name" get state)" = running ]

say "the guest's console:"
console=$directory/run/console.txt
# The console shows what comes while somebody looks; the emulator's log has it from the start.
timeout 30 tail -n +1 -F "$directory/run/xen/console/$name.log" 2>/dev/null | sed -u '/ready, "help"/q' |
    tee "$console" | sed 's/^/    /' || true
grep -q 'Hello from the disk' "$console" || die "the guest did not read its disk"

failed=0
if [ "$once" = 1 ]; then
    say "every step worked"
    exit 0
fi
cat <<TEXT

The platform is up. In another terminal:

  export XENBROKER_BUS=$XENBROKER_BUS PATH=$tree/bin:\$PATH
  xec-vm                          the table of VMs
  xec-vm -n $name getall           everything about this one
  xec-vm -n $name console          its console (ctrl-] leaves)
  xec-vm -n $name shutdown         stops it; start, reboot, pause, unpause, destroy likewise
  xec -o /host getall             the host
  xec --list-methods              what else there is

Ctrl-C shuts the VM down and ends everything.
TEXT
wait "$supervisor"
