#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the container of run-units, as a unit of its systemd.
set -u
passed=0 failed=0
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >/check/last 2>&1; then
        passed=$((passed + 1))
        echo "PASS $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name: $* said: $(tail -n 3 /check/last)"
    fi
}
is() { [ "$1" = "$2" ] || { echo "'$1', not '$2'"; return 1; }; }
property() { systemctl show --value -p "$1" "$2"; }
# Until COMMAND works; a minute at most, ten looks a second: systemd has no event for a shell.
soon() {
    local i
    for ((i = 0; i < 600; ++i)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        read -rt 0.1 <> <(:) || true
    done
    "$@"
}
# Adds to a unit what makes it run here.
drop_in() { # UNIT
    mkdir -p "/etc/systemd/system/$1.service.d"
    cat >"/etc/systemd/system/$1.service.d/emulated.conf"
}
libexec=$TREE/libexec/xenbroker
emulated="--hypervisor emulated --emulator-directory /run/xen-emulator"

# As it is: no Xen.
check "dbd runs" is "$(property ActiveState dbd)" active
for unit in xenmgr rpc-proxy-services rpc-proxy-guests rpc-proxy-browsers; do
    check "$unit: off Xen it is passed over" is "$(property ConditionResult $unit) $(property ActiveState $unit)" "no inactive"
done
check "nothing has failed" is "$(systemctl list-units --failed --plain --no-legend)" ""

# On the emulated hypervisor.
cat >/etc/systemd/system/xen-emulator.service <<END
[Service]
Type=notify
KillMode=mixed
ExecStart=$libexec/xen-emulator --directory /run/xen-emulator
ExecStartPost=/bin/sh -c "chgrp -R xenbroker-proxy /run/xen-emulator && chmod -R g+rwX /run/xen-emulator"
END
drop_in xenmgr <<END
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=$libexec/xenmgr $emulated
END
echo "allow all" >/etc/all.rules
drop_in rpc-proxy-guests <<END
[Unit]
ConditionPathExists=
[Service]
RuntimeDirectory=guests
ExecStart=
ExecStart=$libexec/rpc-proxy -i unix:/run/guests/bus -d 7 -r /etc/all.rules --no-vm-rules $emulated
END
systemctl daemon-reload
check "the emulator starts" systemctl start xen-emulator
check "xenmgr starts" systemctl start xenmgr
check "rpc-proxy starts" systemctl start rpc-proxy-guests
vm=$(xec create-vm-with-template new-vm-linux)
check "xec makes a VM" is "${vm:0:4}" /vm/
echo "no kernel" >/kernel
for pair in virt-type=pvh kernel=/kernel memory=32 name=demo; do
    check "$pair" xec -o "$vm" -i com.citrix.xenclient.xenmgr.vm set "${pair%%=*}" "${pair#*=}"
done
check "it starts" xec-vm --wait=30 -n demo start
monitor=$(pgrep -x xenvm)
check "it has a monitor" test -n "$monitor"
check "xenmgr starts again" systemctl restart xenmgr
check "its monitor has not noticed" is "$(pgrep -x xenvm)" "$monitor"
check "and the VM runs" is "$(xec-vm -n demo --get state)" running

first=$(property MainPID dbd)
kill -9 "$first"
restarted() { [ "$(property ActiveState dbd)" = active ] && [ "$(property MainPID dbd)" != "$first" ]; }
check "dbd comes back" soon restarted
check "with all that was in it" soon is "$(xec-vm -n demo --get name)" demo

proxy=$(property MainPID rpc-proxy-guests)
check "rpc-proxy has its own user" is "$(stat -c %U "/proc/$proxy")" xenbroker-proxy
check "and no capability" grep -q '^CapEff:[[:space:]]*0*$' "/proc/$proxy/status"
check "a call through it" busctl --address=unix:path=/run/guests/bus call com.citrix.xenclient.xenmgr / com.citrix.xenclient.xenmgr list_vms
check "the VM shuts down" xec-vm --wait=30 -n demo shutdown
check "everything stops" systemctl stop rpc-proxy-guests xenmgr xen-emulator dbd
check "nothing has failed in the end" is "$(systemctl list-units --failed --plain --no-legend)" ""
journalctl --no-pager -b >/check/journal 2>&1
echo "$passed passed, $failed failed"
