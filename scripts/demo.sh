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
mkdir -p "$directory"/{run/log,root/config,root/etc,root/storage/disks,root/storage/isos}
cp "$tree/etc/rpc-proxy.rules" "$directory/root/etc"
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

# free_port FIRST: the first port of this machine from there on that nobody listens on.
free_port() {
    local port
    for ((port = $1; port < $1 + 100; port++)); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    die "all ports of 127.0.0.1 from $1 to $((port - 1)) are taken"
}
browser_port=$(free_port 8080)

# The emulated hypervisor numbers domains from 1 in the order in which they start.
guest_domain=1 service_domain=2 browser_domain=3

supervisor='' page_server='' name=demo failed=1
finish() {
    local status=$? vm
    trap '' INT TERM
    if [ -n "$page_server" ]; then
        kill "$page_server" 2>/dev/null || true
        wait "$page_server" 2>/dev/null || true
    fi
    if [ -n "$supervisor" ] && kill -0 "$supervisor" 2>/dev/null; then
        say "shutting down the VMs"
        for vm in ui network "$name"; do
            if [ "$(xec-vm -n "$vm" get state 2>/dev/null || true)" = running ]; then
                xec-vm --wait=60 -n "$vm" shutdown || true
            fi
        done
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

say "starting dbus-daemon, the emulated hypervisor, dbd, xenmgr and rpc-proxy"
mkfifo "$directory/run/status"
"$tree/sbin/bootage" --config "$tree/share/xenbroker/xenbroker.conf" --die-with-supervisor \
    --set LIBEXEC="$tree/libexec/xenbroker" --set RUN="$directory/run" --set ROOT="$directory/root" \
    --set BUS="$XENBROKER_BUS" --set BUS_CONFIG="$directory/run/bus.conf" --set BUS_SOCKET="$socket" \
    --set GUEST_DOMAIN=$guest_domain --set SERVICE_DOMAIN=$service_domain --set BROWSER_DOMAIN=$browser_domain \
    --set BROWSER_PORT="$browser_port" \
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

# step COMMAND...: shows what is done, and does it.
step() {
    echo "${bold}\$${plain} ${*}" >&2
    "$@"
}
# refused COMMAND...: a step that the rules must refuse.
refused() {
    local text
    echo "${bold}\$${plain} ${*}" >&2
    if text=$("$@" 2>&1); then
        die "that should have been refused: $*"
    fi
    echo "$text" >&2
    grep -q AccessDenied <<<"$text" || die "that should have been refused by the rules: $*"
}
# start VM NAME DOMAIN: starts it, as the domain that it has to be.
start() {
    step xec-vm --wait=60 -n "$2" start
    [ "$(xec -o "$1" get domid)" = "$3" ] || die "VM $2 is domain $(xec -o "$1" get domid), not $3"
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
start "$vm" "$name" $guest_domain
[ "$(xec-vm -n "$name" get state)" = running ]

say "the guest's console:"
console=$directory/run/console.txt
# The console shows what comes while somebody looks; the emulator's log has it from the start.
timeout 30 tail -n +1 -F "$directory/run/xen/console/$name.log" 2>/dev/null | sed -u '/ready, "help"/q' |
    tee "$console" | sed 's/^/    /' || true
grep -q 'Hello from the disk' "$console" || die "the guest did not read its disk"

say "a service VM for the network, and the VM of the user interface"
for each in "network ndvm $service_domain" "ui uivm $browser_domain"; do
    read -r other type domain <<<"$each"
    vm=$(step xec create-vm-with-template new-vm-linux)
    step xec -o "$vm" set name "$other"
    step xec -o "$vm" set type "$type"
    start "$vm" "$other" "$domain"
done
step xec-vm

run=$directory/run xenmgr="com.citrix.xenclient.xenmgr"
guest=(dbus-send --bus="unix:path=$run/guests" --print-reply)
service=(dbus-send --bus="unix:path=$run/services" --print-reply)
browser=("$top/scripts/browser-call" "$browser_port" "$xenmgr" /)
driver=(--dest=org.freedesktop.DBus /org/freedesktop/DBus)

say "from the guest, through rpc-proxy: it may list VMs, but make none, and not see who is on the bus"
step "${guest[@]}" --dest=$xenmgr / $xenmgr.list_vms
refused "${guest[@]}" --dest=$xenmgr / $xenmgr.create_vm
refused "${guest[@]}" "${driver[@]}" org.freedesktop.DBus.ListNames

say "from the service VM: it may see who is on the bus, but make no VMs"
step "${service[@]}" "${driver[@]}" org.freedesktop.DBus.ListNames
refused "${service[@]}" --dest=$xenmgr / $xenmgr.create_vm

say "from a browser in the VM of the user interface: it may list VMs and read the platform's settings, but not change them"
step "${browser[@]}" $xenmgr list_vms
step "${browser[@]}" org.freedesktop.DBus.Properties Get $xenmgr.config iso-path
refused "${browser[@]}" org.freedesktop.DBus.Properties Set $xenmgr.config iso-path /tmp

failed=0
if [ "$once" = 1 ]; then
    say "every step worked"
    exit 0
fi
exec 4< <(exec "$top/scripts/serve-page" "$tree/share/xenbroker/uivm" "$(free_port 8000)")
page_server=$!
read -r page <&4 || die "the browser's page cannot be served"
cat <<TEXT

The platform is up. In another terminal:

  export XENBROKER_BUS=$XENBROKER_BUS PATH=$tree/bin:\$PATH
  xec-vm                          the table of VMs
  xec-vm -n $name getall           everything about this one
  xec-vm -n $name console          its console (ctrl-] leaves)
  xec-vm -n $name shutdown         stops it; start, reboot, pause, unpause, destroy likewise
  xec -o /host getall             the host
  xec --list-methods              what else there is

As a domain that is not dom0 (README.md, "From other domains"); the rules are $directory/root/etc/rpc-proxy.rules:

  dbus-send --bus=unix:path=$run/guests --print-reply --dest=$xenmgr / $xenmgr.list_vms
                                  as the guest; $run/services as the service VM
  ${page}vms.html?port=$browser_port
                                  in a browser of this machine: as the VM of the user interface

Ctrl-C shuts the VMs down and ends everything.
TEXT
wait "$supervisor"
