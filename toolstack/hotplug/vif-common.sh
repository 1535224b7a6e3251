# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the hotplug scripts of network cards share; each sources this file first. libxl runs them in dom0, udev in driver
# domains, as `SCRIPT online|offline type_if=vif` for a guest's card and `SCRIPT add|remove type_if=tap` for the end of
# its emulated twin, with XENBUS_PATH (backend/vif/DOMID/DEVID), vif and, for a tap, INTERFACE in the environment.
#
# Afterwards: $command (online, offline, add, remove), $dev, and the functions below. A script that fails says why in
# the nodes hotplug-error and hotplug-status and on standard error, and ends with status 1.

root=${XENBROKER_HOTPLUG_ROOT:-} # tests have their own /sys and /proc
command=${1:-}
kind=vif
[ "${2:-}" != type_if=tap ] || kind=tap

# node NAME: a leaf of the backend's directory; empty when there is none.
node() { xenstore-read "$XENBUS_PATH/$1" 2>/dev/null || true; }

fail() {
    echo "$0: ${dev:-${vif:-?}}: $*" >&2
    if [ -n "${XENBUS_PATH:-}" ]; then
        xenstore-write "$XENBUS_PATH/hotplug-error" "$*" "$XENBUS_PATH/hotplug-status" error
    fi
    exit 1
}

# run COMMAND...: or fail with what it said.
run() {
    said=$("$@" 2>&1) || fail "'$*' failed: $said"
}

# connected: for the toolstack, and libxl and xenbackd wait for it. Of the tap nobody asks.
connected() {
    [ "$kind" = tap ] || run xenstore-write "$XENBUS_PATH/hotplug-status" connected
}

exists() { [ -e "$root/sys/class/net/$1" ]; }

# An address of IPv4, with or without /BITS: nothing else may get into a command line.
is_address() {
    case $1 in
        '' | *[!0-9./]* | */*/* | *..*) return 1 ;;
        *.*.*.*) return 0 ;;
        *) return 1 ;;
    esac
}

# guest_addresses: of the node ip, one a line; fails when there is none, or one that is no IPv4 address.
guest_addresses() {
    addresses=$(node ip)
    [ -n "$addresses" ] || fail "the card has no address for its guest: say ip=ADDRESS in the configuration"
    for address in $addresses; do
        is_address "$address" || fail "'$address' is not an IPv4 address"
    done
}

# The address that frames from dom0 have on the guest's wire: no card of the world has it.
quiet_address() { run ip link set dev "$dev" address fe:ff:ff:ff:ff:ff; }

[ -n "${XENBUS_PATH:-}" ] || fail "XENBUS_PATH is not set: run by the toolstack or udev only"
if [ "$kind" = tap ]; then
    dev=${INTERFACE:-}
else
    dev=${vif:-}
    name=$(node vifname)
    if [ -n "$name" ] && [ "$name" != "$dev" ]; then
        if [ "$command" = online ] && ! exists "$name"; then
            run ip link set dev "$dev" down
            run ip link set dev "$dev" name "$name"
        fi
        dev=$name
    fi
fi
[ -n "$dev" ] || fail "the device is not named: vif or INTERFACE is not set"
case $command in
    online | add) exists "$dev" || fail "there is no network device $dev" ;;
    offline | remove) ;;
    *) fail "'$command' is none of online, offline, add and remove" ;;
esac
