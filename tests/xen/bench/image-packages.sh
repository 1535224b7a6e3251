# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The packages part of make-image: which Debian packages make up dom0, fetching them with `apt-get download`,
# unpacking them into a private sysroot, and getting the kernel out of its bzImage. Nothing is installed and no root
# is needed. Fails (status 125) when a package cannot be had; owns $CACHE/debs and $CACHE/sysroot.
# Uses CACHE, SYS, XENVER, FORCE and say/die of its includer.

# What runs in dom0. Libraries are not listed: they are found with ldd, in the sysroot first, then on the host.
dom0Packages="xen-hypervisor-$XENVER-amd64 xen-utils-$XENVER xen-utils-common xenstore-utils
    busybox-static bash coreutils util-linux mount grep sed findutils procps iproute2 kmod libkmod2 qemu-utils
    dbus dbus-daemon dbus-bin dbus-system-bus-common dbus-session-bus-common libc-bin
    ${XENBENCH_PACKAGES:-}"
# The device model, for HVM guests and qdisk backends (30 MB of dom0's memory).
hvmPackages="qemu-system-xen qemu-system-data seabios ipxe-qemu"

# The names of all packages to unpack, sorted, one a line.
wanted_packages() {
    local kernel
    kernel=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
    [ -n "$kernel" ] || die "apt knows no linux-image-amd64: run 'apt-get update' on a Debian 12 machine"
    {
        tr -s ' \n' '\n' <<<"$dom0Packages $kernel"
        [ "${XENBENCH_HVM:-1}" != 1 ] || tr ' ' '\n' <<<"$hvmPackages"
        # The libraries of Xen, which need not be installed on the host.
        apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
            --no-enhances "xen-utils-$XENVER" xenstore-utils | grep -E '^(libxen|libyajl|libfdt)'
    } | sed '/^$/d' | sort -u
}

# Fills $SYS with the unpacked packages, unless it holds just these already.
fetch_packages() {
    local want deb dir
    want=$(wanted_packages)
    if [ "$FORCE" = 0 ] && [ -e "$SYS" ] && [ "$(cat "$CACHE/debs/list" 2>/dev/null)" = "$want" ]; then return; fi
    say "fetching $(wc -l <<<"$want") packages into $CACHE"
    rm -rf "$CACHE/debs" "$SYS" "$SYS.new"
    mkdir -p "$CACHE/debs"
    # shellcheck disable=SC2086 # a list of names
    (cd "$CACHE/debs" && apt-get download $want >apt.log 2>&1) || {
        cat "$CACHE/debs/apt.log" >&2
        die "apt-get download failed"
    }
    merged_usr "$SYS.new"
    for deb in "$CACHE"/debs/*.deb; do
        dpkg --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$SYS.new"
    done
    for dir in "$SYS.new"/usr/lib/modules/*/; do KVER=$(basename "$dir"); done
    kmod_as depmod -b "$SYS.new" "$KVER"
    mv "$SYS.new" "$SYS"
    echo "$want" >"$CACHE/debs/list"
}

# merged_usr DIR: makes DIR with /bin, /sbin, /lib, /lib64 as links into /usr, as on Debian 12.
merged_usr() {
    local dir
    mkdir -p "$1"/usr/{bin,sbin,lib,lib64}
    for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$1/$dir"; done
}

# kmod_as NAME ARG...: runs depmod or modprobe of the unpacked kmod (the host need not have one).
kmod_as() {
    local root=$SYS
    [ -e "$root" ] || root=$SYS.new
    (LD_LIBRARY_PATH=$root/$LIBDIR exec -a "$1" "$root/usr/bin/kmod" "${@:2}")
}

# number FILE OFFSET BYTES: an unsigned little-endian number of a file.
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# unpack_kernel BZIMAGE ELF: the kernel as a plain ELF file. Unpacking it here saves seconds of every boot under
# emulation. Linux boot protocol: setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c.
unpack_kernel() {
    local sectors offset length
    sectors=$(number "$1" 497 1)
    [ "$sectors" -ne 0 ] || sectors=4
    offset=$(number "$1" 584 4)
    length=$(number "$1" 588 4)
    # --single-stream: the kernel's build appends the unpacked size to the stream.
    dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip=$(((sectors + 1) * 512 + offset)) count="$length" status=none |
        xz -dc --single-stream >"$2.new" || die "the kernel in $1 is not packed with xz"
    mv "$2.new" "$2"
}
