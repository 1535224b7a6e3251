# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # guestKernel and guestInitrd are set by lib.sh
# For scripts that run the installed platform in the bench's dom0, after lib.sh: `. /bench/platform-lib.sh` (run-in-dom0
# -f puts it there). Starting the platform under bootage (platformLogLevel: debug), and VMs made through xec.
libexec=/usr/libexec/xenbroker
proxyUser=xenbroker-proxy
export PATH=$PATH:/usr/sbin

# new_vm NAME TYPE ADDRESS [STEPS]: a VM with a disk and a NIC; prints its object path.
new_vm() {
    local vm disk nic
    vm=$(xec create-vm-with-template new-vm-linux) || return
    xec -o "$vm" set name "$1" &&
        xec -o "$vm" set virt-type "$2" &&
        xec -o "$vm" set memory 96 &&
        xec -o "$vm" set kernel "$guestKernel" &&
        xec -o "$vm" set initrd "$guestInitrd" &&
        xec -o "$vm" set cmd-line "console=hvc0 loglevel=3 net.ifnames=0 xbaddr=$3 xbtest=${4:-disk,write,net}" || return
    make_disk "/storage/disks/$1.raw" 8 "text on the disk of $1"
    disk=$(xec -o "$vm" add-disk) &&
        xec -o "$disk" set phys-path "/storage/disks/$1.raw" &&
        xec -o "$disk" set phys-type file &&
        xec -o "$disk" set virt-path xvda || return
    nic=$(xec -o "$vm" add-nic) && xec -o "$nic" set network /wired/0/bridged || return
    echo "$vm"
}

state() { xec-vm -n "$1" get state; }
in_state() { [ "$(state "$1")" = "$2" ]; } # NAME STATE

# add_proxy_user: the user as which rpc-proxy runs, and its devices, as sysusers.d and udev have them on a whole system.
add_proxy_user() {
    echo "$proxyUser:x:990:990::/:/usr/sbin/nologin" >>/etc/passwd
    echo "$proxyUser:x:990:" >>/etc/group
    modprobe xen-gntalloc 2>/dev/null
    chgrp $proxyUser /dev/xen/xenbus /dev/xen/evtchn /dev/xen/gntalloc &&
        chmod 660 /dev/xen/xenbus /dev/xen/evtchn /dev/xen/gntalloc &&
        dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig >/dev/null
}

start_platform() {
    add_proxy_user || return
    mkdir -p /etc/xenbroker /config
    cat >/etc/xenbroker/bootage.conf <<CONF
service dbd
exec $libexec/dbd --log-to stderr
ready notify
log /var/log/xenbroker/dbd.log
service xenmgr
exec $libexec/xenmgr --log-to stderr --log-level ${platformLogLevel:-debug}
dep dbd
ready notify
ready-timeout 60
log /var/log/xenbroker/xenmgr.log
CONF
    mkdir -p /var/log/xenbroker /run/xenbroker
    mkfifo /run/bootage.status
    bootage --config /etc/xenbroker/bootage.conf --status-fd 3 3>/run/bootage.status 2>/var/log/xenbroker/bootage.log &
    local word rest
    while read -r word rest; do
        [ "$word" = all-ready ] && break
    done </run/bootage.status
    cat /run/bootage.status >/dev/null &
    [ "$word" = all-ready ]
}
