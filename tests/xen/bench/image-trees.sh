# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The trees part of make-image: shared libraries, kernel modules and the cpio archives of the guest, of dom0 and of
# an overlay. Owns $CACHE/guest, $CACHE/base, $CACHE/base.cpio. Fails when a program's library is nowhere to be had.
# Uses CACHE, SYS, XENVER, KVER, LIBDIR, BENCH_DIR and say/die of its includer.

# dom0's kernel modules and the guests'; what they depend on is added.
dom0Modules=(xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback xen-pciback bridge tun veth
    loop virtio_pci virtio_blk virtio_console virtio_rng ext4)
guestModules=(xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkfront xen-netfront)

# mkcpio DIR: prints DIR as a newc archive, owned by root.
mkcpio() {
    (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
        "$SYS/bin/busybox" cpio -0 -o -H newc -R 0:0 2>/dev/null)
}

# libs_of DIR...: prints the path of every shared library and program interpreter that the ELF files below need.
# Libraries inside the DIRs themselves are looked at first, then the sysroot, then the host.
libs_of() {
    local path file
    path=$(find "$@" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')$SYS/$LIBDIR
    find "$@" -type f \( -perm /111 -o -name '*.so*' \) -print0 |
        while IFS= read -r -d '' file; do
            [ "$(head -c 4 "$file" | tr -d '\0')" = $'\x7fELF' ] || continue
            # ldd fails for static programs.
            { LD_LIBRARY_PATH=$path ldd "$file" 2>/dev/null || true; } | awk -v file="$file" '
                /not found/              { print "missing " $1 " (for " file ")"; next }
                $2 == "=>" && $3 ~ /^\// { print $3 }
                $1 ~ /^\/lib.*ld-linux/  { print $1 }'
        done | sort -u
}

# add_libs ROOT BASE DIR...: copies the libraries that the DIRs (parts of ROOT) need into ROOT, but not those that BASE
# (another root below it, or "") has.
add_libs() {
    local root=$1 base=$2 lib target dir list
    shift 2
    list=$(libs_of "$@")
    if grep '^missing' <<<"$list" >&2; then die "libraries are missing on this host (above)"; fi
    while read -r lib; do
        [ -n "$lib" ] || continue
        for dir in "$@"; do case $lib in "$dir"/*) continue 2 ;; esac done
        case $lib in
            */ld-linux-x86-64.so.2) target=usr/lib64/ld-linux-x86-64.so.2 ;;
            "$SYS"/* | /lib/x86_64-linux-gnu/* | /usr/lib/x86_64-linux-gnu/*) target=$LIBDIR/${lib##*/} ;;
            *) target=${lib#/} ;; # /usr/local, /opt ...
        esac
        [ ! -e "$root/$target" ] || continue
        [ -z "$base" ] || [ ! -e "$base/$target" ] || continue
        install -D "$lib" "$root/$target"
    done <<<"$list"
}

