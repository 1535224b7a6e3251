#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# platform.sh [PART...]: runs in the bench's dom0: the installed platform on real Xen, on the stock system bus with the
# policy that we ship, driven through xec and xec-vm alone. PV and PVH guests from creation to deletion, guests that
# reboot, power off and crash by themselves, and daemons that are killed while guests run. PARTs: see the end;
# xenops-full, and xenops-* and saving-* for pv and pvh, are not among those that run without any.
# shellcheck source=SCRIPTDIR/lib.sh
. /bench/lib.sh
# shellcheck source=SCRIPTDIR/platform-lib.sh
. /bench/platform-lib.sh
# shellcheck source=SCRIPTDIR/platform-saving.sh
. /bench/platform-saving.sh

monitor() { pgrep -f "$libexec/xenvm --uuid $(xec-vm -n "$1" get uuid)"; }

# ticking NAME WHAT: the guest goes on from now.
ticking() {
    local log
    log=$(console_log "$1")
    expect_text "$2" "$log" DOMU-TICK 30 "$(line_count "$log")"
}

try_guest() { # NAME TYPE ADDRESS
    local log vm id before
    log=$(console_log "$1")
    t0
    vm=$(new_vm "$1" "$2" "$3")
    if [ -n "$vm" ]; then ok "$2: create"; else fail "$2: create" "see dom0/var/log/xenbroker"; return; fi
    check "$2: start" xec-vm --wait=$((300 * scale)) -n "$1" start || return
    equal "$2: state" "$(state "$1")" running
    expect_text "$2: user space" "$log" DOMU-UP 120 || return
    expect_text "$2: reads its disk" "$log" "DISK text on the disk of $1" 60
    expect_text "$2: writes its disk" "$log" "WRITE ok" 30
    expect_text "$2: network" "$log" "NET ok" 60
    ticking "$1" "$2: runs"
    id=$(xec-vm -n "$1" get domid)
    equal "$2: Xen knows it under its name" "$(xl domname "$id")" "$1"

    check "$2: pause" xec-vm --wait=$((60 * scale)) -n "$1" pause
    equal "$2: state when paused" "$(state "$1")" paused
    sleep 1 # what was under way reaches the log
    before=$(ticks "$1")
    sleep 3
    equal "$2: silent while paused" "$(ticks "$1")" "$before"
    check "$2: unpause" xec-vm --wait=$((60 * scale)) -n "$1" unpause
    ticking "$1" "$2: goes on"
}

reboot_and_stop() { # NAME TYPE
    local log id before
    log=$(console_log "$1")
    id=$(xec-vm -n "$1" get domid)
    before=$(line_count "$log")
    check "$2: reboot" xec-vm --wait=$((360 * scale)) -n "$1" reboot
    expect_text "$2: up again" "$log" DOMU-UP 120 "$before"
    if [ "$(xec-vm -n "$1" get domid)" != "$id" ]; then ok "$2: new domain"; else fail "$2: new domain" "still $id"; fi
    check "$2: shutdown" xec-vm --wait=$((300 * scale)) -n "$1" shutdown
    equal "$2: state when stopped" "$(state "$1")" stopped
    if xl domid "$1" 2>/dev/null; then fail "$2: domain gone" "$(xl list)"; else ok "$2: domain gone"; fi
    check "$2: delete" xec-vm -n "$1" delete
    equal "$2: not in the list" "$(xec-vm | grep -cw "$1")" 0
}

