#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh SUITE ARCH PACKAGE [SUITES [COMMAND...]]
#
# Boots a kernel of Debian's in QEMU, without KVM, with nothing around it but busybox, the static
# binary and the live tests, linked statically too. Runs those SUITES of the live tests (a,b,c; - or
# none for all) or the COMMANDs, a line each. Exits 0 where each of them did and the machine was
# switched off in time: VM_SECONDS=600. VM_APPEND= goes to the kernel's command line.
set -u

die() {
	echo "run.sh: $*" >&2
	exit 1
}

[ $# -ge 3 ] || die "usage: run.sh SUITE ARCH PACKAGE [SUITES [COMMAND...]]"
suite=$1 arch=$2 package=$3 suites=${4:--}
shift 3
[ $# = 0 ] || shift
cd "$(dirname "$0")/../.." || exit 1

# The gcc of each architecture, and how QEMU is called for it.
case $arch in
amd64) gnu=x86_64-linux-gnu qemu="qemu-system-x86_64 -cpu max" console=ttyS0 ;;
s390x) gnu=s390x-linux-gnu qemu="qemu-system-s390x -cpu max" console=ttysclp0 ;;
*) die "$arch: got an architecture that is not set up here, expected amd64 or s390x" ;;
esac
kernel=$(sh tests/kernels/fetch.sh "$suite" "$arch" "$package") || exit 1

# Another architecture's libraries are in a folder of their own, its compiler brings only libc.
# Linked statically, the tests have what Check and json-c need in their line as well.
build=build/vm/$arch
root=$(sh tests/vm/sysroot.sh bookworm "$arch" busybox-static libelf-dev zlib1g-dev check \
	libsubunit-dev libjson-c-dev) || exit 1
build() { # VARIABLE=VALUE...
	make BUILD=$build TEST_ROOT=/ "$@" -j"$(nproc)" all $build/test/live \
		CHECK_FLAGS="-static -lcheck -lsubunit -ljson-c -lm -lrt -lpthread" >&2 ||
		die "$arch: the build failed"
}
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	gcc=gcc
	build
else
	gcc=$gnu-gcc
	build CROSS_COMPILE=$gnu- CC="$gcc -B$root/usr/lib/$gnu -L$root/usr/lib/$gnu" \
		CPPFLAGS="-isystem $root/usr/include"
fi
$gcc -static -Os -o $build/init tests/vm/init.c || exit 1

image=$build/$suite
trap 'rm -rf "$image" "$image.cpio.gz"' EXIT
trap 'exit 1' INT TERM
rm -rf "$image"
mkdir -p "$image/$build/test" "$image/bin" "$image/boot" "$image/tests/fixtures"
cp $build/init "$image"
cp $build/portrace "$image/$build"
cp $build/test/live "$image/$build/test"
cp -r $build/fixtures "$image/$build"
cp tests/fixtures/*.bpf.c "$image/tests/fixtures"
cp "$root/bin/busybox" "$image/bin"
for name in sh kill rm gzip; do
	ln -s busybox "$image/bin/$name"
done
[ $# != 0 ] || set -- "/$build/test/live"
printf '%s\n' "$@" >"$image/commands"
(cd "$image" && find . | cpio --quiet -o -H newc | gzip -1) >"$image.cpio.gz" || exit 1

# What the kernel does not know of its command line, init finds in its environment.
# Debian's kernels come with a perf_event_paranoid under which capabilities less than all are none.
append="console=$console panic=-1 quiet loglevel=1 sysctl.kernel.perf_event_paranoid=2"
append="$append CK_TIMEOUT_MULTIPLIER=4"
[ "$suites" = - ] || append="$append PORTRACE_SUITE=$suites"
# shellcheck disable=SC2086 # words
timeout --foreground -k 5 "${VM_SECONDS:-600}" $qemu -m 1536 -smp 2 -nographic -no-reboot \
	-kernel "$kernel/vmlinuz" -initrd "$image.cpio.gz" -append "$append ${VM_APPEND:-}" \
	</dev/null 2>&1 | sed -u 's|\r||g' | tee "$image.log"
grep -q '^init: off$' "$image.log" || die "$suite $arch: the machine did not come to its end"
! grep -q '^init: exit [^0]' "$image.log"
