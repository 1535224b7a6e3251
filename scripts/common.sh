# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What ./run and ./test share: installing missing packages and building. Sourced; `top` is the top of the tree.
: "${top:?set by the script that sources this}"

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { echo "${bold}==>${plain} $*" >&2; }
die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# missing_packages FILE...: the packages listed there that are not installed.
missing_packages() {
    local package
    sed 's/#.*//' "$@" | while read -r package; do
        [ -z "$package" ] ||
            [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || echo "$package"
    done
}

# need_packages FILE...: installs them as root; tells an ordinary user what to install and ends.
need_packages() {
    local missing
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "Packages are missing. Have them installed with:" >&2
        echo "  sudo apt-get install -y --no-install-recommends ${missing% }" >&2
        exit 1
    fi
    say "installing packages: $missing"
    local log
    log=$(mktemp "${TMPDIR:-/tmp}/xenbroker-apt.XXXXXX")
    # shellcheck disable=SC2086 # one word each
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "apt-get failed; all of its output is in $log"
    fi
    rm -f "$log"
}

# jobs_here: as many compilers as there are processors, but no more than memory allows (1.5 GiB each).
jobs_here() {
    local cpus memory
    cpus=$(nproc)
    memory=$(awk '/^MemAvailable/ { print int($2 / 1572864) }' /proc/meminfo)
    echo $((memory < 1 ? 1 : memory < cpus ? memory : cpus))
}

# build PRESET [TARGET...]: configures and builds in build/PRESET. Progress goes to the terminal; otherwise a line a tenth.
build() {
    local preset=$1
    shift
    local directory=$top/build/$preset log=$top/build/$preset.log
    mkdir -p "$top/build"
    say "configuring ($preset)"
    (cd "$top" && cmake --preset "$preset") >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "cmake failed; see $log"
    }
    say "building ($preset; the first time takes some minutes)"
    if [ -t 2 ]; then
        NINJA_STATUS='[%p of %t steps, %e s] ' ninja -C "$directory" -j "$(jobs_here)" "$@" >&2 ||
            die "the build failed"
    else
        NINJA_STATUS='[%p] ' ninja -C "$directory" -j "$(jobs_here)" "$@" >>"$log" 2>&1 || {
            grep -E -A5 'error|FAILED' "$log" | tail -n 60 >&2
            die "the build failed; see $log"
        }
    fi
}

# install_tree PRESET PREFIX: what is built, as it would be installed.
install_tree() {
    cmake --install "$top/build/$1" --strip --prefix "$2" >"$top/build/$1-install.log" 2>&1 || {
        tail -n 20 "$top/build/$1-install.log" >&2
        die "installing into $2 failed"
    }
}