# guest_ends NAME TYPE ADDRESS: the guest reboots by itself, and then, told so by the command line that was set while it
# ran, powers itself off.
guest_ends() {
    local vm id uuid log before
    log=$(console_log "$1")
    vm=$(new_vm "$1" "$2" "$3" reboot:10)
    check "$2 by itself: start" xec-vm --wait=$((300 * scale)) -n "$1" start || return
    # Nested emulation lets a guest fault while it boots, which is a reboot, too: that is over once it is up.
    expect_text "$2 by itself: up" "$log" DOMU-UP 120 || return
    id=$(xec-vm -n "$1" get domid)
    uuid=$(xec-vm -n "$1" get uuid)
    check "$2 by itself: next command line" \
        xec -o "$vm" set cmd-line "console=hvc0 loglevel=3 net.ifnames=0 xbtest=poweroff:6"
    expect_text "$2 by itself: goes to reboot" "$log" "DOMU-GOES reboot" 120 || return
    before=$(line_count "$log")
    if wait_new_domid "$1" "$id" 120; then ok "$2 by itself: new domain"; else fail "$2 by itself: new domain" "$(xl list)"; fi
    expect_text "$2 by itself: up again" "$log" DOMU-UP 120 "$before"
    equal "$2 by itself: running" "$(state "$1")" running
    id=$(xec-vm -n "$1" get domid)
    equal "$2 by itself: same VM" "$(xec-vm -n "$1" get uuid)" "$uuid"
    equal "$2 by itself: its domain is the new one" "$(xl vm-list | awk -v id="$id" '$2 == id { print $1 }')" "$uuid"
    expect_text "$2 by itself: goes to power off" "$log" "DOMU-GOES poweroff" 120 "$before" || return
    if wait_until 60 in_state "$1" stopped; then ok "$2 by itself: stopped"; else
        fail "$2 by itself: stopped" "$(xec-vm; xl list)"
    fi
    equal "$2 by itself: no error" "$(xec -o "$vm" -i org.xenbroker.vm get-last-error)" ""
    equal "$2 by itself: no domain" "$(xl domid "$1" 2>/dev/null)" ""
    check "$2 by itself: delete" xec-vm -n "$1" delete
}

# Daemons that are killed while the guest runs.
kill_daemons() { # NAME
    local before id
    id=$(xec-vm -n "$1" get domid)
    before=$(monitor "$1")
    kill -9 "$before"
    ticking "$1" "xenvm killed: the guest goes on"
    replaced() { local now; now=$(monitor "$1") && [ -n "$now" ] && [ "$now" != "$2" ]; }
    if wait_until 60 replaced "$1" "$before"; then ok "xenvm killed: another took over"; else
        fail "xenvm killed: another took over" "$(pgrep -af xenvm)"
    fi
    equal "xenvm killed: same domain" "$(xec-vm -n "$1" get domid)" "$id"
    pkill -9 -x xenmgr
    ticking "$1" "xenmgr killed: the guest goes on"
    check "xenmgr killed: it is back" xec-vm --timeout 60 -n "$1" get state
    equal "xenmgr killed: state" "$(state "$1")" running
    equal "xenmgr killed: same domain" "$(xec-vm -n "$1" get domid)" "$id"
    check "adopted: pause" xec-vm --wait=$((60 * scale)) -n "$1" pause
    check "adopted: unpause" xec-vm --wait=$((60 * scale)) -n "$1" unpause
    ticking "$1" "adopted: goes on"
    pkill -9 -x dbd
    ticking "$1" "dbd killed: the guest goes on"
    equal "dbd killed: name kept" "$(xec-vm -n "$1" get name)" "$1"
}

try_crash() {
    local vm
    vm=$(new_vm crashing pv 10.9.0.9/24 crash:1)
    check "crash: start" xec-vm --wait=$((300 * scale)) -n crashing start || return
    expect_text "crash: announced" "$(console_log crashing)" "DOMU-GOES crash" 120
    if wait_until 60 in_state crashing stopped; then ok "crash: VM is stopped"; else fail "crash: VM is stopped" "$(xec-vm; xl list)"; fi
    equal "crash: the reason is told" "$(xec -o "$vm" -i org.xenbroker.vm get-last-error | grep -c crash)" 1
    check "crash: delete" xec-vm -n crashing delete
}

