# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For scripts that run in the bench's dom0: `. /bench/lib.sh`. Results as lines, waiting for text and for domains,
# guests' configuration and consoles. A script calls ok or fail for everything it checks and ends with `summary`, which
# prints the totals and exits 1 if anything failed. All seconds are multiplied by XENBENCH_SCALE.
#
#   PASS pv boots (4.1 s)
#   FAIL pv stops: still there after 30 s
#   11 passed, 1 failed

passed=0
failed=0
consoleDir=/var/log/xen/console
guestKernel=/guest/vmlinux.gz # ELF, for PV and PVH; HVM needs /guest/vmlinuz
guestInitrd=/guest/initrd
scale=${XENBENCH_SCALE:-1}

# Tenths of seconds since dom0's boot.
tenths() {
    local uptime rest
    read -r uptime rest </proc/uptime
    echo $((10#${uptime/./} / 10))
}

# t0: the time of the next result counts from here (it also does from the last result).
t0() { startTenths=$(tenths); }
t0

# ok NAME
ok() {
    local spent=$(($(tenths) - startTenths))
    echo "PASS $1 ($((spent / 10)).$((spent % 10)) s)"
    passed=$((passed + 1))
    t0
}

# fail NAME WHY
fail() {
    echo "FAIL $1: $2"
    failed=$((failed + 1))
    t0
}

# check NAME COMMAND...: ok or fail by the status of COMMAND; its output is shown when it fails.
check() {
    local name=$1 output status
    shift
    output=$("$@" 2>&1)
    status=$?
    if [ $status = 0 ]; then ok "$name"; else fail "$name" "'$*' gave status $status: $output"; fi
    return $status
}

# equal NAME GOT WANT
equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', want '$3'"; fi
}

# summary: prints the totals and ends the script. A script without a single result has failed.
summary() {
    echo "$passed passed, $failed failed"
    [ $failed = 0 ] && [ $passed -gt 0 ]
    exit
}

# console_log NAME: the file with a guest's console output.
console_log() { echo "$consoleDir/guest-$1.log"; }

# wait_for_text FILE TEXT SECONDS [AFTER_LINES]: waits until a line of FILE, which need not exist yet, holds TEXT (not a
# pattern). With AFTER_LINES only lines behind the first that many count (line_count FILE, taken before the cause).
wait_for_text() {
    timeout $(($3 * scale)) tail -s 0.2 -n "+$((${4:-0} + 1))" -F "$1" 2>/dev/null | grep -aqm 1 -F -- "$2"
}

# line_count FILE
line_count() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# expect_text NAME FILE TEXT SECONDS [AFTER_LINES]: wait_for_text as a result; shows the end of FILE when it fails.
expect_text() {
    if wait_for_text "${@:2}"; then
        ok "$1"
    else
        fail "$1" "no '$3' in $2 after $(($4 * scale)) s; its end: $(tail -n 5 "$2" 2>&1)"
        return 1
    fi
}

# wait_until SECONDS COMMAND...: runs COMMAND at each change of domains, or of what xenstore has of them and of VMs' states,
# until it succeeds, and a last time at the end.
wait_until() {
    local watch pid status=1 end=$((SECONDS + $1 * scale))
    shift
    exec {watch}< <(exec xenstore-watch @introduceDomain @releaseDomain /local/domain /state 2>/dev/null)
    pid=$!
    while [ $SECONDS -lt $end ]; do
        if "$@" >/dev/null 2>&1; then
            status=0
            break
        fi
        read -r -t $((end - SECONDS)) -u "$watch" || break
    done
    kill "$pid" 2>/dev/null
    exec {watch}<&-
    [ $status = 0 ] || "$@" >/dev/null 2>&1
}

no_domain() { ! xl domid "$1"; }
# shellcheck disable=SC2317 # called through wait_until
other_domid() {
    local id
    id=$(xl domid "$1") && [ "$id" != "$2" ]
}

# wait_domain_gone NAME SECONDS
wait_domain_gone() { wait_until "$2" no_domain "$1"; }

# wait_new_domid NAME OLD_DOMID SECONDS: waits until NAME runs as another domain (after a reboot).
wait_new_domid() { wait_until "$3" other_domid "$1" "$2"; }

# ticks NAME: how often a guest of the bench said that it runs (once a second).
ticks() { grep -ac DOMU-TICK "$(console_log "$1")"; }

# make_bridge NAME ADDRESS/BITS
make_bridge() {
    [ -e "/sys/class/net/$1" ] || ip link add "$1" type bridge
    ip addr add "$2" dev "$1"
    ip link set "$1" up
}

# make_disk FILE MIB TEXT: a raw image that begins with TEXT.
make_disk() {
    truncate -s "$2M" "$1"
    printf '%s\n' "$3" | dd of="$1" conv=notrunc status=none
}

# guest_config NAME TYPE STEPS [LINE...]: writes /root/NAME.cfg for xl: a guest of TYPE (pv, pvh) that does STEPS (see
# domu-init; "" for none), with further LINEs.
guest_config() {
    local name=$1 type=$2 steps=$3
    shift 3
    printf '%s\n' "name=\"$name\"" "type=\"$type\"" "kernel=\"$guestKernel\"" "ramdisk=\"$guestInitrd\"" \
        "extra=\"console=hvc0 loglevel=3 net.ifnames=0 ${steps:+xbtest=$steps}\"" 'memory=96' 'vcpus=1' "$@" \
        >"/root/$name.cfg"
}

# add_programs DIR FILE...: programs of dom0 with their libraries, for guest_initrd. Of a library that the guests'
# initramfs has already this is the same.
add_programs() {
    local dir=$1 library program
    shift
    mkdir -p "$dir/usr/bin"
    for program; do
        cp -L "$program" "$dir/usr/bin/"
        ldd "$program" | awk '$2 == "=>" { print $3 }' | while read -r library; do
            case $library in /usr/*) ;; *) library=/usr$library ;; esac # a directory would take the place of the link /lib
            mkdir -p "$dir$(dirname "$library")"
            cp -L "$library" "$dir$library"
        done
    done
}

# guest_initrd DIR FILE: the guests' initramfs with DIR laid over it (DIR/domu-script runs in the guest).
# In one gzip member: libxl unpacks it, and takes nothing behind the first one.
guest_initrd() {
    { zcat "$guestInitrd" && cd "$1" && find . -mindepth 1 | busybox cpio -o -H newc 2>/dev/null; } | gzip -1 >"$2"
}