# add_modules ROOT MODULE...: kernel modules with what they depend on, and a modules.dep.
add_modules() {
    local root=$1 module file
    shift
    mkdir -p "$root/usr/lib/modules/$KVER"
    for module in "$@"; do
        kmod_as modprobe -d "$SYS" -S "$KVER" --show-depends "$module" || die "no kernel module $module"
    done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
        file=${file#"$SYS/"}
        file=usr/${file#usr/}
        install -D -m 644 "$SYS/$file" "$root/$file"
    done
    cp "$SYS/usr/lib/modules/$KVER"/modules.{builtin,builtin.modinfo,order} "$root/usr/lib/modules/$KVER/"
    kmod_as depmod -b "$root" "$KVER"
}

# busybox_applets ROOT: links for what ROOT has no program of its own for.
busybox_applets() {
    local applet
    for applet in $("$SYS/bin/busybox" --list); do
        [ -e "$1/usr/bin/$applet" ] || [ -e "$1/usr/sbin/$applet" ] || ln -s busybox "$1/usr/bin/$applet"
    done
}

# The guest's initramfs: busybox, the frontends, xenstore clients, domu-init.
build_guest() {
    local root=$CACHE/guest name
    rm -rf "$root"
    merged_usr "$root"
    mkdir -p "$root"/{proc,sys,dev,run,tmp,opt,mnt}
    install "$SYS/bin/busybox" "$root/usr/bin/busybox"
    busybox_applets "$root"
    add_modules "$root" "${guestModules[@]}"
    install "$SYS/usr/bin/xenstore" "$root/usr/bin/"
    for name in read write ls list rm exists watch; do ln -s xenstore "$root/usr/bin/xenstore-$name"; done
    add_libs "$root" "" "$root/usr"
    install "$BENCH_DIR/domu-init" "$root/init"
    # The kernel calls these when the toolstack asks for it.
    for name in poweroff reboot; do
        rm -f "$root"/usr/{bin,sbin}/"$name"
        install "$BENCH_DIR/domu-shutdown" "$root/usr/sbin/$name"
    done
    mkcpio "$root" | gzip -1 >"$CACHE/guest.cpio.gz"
}

# Files of the packages that a headless dom0 does not need.
dom0Excluded=(usr/share/{doc,man,locale,info,lintian,bash-completion,i18n,menu,zsh,gdb,awk,gcc}
    usr/share/qemu/{edk2,openbios,skiboot,opensbi,u-boot,hppa,slof}'*' 'usr/share/qemu/*.fd*'
    usr/lib/{modules,debug,systemd,udev} usr/lib/x86_64-linux-gnu/{gconv,perl} usr/include boot
    usr/bin/{qemu-io,qemu-nbd,qemu-storage-daemon,elf2dmp} '*.a' '*.efi')

# dom0's root file system.
build_dom0() {
    local root=$CACHE/base program pattern excludes=()
    rm -rf "$root"
    merged_usr "$root"
    mkdir -p "$root"/{proc,sys,dev,run,tmp,root,mnt,opt,etc,guest,config,storage/disks,bench/out} \
        "$root"/usr/{share,libexec} "$root"/var/{tmp,lib/xen,lib/dbus,lib/xenstored,log/xen/console}
    ln -s ../run "$root/var/run"
    ln -s ../run/lock "$root/var/lock"
    for pattern in "${dom0Excluded[@]}"; do excludes+=("--exclude=./$pattern"); done
    tar -c -C "$SYS" "${excludes[@]}" . | tar -x --keep-directory-symlink -C "$root"
    busybox_applets "$root"
    rm -f "$root/usr/bin/sh"
    ln -s bash "$root/usr/bin/sh"
    # Debian puts Xen's programs behind a wrapper that picks the running version; here there is only one.
    for program in "$root/usr/lib/xen-$XENVER"/bin/*; do
        [ ! -f "$program" ] || ln -sf "../lib/xen-$XENVER/bin/${program##*/}" "$root/usr/sbin/${program##*/}"
    done
    dom0_etc "$root/etc"
    add_modules "$root" "${dom0Modules[@]}"
    add_libs "$root" "" "$root/usr"
    # glibc loads it by name in pthread_cancel(), so ldd does not show it: libxl aborts without it.
    install "/lib/x86_64-linux-gnu/libgcc_s.so.1" "$root/$LIBDIR/"
    install "$BENCH_DIR/dom0-init" "$root/init"
    install -m 644 "$CACHE/guest.cpio.gz" "$root/guest/initrd"
    # PV and PVH guests take the ELF kernel, gzipped: libxc needs 8 s to unpack a bzImage's xz under emulation.
    gzip -1 -c "$CACHE/vmlinux" >"$root/guest/vmlinux.gz"
    # Direct boot of HVM guests needs the bzImage.
    [ "${XENBENCH_HVM:-1}" != 1 ] || install -m 644 "$SYS/boot/vmlinuz-$KVER" "$root/guest/vmlinuz"
    mkcpio "$root" >"$CACHE/base.cpio.new"
    mv "$CACHE/base.cpio.new" "$CACHE/base.cpio"
}

# dom0_etc DIR: the few files of /etc that the programs read.
dom0_etc() {
    printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' \
        'messagebus:x:100:100::/nonexistent:/usr/sbin/nologin' >"$1/passwd"
    printf '%s\n' root:x:0: messagebus:x:100: nogroup:x:65534: >"$1/group"
    echo 'root:*:19000:0:99999:7:::' >"$1/shadow"
    echo dom0 >"$1/hostname"
    echo '127.0.0.1 localhost dom0' >"$1/hosts"
    printf 'passwd: files\ngroup: files\nhosts: files\n' >"$1/nsswitch.conf"
    : >"$1/fstab"
}

# build_overlay DIR FILE: DIR and the libraries that it needs beyond dom0's, as an archive. DIR goes through a tree with
# merged /usr, so that a /lib/... in it does not take the place of dom0's /lib link.
build_overlay() {
    local root=$2.tree dirs
    rm -rf "$root"
    merged_usr "$root"
    mkdir -p "$root/var" "$root/run"
    ln -s ../run "$root/var/run"
    tar -c -C "$1" . | tar -x --keep-directory-symlink -C "$root"
    mapfile -t dirs < <(find "$root" -mindepth 1 -maxdepth 1 -type d)
    add_libs "$root" "$CACHE/base" "${dirs[@]}"
    rm -f "$root"/{bin,sbin,lib,lib64} "$root/var/run"
    mkcpio "$root" >"$2"
    rm -rf "$root"
}