# A disk and a NIC that come to a guest while it runs, and go again.
try_devices() {
    local vm disk nic id log
    log=$(console_log hot)
    vm=$(new_vm hot pvh 10.9.0.12/24 disk:xvdb,net)
    check "devices: no NIC yet" xec -o "$vm/nic/0" delete
    check "devices: start" xec-vm --wait=$((300 * scale)) -n hot start || return
    expect_text "devices: user space" "$log" DOMU-UP 120 || return
    id=$(xec-vm -n hot get domid)
    make_disk /storage/disks/later.raw 8 "text that came later"
    disk=$(xec -o "$vm" add-disk)
    xec -o "$disk" set virt-path xvdb && xec -o "$disk" set phys-type file
    check "devices: a disk is added" xec --timeout $((120 * scale)) -o "$disk" set phys-path /storage/disks/later.raw
    expect_text "devices: the guest reads it" "$log" "DISK xvdb text that came later" 60
    nic=$(xec --timeout $((120 * scale)) -o "$vm" add-nic)
    expect_text "devices: the guest uses a NIC that was added" "$log" "NET ok" 90
    check "devices: the disk is taken" xec --timeout $((120 * scale)) -o "$disk" delete
    equal "devices: the guest has its first disk only" "$(xenstore-list "/local/domain/$id/device/vbd")" 51712
    equal "devices: its loop device is gone" "$(losetup -a | grep -c later.raw)" 0
    check "devices: the NIC is taken" xec --timeout $((120 * scale)) -o "$nic" delete
    equal "devices: the guest has no NIC" "$(xenstore-list "/local/domain/$id/device/vif" 2>/dev/null)" ""
    ticking hot "devices: the guest goes on"
    check "devices: destroy" xec-vm --wait=$((120 * scale)) -n hot destroy
    check "devices: delete" xec-vm -n hot delete
}

