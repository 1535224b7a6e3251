#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# features_test.sh TOP: what docs/features.md names in backquotes is there: tests, files, parts of the tests on real Xen,
# keys and methods of xenvm, properties and methods of VMs, sub-commands of xenops; and its rows are well-formed. That a
# wrong name is found is tried first, each time.
set -euo pipefail
top=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/features_test.XXXXXX")
trap 'rm -r "$work"' EXIT

# Each GoogleTest test as Suite.Name; the formatter breaks long lines.
find "$top/tests" -name '*.cpp' -exec cat {} + | tr '\n' ' ' |
    sed -nE 's/TEST(_F|_P)?\( *([A-Za-z0-9_]+), *([A-Za-z0-9_]+) *\)/\n@\2.\3\n/gp' | sed -n 's/^@//p' | sort >"$work/tests"

# known WHAT WORD PATTERN FILE...: a file has a line like this.
known() { grep -qsE -- "$3" "${@:4}" || echo "$1 \"$2\" is not there"; }

# vm_command WORD...: of `xec-vm -n NAME ...`: a property, or a method of VMs.
vm_command() {
    while [[ ${1:-} == -* ]]; do
        if [ "$1" = -n ]; then shift; fi
        shift
    done
    case ${1:-} in
        '' | console | getall) ;;
        get | set) known property "$2" "\.name = \"$2\"" "$top/xenmgr/vm_properties.cpp" ;;
        *) known method "$1" "method name=\"${1//-/_}\"" "$top/idl/xenmgr_vm.xml" ;;
    esac
}

# check_word WORD...: says what is wrong with it.
check_word() {
    local part
    case $1 in
        xec-vm) vm_command "${@:2}" ;;
        monitor) known "method of xenvm" "$2" "method name=\"$2\"" "$top/idl/xenvm.xml" ;;
        xenops) known sub-command "$2" "\"$2\"" "$top"/toolstack/xenops/*_commands.cpp ;;
        /*) ;; # of a machine, not of the repository
        */*) if [ $# = 1 ] && [ ! -e "$top/$1" ]; then echo "file \"$1\" is not there"; fi ;;
        *.sh)
            if [ ! -e "$top/tests/xen/$1" ]; then echo "file \"tests/xen/$1\" is not there"; fi
            for part in "${@:2}"; do known "part of $1" "$part" "^ +([a-z-]+ [|] )*$part([ |a-z-]*)\)" "$top/tests/xen/$1"; done
            ;;
        [A-Z]*.[A-Za-z]*)
            if [ $# = 1 ] && ! grep -qxF -- "$1" "$work/tests"; then echo "test \"$1\" is not there"; fi
            ;;
        *) if [ "${2:-}" = = ]; then known "key of xenvm" "$1" "^ +\{?\"$1\"," "$top/toolstack/xenvm/config_keys.cpp"; fi ;;
    esac
}

# complaints PAGE
complaints() {
    local words
    grep -o '`[^`]*`' "$1" | tr -d '`' | sort -u >"$work/words" || true
    while read -ra words; do check_word "${words[@]}"; done <"$work/words"
    awk -F ' *[|] *' '
        /^\| *[0-9]/ {
            if ($2 !~ /^[0-4]\.[0-9a-f]+$/) print "\"" $2 "\" is not the number of a row"
            if (seen[$2]++) print "row " $2 " is there twice"
            if ($4 !~ /^(works|emulated|untried|partly|not there|not ours)$/) print "row " $2 " has the status \"" $4 "\""
            if (NF != 6) print "row " $2 " has " NF - 2 " columns"
        }
        END { if (length(seen) == 0) print "there are no rows" }' "$1"
}

cat >"$work/wrong.md" <<'PAGE'
| row | feature | status | how |
|---|---|---|---|
| 1.01 | right | works | `XenopsWords.pciAddresses`, `docs/features.md`, `platform.sh pv`, `libxl.sh saving-pv`, `memory =`, `monitor set_vcpus`, `xenops list`, `xec-vm -n demo set memory 64`, `xec-vm --wait=9 -n demo start`, `/etc`, `LIBXL_X=1` |
| 1.02 | wrong | works | `XenopsWords.pciAddress`, `docs/feature.md`, `platform.sh pvx`, `platforms.sh`, `memoryx =`, `monitor set_vcpu`, `xenops lists`, `xec-vm -n demo set memoryx 64`, `xec-vm -n demo starts` |
| 1.02 | twice | works | |
| 1.03 | status | fine | |
| 1.0x | number | works | |
| 1.04 | columns | works |
PAGE
complaints "$work/wrong.md" >"$work/found"
if [ "$(wc -l <"$work/found")" != 13 ]; then
    echo "of 13 mistakes in a page made for that, these are found:"
    cat "$work/found"
    exit 1
fi
complaints "$top/docs/features.md" >"$work/found"
if [ -s "$work/found" ]; then
    echo "docs/features.md:"
    cat "$work/found"
    exit 1
fi
