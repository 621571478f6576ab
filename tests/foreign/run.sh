#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh BUILD: objects that nobody here wrote, loaded by portrace and by libbpf on this kernel:
# those of Debian's libxdp1 and xdp-tools, and the kernel's selftests for BPF of Debian's
# linux-source packages, compiled by two compilers. Ends with how many of each there are, and
# every reason for the rest, counted. ONLY=REGEX chooses objects, PAIRS= sources and compilers, e.g.
# '6.12:clang-19'. As root.
#
# What is fetched and compiled stays in BUILD/foreign. Nothing is attached.
build=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
out=$build/foreign
sources='6.1 6.12'
pairs=${PAIRS:-6.1:clang-14 6.12:clang-19 6.1:clang-19 6.12:clang-14}
jobs=$(nproc)
mkdir -p "$out/debs" "$out/objects"

say() { echo "foreign: $*" >&2; }
die() { say "$*"; exit 1; }

# ---- Debian's packages, without installing them

fetch() { # PACKAGE: into debs/PACKAGE
	[ -e "$out/debs/$1/usr" ] && return
	say "fetch $1"
	(cd "$out/debs" && rm -f "$1"_*.deb && apt-get -q download "$1" >/dev/null 2>&1 &&
		dpkg -x "$1"_*.deb "$1" && rm -f "$1"_*.deb) || die "apt-get download $1 failed"
}

unpack() { # VERSION
	tree=$out/linux-$1
	[ -e "$tree/stamp" ] && return
	fetch "linux-source-$1"
	say "unpack linux-source-$1"
	mkdir -p "$tree"
	tar xf "$out/debs/linux-source-$1/usr/src/linux-source-$1.tar.xz" -C "$tree" --strip-components=1 \
		"linux-source-$1/tools/lib" "linux-source-$1/tools/include" "linux-source-$1/tools/build" \
		"linux-source-$1/tools/scripts" "linux-source-$1/tools/arch" "linux-source-$1/scripts" \
		"linux-source-$1/tools/testing/selftests/bpf" "linux-source-$1/include/uapi" \
		"linux-source-$1/tools/testing/selftests/lib.mk" || die "tar failed"
	rm -rf "$out/debs/linux-source-$1/usr/src"
	touch "$tree/stamp"
}

# libbpf's headers of that release, for its selftests; the library of the newest.
headers() { # VERSION
	tree=$out/linux-$1
	[ -e "$tree/libbpf/libbpf.a" ] && return
	say "build libbpf of linux-$1"
	mkdir -p "$tree/libbpf"
	make -s -C "$tree/tools/lib/bpf" -j"$jobs" OUTPUT="$tree/libbpf/" DESTDIR="$tree/libbpf/root" prefix= \
		install_headers "$tree/libbpf/libbpf.a" >"$tree/libbpf.log" 2>&1 ||
		die "libbpf of linux-$1: see $tree/libbpf.log"
}

vmlinux_h() {
	[ -s "$out/include/vmlinux.h" ] && return
	mkdir -p "$out/include"
	bpftool btf dump file /sys/kernel/btf/vmlinux format c >"$out/include/vmlinux.h" ||
		die "bpftool cannot write vmlinux.h"
}

# ---- compiling

# Those that a file's own Makefile compiles differently are none of ours: a plain compile is.
compile_all() { # VERSION COMPILER
	tree=$out/linux-$1 to=$out/objects/linux-$1-$2
	command -v "$2" >/dev/null || { say "no $2: left out"; return; }
	[ -e "$to/stamp" ] && return
	say "compile linux-$1 by $2"
	mkdir -p "$to"
	find "$tree/tools/testing/selftests/bpf/progs" -name '*.c' | sort |
		CC=$2 TREE=$tree TO=$to INCLUDE=$out/include xargs -P "$jobs" -n 8 sh "$here/compile.sh"
	link_all "$to"
	touch "$to/stamp"
}

# What is spread over two files there, linked by bpftool.
link_all() { # FOLDER
	for name in linked_funcs linked_vars linked_maps test_static_linked; do
		[ -e "$1/${name}1.o" ] && [ -e "$1/${name}2.o" ] || continue
		bpftool gen object "$1/$name.linked.o" "$1/${name}1.o" "$1/${name}2.o" 2>"$1/$name.linked.err" &&
			rm -f "$1/${name}1.o" "$1/${name}2.o"
	done
}

# ---- loading

# What libbpf makes of them stays as it is; portrace is asked again when it has changed.
try() { # FOLDER RESULTS
	mkdir -p "$2"
	find "$1" -name '*.o' | sort | grep -E "${ONLY:-.}" >"$2/list"
	if [ "$ONLY" ] || [ "$build/test/load_ours" -nt "$2/ours.tsv" ]; then
		say "load $1"
		xargs -n 20 "$build/test/load_ours" <"$2/list" >"$2/ours.tsv"
	fi
	if [ "$ONLY" ] || [ ! -s "$2/libbpf.tsv" ]; then
		say "load $1 by libbpf"
		xargs -n 20 "$build/test/load_libbpf" <"$2/list" >"$2/libbpf.tsv"
	fi
	sh "$here/report.sh" "$1" "$2" || status=1
}

[ "$(id -u)" = 0 ] || die "loading takes root"
# Maps that objects pin by their names go with the mount, which nobody else sees.
[ "$FOREIGN_MOUNTS" ] || FOREIGN_MOUNTS=own exec unshare -m sh "$0" "$1"
mount -t bpf bpf /sys/fs/bpf && mkdir -p /sys/fs/bpf/foreign || die "bpffs cannot be mounted"

for p in libxdp1 xdp-tools; do fetch $p; done
mkdir -p "$out/objects/debian"
find "$out/debs/libxdp1" "$out/debs/xdp-tools" -name '*.o' -exec cp {} "$out/objects/debian" \;
vmlinux_h
for v in $sources; do unpack $v && headers $v; done
cc -O1 -g -I"$here/../.." -I"$out/linux-6.12/libbpf/root/include" -o "$build/test/load_libbpf" \
	"$here/load_libbpf.c" "$here/each.c" "$out/linux-6.12/libbpf/libbpf.a" -lelf -lz ||
	die "load_libbpf does not compile"
for p in $pairs; do compile_all "${p%:*}" "${p#*:}"; done

status=0
for d in "$out"/objects/*/; do
	name=$(basename "$d")
	try "${d%/}" "$out/results${ONLY:+-only}/$name"
done
exit $status
