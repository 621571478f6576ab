#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build.sh ARCH
#
# Builds portrace, the live tests and init for a machine under test, all linked statically, into
# build/vm/ARCH, and prints that folder. Two at a time wait for each other.
set -u

die() {
	echo "build.sh: $*" >&2
	exit 1
}

[ $# = 1 ] || die "usage: build.sh ARCH"
arch=$1
cd "$(dirname "$0")/../.." || exit 1

# The compiler of each architecture, and the suites whose libraries it is to link with.
suites=bookworm ldflags=
case $arch in
amd64) gnu=x86_64-linux-gnu ;;
arm64) gnu=aarch64-linux-gnu ;;
armhf) gnu=arm-linux-gnueabihf ;;
i386) gnu=i686-linux-gnu ;;
ppc64el) gnu=powerpc64le-linux-gnu ;;
# Released first with trixie, whose libc has C23's functions in addition, which read 0b10 as well.
riscv64)
	gnu=riscv64-linux-gnu suites="trixie forky"
	for name in strtol strtoll strtoul strtoull; do
		ldflags="$ldflags -Wl,-u,$name,--defsym=__isoc23_$name=$name"
	done
	;;
s390x) gnu=s390x-linux-gnu ;;
*) die "$arch: got an architecture that is not set up here, expected amd64, arm64, armhf, i386," \
	"ppc64el, riscv64 or s390x" ;;
esac
build=build/vm/$arch
mkdir -p "$build"
exec 9>"$build/lock"
flock 9

# Another architecture's libraries are in a folder of their own, its compiler brings only libc.
# Linked statically, the tests have what Check and json-c need in their line as well.
root=
for suite in $suites; do
	[ -n "$root" ] || root=$(sh tests/vm/sysroot.sh "$suite" "$arch" libelf-dev zlib1g-dev check \
		libsubunit-dev libjson-c-dev)
done
[ -n "$root" ] || die "$arch: no libraries to link with"
make_all() { # VARIABLE=VALUE...
	make BUILD=$build TEST_ROOT=/ "$@" -j"$(nproc)" all $build/test/live \
		CHECK_FLAGS="-static -lcheck -lsubunit -ljson-c -lm -lrt -lpthread" >&2 ||
		die "$arch: the build failed"
}
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	make_all
	gcc=gcc
else
	lib=$root/usr/lib/$gnu
	[ -d "$lib" ] || lib=$root/usr/lib/i386-linux-gnu
	gcc="$gnu-gcc -B$lib -L$lib -isystem $root/usr/include"
	# The tests are not linked with it elsewhere; here some distribution's libelf.a needs it.
	$gcc -Os -c -o "$build/libelf_shim.o" util/libelf_shim.c || die "$arch: no shim for libelf"
	make_all CROSS_COMPILE=$gnu- CC="$gcc" LDFLAGS="$ldflags $build/libelf_shim.o"
fi
$gcc -static -Os -Wall -o "$build/init" tests/vm/init.c || die "$arch: the build of init failed"
echo "$build"
