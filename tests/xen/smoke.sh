#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the bench's dom0 and proves, with plain xl and none of the platform, that the bench offers what the other
# scripts rely on: PV and PVH guests with disk, network, pause, shutdown, reboot, crash and refusal to shut down, and a
# stock system bus. If this fails, look at the bench first.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh

# What each guest of either type must be able to do.
try_guest() { # NAME TYPE ADDRESS DISK
    local log id before
    log=$(console_log "$1")
    guest_config "$1" "$2" "disk,write,net" "disk=[\"format=raw,vdev=xvda,access=rw,target=$4\"]" \
        'vif=["bridge=xenbr0"]' 'on_reboot="restart"'
    sed -i "s,xbtest,xbaddr=$3 xbtest," "/root/$1.cfg"
    t0
    check "$2: create" xl create -q "/root/$1.cfg" || return
    expect_text "$2: user space" "$log" "DOMU-UP" 120 || return
    expect_text "$2: reads its disk" "$log" "DISK text on the disk of $1" 60
    expect_text "$2: writes its disk" "$log" "WRITE ok" 30
    equal "$2: dom0 sees what was written" "$(dd if="$4" bs=512 skip=1 count=1 status=none | tr -d '\0')" WRITTEN
    expect_text "$2: network" "$log" "NET ok" 60
    expect_text "$2: runs" "$log" "DOMU-TICK 2" 30

    xl pause "$1"
    sleep 1 # what was under way reaches the log
    before=$(ticks "$1")
    sleep 3
    equal "$2: silent while paused" "$(ticks "$1")" "$before"
    before=$(line_count "$log")
    xl unpause "$1"
    expect_text "$2: goes on" "$log" "DOMU-TICK" 30 "$before"

    id=$(xl domid "$1")
    before=$(line_count "$log")
    check "$2: reboot asked for" xl reboot "$1"
    expect_text "$2: obeys" "$log" "DOMU-OBEYS reboot" 30
    if wait_new_domid "$1" "$id" 60; then ok "$2: new domain"; else fail "$2: new domain" "still $id"; fi
    expect_text "$2: up again" "$log" "DOMU-UP" 120 "$before"
    before=$(line_count "$log")
    expect_text "$2: running again" "$log" "DOMU-TICK" 60 "$before"
    check "$2: shutdown asked for" xl shutdown "$1"
    expect_text "$2: was told by its kernel" "$log" "DOMU-OBEYS poweroff" 30
    if wait_domain_gone "$1" 60; then ok "$2: gone"; else fail "$2: gone" "$(xl list)"; fi
}

# A guest that crashes by itself, and one that does not listen.
try_crash() {
    guest_config crashing pv crash:1 'on_crash="preserve"'
    check "crash: create" xl create -q /root/crashing.cfg || return
    expect_text "crash: announced" "$(console_log crashing)" "DOMU-GOES crash" 120
    # xl's "-c-" column
    # shellcheck disable=SC2317,SC2016 # called through wait_until; $5 is awk's
    crashed() { xl list crashing | awk 'END { exit $5 !~ /c/ }'; }
    if wait_until 60 crashed; then ok "crash: seen by Xen"; else fail "crash: seen by Xen" "$(xl list)"; fi
    xl destroy crashing
    if wait_domain_gone crashing 30; then ok "crash: destroyed"; else fail "crash: destroyed" "$(xl list)"; fi
}

try_deaf() {
    local log id before
    log=$(console_log deaf)
    guest_config deaf pv deaf,xs:name
    check "deaf: create" xl create -q /root/deaf.cfg || return
    expect_text "deaf: reads its xenstore" "$log" "XS name deaf" 120
    expect_text "deaf: runs" "$log" "DOMU-TICK" 30
    id=$(xl domid deaf)
    check "deaf: shutdown asked for" xl shutdown deaf
    expect_text "deaf: ignores shutdown" "$log" "DOMU-IGNORES poweroff" 30
    check "deaf: reboot asked for" xl reboot deaf
    expect_text "deaf: ignores reboot" "$log" "DOMU-IGNORES reboot" 30
    before=$(line_count "$log")
    expect_text "deaf: goes on" "$log" "DOMU-TICK" 10 "$before"
    equal "deaf: is the same domain" "$(xl domid deaf)" "$id"
    check "deaf: destroy" xl destroy deaf
}

# The bus: a client gets on, and the limits are the stock ones.
try_bus() {
    check "bus: answers" dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId
    equal "bus: policy file of the stock configuration" \
        "$(grep -c '<includedir>system.d</includedir>' /usr/share/dbus-1/system.conf)" 1
    equal "bus: runs as messagebus" "$(stat -c %U "/proc/$(pidof dbus-daemon)")" messagebus
}

t0
check "dom0: xl sees itself" xl list Domain-0
make_bridge xenbr0 10.9.0.1/24
make_disk /storage/disks/pv.img 8 "text on the disk of pv"
make_disk /storage/disks/pvh.img 8 "text on the disk of pvh"
try_bus
try_guest pv pv 10.9.0.2/24 /storage/disks/pv.img
try_guest pvh pvh 10.9.0.3/24 /storage/disks/pvh.img
try_crash
try_deaf
equal "dom0: no loop device left" "$(losetup -a)" ""
equal "dom0: no domain left" "$(xl list | awk 'NR > 2')" ""
summary