# The initramfs of guests whose programs talk to dom0 through rpc-proxy.
proxied_initrd() { # FILE
    local root=/root/proxied
    add_programs $root $libexec/rpc-proxy "$(command -v dbus-send)"
    cat >$root/domu-script <<'SCRIPT'
#!/bin/sh
# Each line is what one try came to. The node of a ring is there while nobody has it.
rpc-proxy -w -i unix:/run/dom0 -o vchan:5555:0 --log-to stderr &
until [ -e /run/dom0 ]; do sleep 0.1; done
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dom0
ask() {
    dbus-send --system --print-reply --reply-timeout=60000 --dest=com.citrix.xenclient.xenmgr / \
        "com.citrix.xenclient.xenmgr.$1" 2>&1
}
echo "PROXY list_vms $(ask list_vms | grep -c object.path)"
echo "PROXY create_vm $(ask create_vm | grep -o AccessDenied)"
echo "PROXY list_templates $(ask list_templates | grep -o -e AccessDenied -e 'method return')"
own=$(xenstore-read domid)
ring() { xenstore-read "/local/domain/0/data/vchan/$1/5555/listen/ring-ref" 2>&1; }
tries=0
until ring "$own" | grep -q '^[0-9][0-9]*$' || [ $tries = 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
echo "PROXY own ring $(ring "$own" | grep -c '^[0-9][0-9]*$')"
other=$own
while [ "$other" -gt 1 ]; do
    other=$((other - 1))
    echo "PROXY ring of $other: $(ring $other)"
done
echo "PROXY done"
SCRIPT
    chmod 755 $root/domu-script
    guest_initrd $root "$1"
    rm -r $root
}

# said NAME TEXT: what the guest's script printed behind that since its guest last came up. One of the bench's guests
# may begin again: under nested emulation a PVH kernel now and then ends with a triple fault, which is a reboot.
said() {
    tr -d '\r' <"$(console_log "$1")" | awk -v start="PROXY $2" '
        /^DOMU-UP/ { text = "" }
        index($0, start) == 1 { rest = substr($0, length(start) + 1); sub(/^ */, "", rest); text = text rest "\n" }
        END { printf "%s", text }'
}

# Two guests call xenmgr over vchan, each with its own rights.
try_proxy() {
    local name vm first pid ring=/local/domain/0/data/vchan
    proxied_initrd /root/proxied-initrd
    for name in first-proxied second-proxied; do
        vm=$(new_vm $name pvh 10.9.0.10/24 disk)
        xec -o "$vm" set initrd /root/proxied-initrd
        xec -o "$vm" set memory 160
    done
    printf '%s\n' 'allow inc-method-call destination org.freedesktop.DBus' \
        'allow inc-method-call destination com.citrix.xenclient.xenmgr member list_vms' \
        "allow inc-method-call destination com.citrix.xenclient.xenmgr member list_templates dom-uuid $(xec-vm -n first-proxied get uuid)" \
        >/run/proxied.rules
    setpriv --reuid=$proxyUser --regid=$proxyUser --clear-groups --bounding-set=-all --no-new-privs \
        $libexec/rpc-proxy -i vchan:5555 -r /run/proxied.rules --log-to stderr 2>/var/log/xenbroker/rpc-proxy.log &
    pid=$!
    for name in first-proxied second-proxied; do
        check "proxy: start $name" xec-vm --wait=$((300 * scale)) -n $name start || return
        expect_text "proxy: $name is through" "$(console_log $name)" "PROXY done" 120 || return
        equal "proxy: $name may list VMs" "$(said $name list_vms)" 2
        equal "proxy: $name may not create one" "$(said $name create_vm)" AccessDenied
        equal "proxy: $name sees its own ring" "$(said $name 'own ring')" 1
    done
    equal "proxy: a rule for the first one's VM" "$(said first-proxied list_templates)" "method return"
    equal "proxy: is none for the second one's" "$(said second-proxied list_templates)" AccessDenied
    first=$(xec-vm -n first-proxied get domid)
    check "proxy: the first one has a ring" xenstore-read "$ring/$first/5555/listen/ring-ref"
    equal "proxy: which the second one cannot open" "$(said second-proxied "ring of $first:" | grep -c "couldn't read")" 1
    equal "proxy: the log names who was denied" \
        "$(grep -c "domain $first .*create_vm.*den" /var/log/xenbroker/rpc-proxy.log)" 1
    for name in first-proxied second-proxied; do
        check "proxy: stop $name" xec-vm --wait=$((120 * scale)) -n $name destroy
        check "proxy: delete $name" xec-vm -n $name delete
    done
    gone() { ! xenstore-ls $ring 2>/dev/null | grep -q ring-ref; }
    if wait_until 20 gone; then ok "proxy: no ring left"; else fail "proxy: no ring left" "$(xenstore-ls $ring)"; fi
    kill $pid
    wait $pid
    equal "proxy: ends" $? 0
}

# said_by WORD...: what xenops prints, which is kept in xenops.txt as well.
said_by() {
    echo "# xenops $*" >>/bench/out/xenops.txt
    xenops "$@" 2>&1 | tee -a /bench/out/xenops.txt
    return "${PIPESTATUS[0]}"
}

# column ROW COLUMN: of a table.
column() { awk -v row="$1" -v column="$2" 'NR == row { print $column }'; }

# What there is to do with the guest of try_xenops, whose id, log and text these are.
try_more_of_xenops() {
    local saved=/root/by-xenops.saved
    check "xenops: block-attach" said_by block-attach $name file:/storage/disks/$name-later.raw,xvdb,r
    expect_text "xenops: the guest reads it" "$log" "DISK xvdb text that came later" 60
    check "xenops: network-attach" said_by network-attach $name bridge=xenbr0,vifname=ops0,rate=100Mb/s
    expect_text "xenops: the guest uses it" "$log" "NET ok" 60
    equal "xenops: block-list" "$(said_by block-list $name | column 3 4)" Connected
    equal "xenops: network-list" "$(said_by network-list $name | column 2 4)" Connected
    check "xenops: the card's interface has the name" test -e /sys/class/net/ops0
    check "xenops: network-detach" said_by network-detach $name 0
    check "xenops: block-detach" said_by block-detach $name xvdb
    equal "xenops: list_devices, one disk is left" "$(said_by list_devices $name | wc -l)" 1
    equal "xenops: list -l" "$(said_by list --json $name | grep -c '"paused": false')" 1
    equal "xenops: uptime" "$(said_by uptime $name | column 2 3 | grep -c '^0:0[0-9]:[0-9][0-9]$')" 1
    equal "xenops: vcpu-list" "$(said_by vcpu-list $name | awk 'NR == 2 { print $1, $2, $3 }')" "$name $id 0"
    check "xenops: vcpu-pin" said_by vcpu-pin $name 0 1
    equal "xenops: affinity_get" "$(said_by affinity_get -domid "$id" -vcpu 0)" 01
    check "xenops: sched-credit sets" said_by sched-credit -d $name -w 512 -c 80
    equal "xenops: sched-credit shows" "$(said_by sched-credit -d $name | awk 'NR == 2 { print $3, $4 }')" "512 80"
    check "xenops: mem-set" said_by mem-set $name 92
    equal "xenops: the guest is asked for it" "$(xenstore-read "/local/domain/$id/memory/target")" 94208
    equal "xenops: info" "$(said_by info | grep -c '^nr_cpus = 2$')" 1
    check "xenops: pcpuinfo" said_by pcpuinfo
    check "xenops: dmesg" grep -q 'Xen version' <(xenops dmesg)
    check "xenops: grants a port" said_by add_ioport -domid "$id" -start 0x2f8 -end 0x300
    check "xenops: revokes it" said_by del_ioport -domid "$id" -start 0x2f8 -end 0x300
    check "xenops: save" said_by save $name $saved
    equal "xenops: saved, it is gone" "$(xl domid $name 2>/dev/null)" ""
    check "xenops: restore, by its file alone" said_by restore $saved
    rm -f $saved
    ticking $name "xenops: restored, it goes on"
    said_by migrate $name "xenops migrate-receive -name moved" -ssh "" >/dev/null
    check "xenops: migrate is refused by default" grep -q 'migration into this host is off' $text
    ticking $name "xenops: refused, it goes on"
    printf '%s\n' 'relocation-server yes' 'relocation-hosts-allow ^localhost$' >/etc/xenbroker/xenops.conf
    check "xenops: migrate, through a pipe" said_by migrate $name "xenops migrate-receive -name moved" -ssh ""
    equal "xenops: migrated, it is gone" "$(xl domid $name 2>/dev/null)" ""
    ticking moved "xenops: migrated, it goes on"
    said_by list >/dev/null
}

# try_xenops [full]: a PV guest from a file in the style of xl, by xenops alone; full: with devices, resources, saving and
# migration (to the same host, under another name).
try_xenops() {
    local id log before text=/bench/out/xenops.txt name=by-xenops
    log=$(console_log $name)
    mkdir -p /bench/out
    make_disk /storage/disks/$name.raw 8 "text on the disk of $name"
    make_disk /storage/disks/$name-later.raw 8 "text that came later"
    cat >/root/$name.cfg <<CONFIG
name = "$name"      # as xl has it
type = 'pv'
memory = 96
kernel = "$guestKernel"
ramdisk = "$guestInitrd"
extra = "console=hvc0 loglevel=3 net.ifnames=0 xbaddr=10.9.0.14/24 xbtest=disk${1:+,disk:xvdb,net}"
disk = [ 'file:/storage/disks/$name.raw,xvda,r',
       ]
on_crash = "destroy"
CONFIG
    check "xenops: dry run" xenops create -n /root/$name.cfg
    check "xenops: create" said_by create -paused /root/$name.cfg || return
    id=$(xl domid $name)
    equal "xenops: list, paused" "$(said_by list $name | awk 'NR == 2 { print $1, $2, $3, $4, $5 }')" "$name $id 96 1 --p---"
    equal "xenops: list_domains, paused" "$(said_by list_domains "$id" | awk -F ' [|] ' 'NR == 2 { print $2 }')" "  P   "
    equal "xenops: uuid" "$(xenops dom-uuid -domid "$id")" "$(xl vm-list | awk -v id="$id" '$2 == id { print $1 }')"
    before=$(line_count "$log")
    check "xenops: unpause" said_by unpause $name
    expect_text "xenops: user space" "$log" DOMU-UP 120 "$before" || return
    if [ "${1:-}" = full ]; then
        try_more_of_xenops
        name=moved
    fi
    check "xenops: console" grep -aqm 1 DOMU-TICK <(timeout $((20 * scale)) xenops console $name </dev/null 2>&1)
    check "xenops: shutdown" said_by shutdown $name -poweroff -sync -wait 60
    equal "xenops: list, stopped" "$(said_by list $name | awk 'NR == 2 { print $5 }')" "---s--"
    check "xenops: destroy" said_by destroy $name
    equal "xenops: it is gone" "$(xl domid $name 2>/dev/null)" ""
    said_by destroy $name >/dev/null
    equal "xenops: there is none to destroy" "$(tail -n 1 $text | grep -c 'there is no domain')" 1
}

try_refusals() {
    local vm text
    vm=$(new_vm refused pv 10.9.0.8/24)
    xec -o "$vm" set kernel /not/there
    text=$(xec-vm -n refused start 2>&1)
    equal "refusal: missing kernel, status" $? 2
    equal "refusal: missing kernel, text names it" "$(grep -c /not/there <<<"$text")" 1
    xec -o "$vm" set kernel "$guestKernel"
    xec -o "$vm" set memory 100000
    text=$(xec-vm -n refused start 2>&1)
    equal "refusal: no memory, status" $? 2
    equal "refusal: no memory, text" "$(grep -ci 'not enough memory' <<<"$text")" 1
    equal "refusal: stays stopped" "$(state refused)" stopped
    check "refusal: delete" xec-vm -n refused delete
}

make_bridge xenbr0 10.9.0.1/24
t0
if start_platform; then ok "platform: up"; else
    fail "platform: up" "$(tail -n 20 /var/log/xenbroker/*.log)"
    summary
fi
equal "host: is on Xen" "$(xec -o /host get state)" idle
check "host: memory" test "$(xec -o /host get total-mem)" -gt 500
parts=("$@")
[ $# -gt 0 ] || parts=(pv pvh by-itself crash devices proxy refusals xenops)
for part in "${parts[@]}"; do
    case $part in
        pv)
            try_guest guest-pv pv 10.9.0.2/24
            suspend_and_resume guest-pv pv
            kill_daemons guest-pv
            reboot_and_stop guest-pv pv
            ;;
        pvh)
            try_guest guest-pvh pvh 10.9.0.3/24
            reboot_and_stop guest-pvh pvh
            ;;
        by-itself)
            guest_ends ending-pv pv 10.9.0.4/24
            guest_ends ending-pvh pvh 10.9.0.5/24
            ;;
        crash) try_crash ;;
        devices) try_devices ;;
        proxy) try_proxy ;;
        refusals) try_refusals ;;
        xenops) try_xenops ;;
        xenops-full) try_xenops full ;;
        xenops-pv | xenops-pvh) try_xenops_saving "${part#*-}" 10.9.0.15/24 ;;
        saving-pv | saving-pvh) try_vm_saving "${part#*-}" 10.9.0.16/24 ;;
        *) fail "$part" "there is no such part" ;;
    esac
done
kill %1
wait %1
equal "end: bootage" $? 0
equal "end: no daemon left" "$(pgrep -f "$libexec/")" ""
equal "end: no loop device left" "$(losetup -a)" ""
equal "end: no domain left" "$(xl list | awk 'NR > 2')" ""
mkdir -p /bench/out
cp -r /var/log/xenbroker /bench/out/
summary
