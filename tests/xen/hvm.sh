#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the bench's dom0: an HVM VM through the platform, from creation to deletion, with hvmloader, SeaBIOS, qemu as
# device model, an emulated disk and a tap device on the bridge. Its kernel is loaded by the firmware from what qemu
# offers (-kernel), and speaks on the emulated serial port.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh

name=guest-hvm
mkdir -p /bench/out

make_bridge xenbr0 10.9.0.1/24
t0
if start_platform; then ok "platform: up"; else
    fail "platform: up" "$(tail -n 20 /var/log/xenbroker/*.log)"
    summary
fi
vm=$(new_vm $name hvm 10.9.0.6/24)
if [ -n "$vm" ]; then ok "hvm: create"; else fail "hvm: create" "see dom0/var/log/xenbroker"; summary; fi
check "hvm: memory" xec -o "$vm" set memory 128
check "hvm: kernel" xec -o "$vm" set kernel /guest/vmlinuz
# Without these the guest's kernel calibrates against timers that hardly run here.
check "hvm: command line" xec -o "$vm" set cmd-line "console=ttyS0 loglevel=6 net.ifnames=0 acpi=off tsc=reliable \
no_timer_check xbaddr=10.9.0.6/24 xbtest=disk,write,net"
check "hvm: disk" xec -o "$vm/disk/1" set virt-path hda
# up WHAT: the guest comes up as a new domain, with a serial port of its own.
up() {
    local tty
    id=$(xec-vm -n $name get domid)
    equal "$1: state" "$(state $name)" running
    equal "$1: Xen knows it under its name" "$(xl domname "$id")" $name
    check "$1: it has a device model" pgrep -f "qemu-system-i386.* -xen-domid $id "
    tty=$(xenstore-read "/local/domain/$id/serial/0/tty")
    equal "$1: the console that xenvm tells" "$(xec -o "$vm" -i org.xenbroker.vm get-console)" "$tty"
    serial=/bench/out/serial-$id.log
    cat "$tty" >"$serial" 2>/dev/null & # ends with the domain
    expect_text "$1: its kernel speaks on the serial port" "$serial" "Linux version" 400 &&
        expect_text "$1: user space" "$serial" DOMU-UP 600 &&
        expect_text "$1: reads its disk" "$serial" "DISK text on the disk of $name" 120 &&
        expect_text "$1: writes its disk" "$serial" "WRITE ok" 120 &&
        expect_text "$1: network" "$serial" "NET ok" 300 &&
        expect_text "$1: runs" "$serial" DOMU-TICK 120
}

paused_and_on() {
    local before
    check "hvm: pause" xec-vm --wait=60 -n $name pause
    sleep 1 # what was under way reaches us
    before=$(grep -c DOMU-TICK "$serial")
    sleep 3
    equal "hvm: silent while paused" "$(grep -c DOMU-TICK "$serial")" "$before"
    check "hvm: unpause" xec-vm --wait=60 -n $name unpause
    expect_text "hvm: goes on" "$serial" DOMU-TICK 60 "$(line_count "$serial")"
}

if check "hvm: start" xec-vm --timeout 300 --wait=300 -n $name start && up hvm; then
    paused_and_on
    before=$id
    if check "hvm: reboot" xec-vm --timeout 600 --wait=600 -n $name reboot && up "hvm rebooted"; then
        equal "hvm rebooted: another domain" "$((id > before))" 1
        # Its kernel has no ACPI here, but a PV driver: that is what is asked.
        check "hvm: shutdown" xec-vm --timeout 600 --wait=600 -n $name shutdown
    fi
fi
equal "hvm: state when stopped" "$(state $name)" stopped
in_state $name stopped || xec-vm --wait=60 -n $name destroy
check "hvm: delete" xec-vm -n $name delete
kill %1
wait %1
equal "end: bootage" $? 0
equal "end: no device model left" "$(pgrep -l qemu)" ""
equal "end: no interface left" "$(find /sys/class/net -name "vif*" -o -name "tap*")" ""
equal "end: no loop device left" "$(losetup -a)" ""
equal "end: no domain left" "$(xl list | awk 'NR > 2')" ""
cp -r /var/log/xenbroker /bench/out/
summary
