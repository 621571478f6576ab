#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# old.sh
#
# Builds two small x86-64 kernels, which stand for those that Debian no longer has, from its source
# of 5.10, and prints where they are:
#
#   build/kernels/5.10-stripped/vmlinuz   without what stripped.patch takes out of BPF
#   build/kernels/5.10-nobpf/vmlinuz      without bpf(2)
#
# Both have what small.config says. What is there already is built again where one of these two
# files is another. Two at a time wait for each other.
set -eu

die() {
	echo "old.sh: $*" >&2
	exit 1
}

cd "$(dirname "$0")/../.."
here=$PWD/tests/vm
kernels=$PWD/build/kernels
source=$kernels/linux-source-5.10.tar.xz
inputs=$(cat "$here/small.config" "$here/stripped.patch" | sha256sum)
mkdir -p "$kernels"
exec 9>"$kernels/.5.10.lock"
flock 9
stripped=$kernels/5.10-stripped nobpf=$kernels/5.10-nobpf
if [ "$(cat "$stripped/inputs" "$nobpf/inputs" 2>/dev/null)" = "$inputs
$inputs" ]; then
	ls "$stripped/vmlinuz" "$nobpf/vmlinuz"
	exit
fi
# The make that runs this has options and variables that are not meant for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
tree=$kernels/.5.10.$$
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$tree/debs" "$tree/source"

if [ ! -e "$source" ]; then
	# shellcheck disable=SC2034 # for apt.sh
	suite=bullseye arch=amd64
	# shellcheck source=tests/kernels/apt.sh
	. tests/kernels/apt.sh
	apt apt-get update >&2
	(cd "$tree/debs" && apt apt-get download linux-source-5.10) >&2
	dpkg-deb --fsys-tarfile "$tree"/debs/*.deb |
		tar -xO ./usr/src/linux-source-5.10.tar.xz >"$tree/tar.xz"
	mv "$tree/tar.xz" "$source"
fi
tar -xf "$source" -C "$tree/source" --strip-components=1
patch -s -d "$tree/source" -p1 <"$here/stripped.patch"

kmake() {
	make -s -C "$tree/source" ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- "$@" >&2
}
# What the second has in common with the first is not compiled again.
build() { # TO BPF: with CONFIG_BPF_SYSCALL=BPF
	sed "s/^CONFIG_BPF_SYSCALL=.*/CONFIG_BPF_SYSCALL=$2/" "$here/small.config" >"$tree/config"
	kmake KCONFIG_ALLCONFIG="$tree/config" allnoconfig
	lost=$(grep '=y$' "$tree/config" | grep -vxFf "$tree/source/.config" | tr '\n' ' ')
	[ "$2" = n ] || [ -z "$lost" ] || die "small.config: got $lost, which 5.10 has not taken"
	kmake -j"$(nproc)" bzImage
	mkdir -p "$1"
	cp "$tree/source/arch/x86/boot/bzImage" "$1/vmlinuz"
	cp "$tree/source/.config" "$1/config"
	echo "$inputs" >"$1/inputs"
}
build "$stripped" y
build "$nobpf" n
ls "$stripped/vmlinuz" "$nobpf/vmlinuz"
