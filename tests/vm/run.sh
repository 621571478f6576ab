#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh SUITE ARCH PACKAGE [COMMAND...]
#
# Boots a kernel of Debian's in QEMU, without KVM, with nothing around it but the static binary and
# the live tests, linked statically too, and runs these (or the COMMANDs). Ends with the totals line.
set -u

die() {
	echo "run.sh: $*" >&2
	exit 1
}

[ $# -ge 3 ] || die "usage: run.sh SUITE ARCH PACKAGE [COMMAND...]"
suite=$1 arch=$2 package=$3
shift 3
cd "$(dirname "$0")/../.." || exit 1

# The gcc of each architecture, and how QEMU is called for it.
case $arch in
amd64) gnu=x86_64-linux-gnu qemu="qemu-system-x86_64 -cpu max" console=ttyS0 ;;
s390x) gnu=s390x-linux-gnu qemu="qemu-system-s390x -cpu max" console=ttysclp0 ;;
*) die "$arch: got an architecture that is not set up here, expected amd64 or s390x" ;;
esac
kernel=$(sh tests/kernels/fetch.sh "$suite" "$arch" "$package") || exit 1

build=build/vm/$arch
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	set -- "$#" "$@"
	make="make BUILD=$build"
	extra=
else
	root=$(sh tests/vm/sysroot.sh bookworm "$arch" libelf-dev zlib1g-dev check libsubunit-dev \
		libjson-c-dev) || exit 1
	lib=$root/usr/lib/$gnu
	set -- "$#" "$@"
	make="make BUILD=$build CROSS_COMPILE=$gnu-"
	extra="CPPFLAGS=-isystem $root/usr/include"
fi
count=$1
shift
# Linked statically, the tests have what Check and json-c need in their line as well.
$make ${lib:+CC="$gnu-gcc -B$lib -L$lib"} ${extra:+"$extra"} TEST_ROOT=/ \
	CHECK_FLAGS="-static -lcheck -lsubunit -ljson-c -lm -lrt -lpthread" \
	-j"$(nproc)" all $build/test/live >&2 || die "$arch: the build failed"
${lib:+$gnu-}gcc -static -Os -o $build/init tests/vm/init.c || exit 1

image=$build/root.$suite
rm -rf "$image"
mkdir -p "$image/$build/test" "$image/bin"
cp $build/init "$image/init"
cp $build/portrace "$image/$build/"
cp $build/test/live "$image/$build/test/"
cp -r $build/fixtures "$image/$build/"
mkdir -p "$image/tests/fixtures"
cp tests/fixtures/*.bpf.c "$image/tests/fixtures/"
if [ "$count" = 0 ]; then
	echo "/$build/test/live"
else
	printf '%s\n' "$@"
fi >"$image/commands"
(cd "$image" && find . | cpio --quiet -o -H newc | gzip -1) >"$image.cpio.gz"

# shellcheck disable=SC2086 # words
timeout "${VM_SECONDS:-1200}" $qemu -m 1536 -smp 2 -nographic -no-reboot -kernel "$kernel/vmlinuz" \
	-initrd "$image.cpio.gz" -append "console=$console panic=-1 quiet loglevel=1 ${VM_APPEND:-}" \
	</dev/null 2>&1 | tr -d '\r' | tee "$image.log"
rm -rf "$image"
