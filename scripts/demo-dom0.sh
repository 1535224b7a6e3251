#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo-dom0.sh ONCE: what ./run --xen does in the dom0 of the bench: starts the platform, then a real Linux guest, shows
# it, gives the user a shell unless ONCE is 1, and takes everything down again.
set -eu # not pipefail: lib.sh ends pipes early
# shellcheck source=tests/xen/lib.sh disable=SC1091
. /bench/lib.sh
libexec=/usr/libexec/xenbroker
name=demo
once=$1

step() {
    echo "\$ $*" >&2
    "$@"
}
echo "==> $(xl info | awk -F' *: ' '/^(xen_version|virt_caps)/ { print $2 }' | tr '\n' ' ')"
make_bridge xenbr0 10.9.0.1/24
mkdir -p /config /run/xenbroker /var/log/xenbroker
cat >/run/bootage.conf <<CONF
service dbd
exec $libexec/dbd --log-to stderr
ready notify
log /var/log/xenbroker/dbd.log
service xenmgr
exec $libexec/xenmgr --log-to stderr
dep dbd
ready notify
ready-timeout 60
log /var/log/xenbroker/xenmgr.log
CONF
mkfifo /run/bootage.status
bootage --config /run/bootage.conf --status-fd 3 3>/run/bootage.status 2>/var/log/xenbroker/bootage.log &
supervisor=$!
while read -r word rest; do
    if [ "$word" = all-ready ]; then
        echo "==> dbd and xenmgr are ready after $rest ms"
        break
    fi
done </run/bootage.status
cat /run/bootage.status >/dev/null &

echo "==> a VM with a disk and a network card"
vm=$(step xec create-vm-with-template new-vm-linux)
step xec -o "$vm" set name $name
step xec -o "$vm" set virt-type pvh
step xec -o "$vm" set memory 128
step xec -o "$vm" set kernel "$guestKernel"
step xec -o "$vm" set initrd "$guestInitrd"
step xec -o "$vm" set cmd-line "console=hvc0 loglevel=4 net.ifnames=0 xbtest=disk,net"
make_disk /storage/disks/$name.raw 8 "Hello from the disk of VM $name."
disk=$(step xec -o "$vm" add-disk)
step xec -o "$disk" set phys-path /storage/disks/$name.raw
step xec -o "$disk" set phys-type file
step xec -o "$disk" set virt-path xvda
nic=$(step xec -o "$vm" add-nic)
step xec -o "$nic" set network /wired/0/bridged
echo "==> starting it"
step xec-vm --wait=120 -n $name start
step xec-vm
echo "==> the guest's console:"
wait_for_text "$(console_log $name)" "DOMU-TICK 1" 120
sed 's/^/    /' "$(console_log $name)"
grep -q "DISK Hello from the disk" "$(console_log $name)"
grep -q "NET ok" "$(console_log $name)"
if [ "$once" = 0 ]; then
    cat <<TEXT
==> a shell in the control domain; try:
        xec-vm                   xec-vm -n $name console     (ctrl-] leaves)
        xec -o /host getall      xec-vm -n $name getall      xl list
    exit, or ctrl-d, takes everything down.
TEXT
    stty -F /dev/hvc1 rows "${BENCH_ROWS:-24}" cols "${BENCH_COLUMNS:-80}"
    (cd / && TERM=${BENCH_TERM:-linux} PS1='dom0:\w\$ ' setsid -c bash --norc -i </dev/hvc1 >/dev/hvc1 2>&1) || true
    echo "==> the end"
    if [ "$(xec-vm -n $name get state 2>/dev/null)" != running ]; then # whatever the user did
        kill $supervisor
        wait $supervisor
        exit
    fi
fi
echo "==> pause, unpause, shutdown"
step xec-vm --wait=30 -n $name pause
step xec-vm --wait=30 -n $name unpause
step xec-vm --wait=120 -n $name shutdown
step xec-vm
step xec-vm -n $name delete
kill $supervisor
wait $supervisor
