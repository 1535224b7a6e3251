# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the host side of the real-Xen bench shares: where things are kept, messages, the time scale, the lock.
# Sourced by make-image, run-in-dom0 and selftest; BENCH_NAME is set by them before.
#
# Environment:
#   XENBENCH_CACHE      packages and images (default ${XDG_CACHE_HOME:-$HOME/.cache}/xenbroker/xen-bench)
#   XENBENCH_SCALE      whole number by which every time limit is multiplied (default 1; 3 on a busy machine)
#   XENBENCH_LOCK_WAIT  seconds to wait for another run to end (default 3600, not scaled)

CACHE=${XENBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xenbroker/xen-bench}
SCALE=${XENBENCH_SCALE:-1}
# shellcheck disable=SC2034 # used by run-in-dom0
readonly statusTimeLimit=124 statusBench=125

say() { echo "$BENCH_NAME: $*" >&2; }

# die TEXT...: the bench itself failed.
die() {
    say "$*"
    exit "$statusBench"
}

case $SCALE in
    '' | 0 | *[!0-9]*) die "XENBENCH_SCALE must be a whole number above 0, not '$SCALE'" ;;
esac

# Takes the lock on the cache for the rest of this process: images are built and the machine is run by one at a time.
# Held on descriptor 9; children must be started with 9>&-. A parent that holds it says so with XENBENCH_LOCKED=1.
take_lock() {
    [ "${XENBENCH_LOCKED:-0}" = 1 ] && return
    mkdir -p "$CACHE" || die "cannot make the cache directory $CACHE"
    exec 9>"$CACHE/lock" || die "cannot open $CACHE/lock"
    flock -n 9 && return
    say "another run holds $CACHE/lock; waiting"
    flock -w "${XENBENCH_LOCK_WAIT:-3600}" 9 || die "$CACHE/lock was not released in ${XENBENCH_LOCK_WAIT:-3600} s"
}
