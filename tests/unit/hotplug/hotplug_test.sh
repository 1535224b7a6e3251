#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hotplug_test.sh DIRECTORY: the hotplug scripts in DIRECTORY, with commands that write down how they are called in the
# place of ip, nft and xenstore's, and with a /sys and /proc of the test's own.
set -eu
scripts=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
mkdir -p "$work/bin" "$work/store" "$work/root/sys/class/net/br0/bridge" "$work/root/sys/class/net/vif5.0" \
    "$work/root/proc/sys/net/ipv4/conf/vif5.0"
echo 1500 >"$work/root/sys/class/net/br0/mtu"

program() {
    cat >"$work/bin/$1"
    chmod 755 "$work/bin/$1"
}
program ip <<'S'
#!/bin/sh
echo "ip $*" >>"$WORK/calls"
case "$*" in *"$(cat "$WORK/ip-fails" 2>/dev/null || echo "(nothing)")"*) echo "ip says no" >&2; exit 2 ;; esac
S
program nft <<'S'
#!/bin/sh
echo "nft $*" >>"$WORK/calls"
[ "$1" != -a ] || cat "$WORK/nft-list" 2>/dev/null
S
program xenstore-read <<'S'
#!/bin/sh
cat "$WORK/store/${1##*/}" 2>/dev/null
S
program xenstore-write <<'S'
#!/bin/sh
while [ $# -gt 1 ]; do
    printf %s "$2" >"$WORK/store/${1##*/}"
    shift 2
done
S
export WORK="$work" XENBROKER_HOTPLUG_ROOT="$work/root" XENBUS_PATH=backend/vif/5/0 PATH="$work/bin:$PATH"

# begin [NODE VALUE]...: the nodes of the backend.
begin() {
    rm -rf "$work/store" "$work/calls" "$work/ip-fails" "$work/nft-list"
    mkdir "$work/store"
    : >"$work/calls"
    while [ $# -gt 1 ]; do
        printf %s "$2" >"$work/store/$1"
        shift 2
    done
}
# script STATUS NAME ARGUMENT...
script() {
    want=$1 name=$2 status=0
    shift 2
    vif=vif5.0 "$scripts/$name" "$@" 2>"$work/said" || status=$?
    [ "$status" = "$want" ] || wrong "$name $*: status $status, not $want: $(cat "$work/said")"
}
wrong() {
    echo "WRONG: $*"
    failures=$((failures + 1))
}
is() { [ "$2" = "$3" ] || wrong "$1: '$2', not '$3'"; }
called() { grep -qxF -- "$1" "$work/calls" || wrong "not called: $1; but: $(cat "$work/calls")"; }
stored() { cat "$work/store/$1" 2>/dev/null || echo nothing; }

begin bridge br0
script 0 vif-bridge online type_if=vif
is status "$(stored hotplug-status)" connected
called "ip link set dev vif5.0 address fe:ff:ff:ff:ff:ff"
called "ip link set dev vif5.0 mtu 1500"
called "ip link set dev vif5.0 master br0"
called "ip link set dev vif5.0 up"
script 0 vif-bridge offline type_if=vif
called "ip link set dev vif5.0 nomaster"

begin bridge br0 mtu 9000 vifname web0
script 1 vif-bridge online type_if=vif
called "ip link set dev vif5.0 name web0" # after which the real ip would have made it
mkdir "$work/root/sys/class/net/web0"
script 0 vif-bridge online type_if=vif
called "ip link set dev web0 mtu 9000"
called "ip link set dev web0 master br0"
rmdir "$work/root/sys/class/net/web0"

begin bridge br9
script 1 vif-bridge online type_if=vif
is status "$(stored hotplug-status)" error
is reason "$(stored hotplug-error)" "there is no bridge br9 on this machine"
begin
script 1 vif-bridge online type_if=vif
begin bridge br0
echo "master br0" >"$work/ip-fails"
script 1 vif-bridge online type_if=vif
is reason "$(stored hotplug-error)" "'ip link set dev vif5.0 master br0' failed: ip says no"
begin bridge br0
script 1 vif-bridge dance type_if=vif

# The end of an emulated card: nobody waits for a status.
begin bridge br0
mkdir -p "$work/root/sys/class/net/tap5.0"
INTERFACE=tap5.0 script 0 vif-bridge add type_if=tap
called "ip link set dev tap5.0 master br0"
is status "$(stored hotplug-status)" nothing

begin ip "10.1.2.3 10.1.2.4/24"
script 0 vif-route online type_if=vif
called "ip route replace 10.1.2.3/32 dev vif5.0"
called "ip route replace 10.1.2.4/32 dev vif5.0"
is proxy_arp "$(cat "$work/root/proc/sys/net/ipv4/conf/vif5.0/proxy_arp")" 1
is ip_forward "$(cat "$work/root/proc/sys/net/ipv4/ip_forward")" 1
is status "$(stored hotplug-status)" connected
script 0 vif-route offline type_if=vif
called "ip route del 10.1.2.3/32 dev vif5.0"
begin ip '10.1.2.3;reboot'
script 1 vif-route online type_if=vif
is reason "$(stored hotplug-error)" "'10.1.2.3;reboot' is not an IPv4 address"
is calls "$(cat "$work/calls")" ""
begin
script 1 vif-route online type_if=vif

begin ip 10.1.2.3
printf '%s\n' ' ip saddr 10.1.2.3 oifname != "vif5.0" masquerade comment "vif5.0" # handle 7' \
    ' ip saddr 10.1.2.9 oifname != "vif5.00" masquerade comment "vif5.00" # handle 8' >"$work/nft-list"
script 0 vif-nat online type_if=vif
called 'nft add rule ip xenbroker_nat postrouting ip saddr 10.1.2.3 oifname != vif5.0 masquerade comment "vif5.0"'
called "nft delete rule ip xenbroker_nat postrouting handle 7"
! grep -q "handle 8" "$work/calls" || wrong "the rule of another device is deleted"
script 0 vif-nat offline type_if=vif

[ "$failures" = 0 ] || exit 1
echo "hotplug scripts: all as expected"
