#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo-xen.sh TREE ONCE: the platform installed in TREE on real Xen in QEMU, with a real Linux guest. Called by ./run --xen.
set -euo pipefail
tree=$1 once=$2
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
say "booting Xen and Debian in QEMU (software emulation: half a minute; the first time images are made before)"
overlay=$(mktemp -d "${TMPDIR:-/tmp}/xenbroker-overlay.XXXXXX")
trap 'rm -rf "$overlay"' EXIT
mkdir -p "$overlay/usr"
cp -a "$tree/." "$overlay/usr/"
options=(-t 600)
if [ "$once" = 0 ]; then
    read -r rows columns < <(stty size)
    [ "$rows" -gt 0 ] || rows=24 columns=80 # a terminal that does not know
    # A second attempt would be a surprise; a day is enough for anybody.
    options=(-t 86400 -1 -i -e "BENCH_ROWS=$rows" -e "BENCH_COLUMNS=$columns" -e "BENCH_TERM=${TERM:-linux}")
fi
status=0
"$top/tests/xen/bench/run-in-dom0" "${options[@]}" -o "$overlay" "$top/scripts/demo-dom0.sh" "$once" || status=$?
[ $status = 0 ] || die "the run on Xen ended with status $status; logs are in ${XENBENCH_CACHE:-~/.cache/xenbroker/xen-bench}/logs"
say "every step worked"
