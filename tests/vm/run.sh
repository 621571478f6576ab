#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh KERNEL [SUITES [COMMAND...]]
#
# Boots the kernel in that file in QEMU, without KVM, with nothing around it but the static binary
# and the live tests, linked statically too. Runs those SUITES of the live tests (a,b,c; - or none
# for all) or the COMMANDs, a line each. Exits 0 where each of them did, the kernel complained of
# nothing and the machine was switched off in time: VM_SECONDS=600.
#
# ARCH=, as Debian calls it, is what user space is built for: the kernel's unless it is said.
# VM_MODULES= are names of modules, a b c, that are loaded before, with what they need: those that
# there are in lib/modules beside the kernel (tests/kernels/fetch.sh ... modules).
# VM_APPEND= goes to the kernel's command line. VM_NAME= is what the log is called: build/vm/NAME.log.
set -u

die() {
	echo "run.sh: $*" >&2
	exit 1
}

[ $# -ge 1 ] || die "usage: run.sh KERNEL [SUITES [COMMAND...]]"
kernel=$(realpath -- "$1") || exit 1
suites=${2:--}
shift
[ $# = 0 ] || shift
cd "$(dirname "$0")/../.." || exit 1
name=${VM_NAME:-$(basename "$(dirname "$kernel")")}
image=build/vm/$name
trap 'rm -rf "$image" "$image.cpio.gz" "$image.kernel"' EXIT
trap 'exit 1' INT TERM
rm -rf "$image"
mkdir -p "$image"

bytes() { # OFFSET COUNT: of the kernel
	od -A n -v -t x1 -j "$1" -N "$2" "$kernel" | tr -d ' \n'
}

# Each architecture's images say in a place of their own what they are.
arch_of_kernel() {
	if [ "$(bytes 514 4)" = 48647253 ]; then # "HdrS", then flags: bit 0 is 64 bits
		[ $((0x$(bytes 566 1) & 1)) = 1 ] && echo amd64 || echo i386
	elif [ "$(bytes 56 4)" = 41524d64 ]; then # "ARM\x64"
		echo arm64
	elif [ "$(bytes 56 4)" = 52534305 ]; then # "RSC\5"
		echo riscv64
	elif [ "$(bytes 36 4)" = 18286f01 ]; then
		echo armhf
	elif [ "$(bytes 65544 6)" = 533339304550 ]; then # "S390EP"
		echo s390x
	elif [ "$(bytes 0 4)/$(bytes 18 2)" = 7f454c46/1500 ]; then # ELF for PowerPC
		echo ppc64el
	fi
}
if [ "$(bytes 0 2)" = 1f8b ]; then
	gzip -dc "$kernel" >"$image.kernel" || exit 1
	kernel=$PWD/$image.kernel
fi
machine=$(arch_of_kernel)
[ -n "$machine" ] || die "$kernel: no image of a kernel that is known here"
arch=${ARCH:-$machine}

case $machine in
amd64 | i386) qemu="qemu-system-x86_64 -cpu max" console="ttyS0 no_timer_check" ;;
arm64) qemu="qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on" console=ttyAMA0 ;;
armhf) qemu="qemu-system-arm -M virt -cpu cortex-a15" console=ttyAMA0 ;;
ppc64el) qemu="qemu-system-ppc64 -M pseries -cpu power9" console=hvc0 ;;
riscv64) qemu="qemu-system-riscv64 -M virt" console=ttyS0 ;;
s390x) qemu="qemu-system-s390x -cpu max" console=ttysclp0 ;;
esac

build=$(sh tests/vm/build.sh "$arch") || exit 1
mkdir -p "$image/$build/test" "$image/bin" "$image/boot" "$image/tests/fixtures"
cp "$build/init" "$image"
cp "$build/portrace" "$image/$build"
cp "$build/test/live" "$image/$build/test"
cp -r "$build/fixtures" "$image/$build"
cp -r tests/fixtures/*.bpf.c tests/fixtures/caps "$image/tests/fixtures"
ln -s /init "$image/bin/kill"
if [ $# = 0 ] && [ "$suites" = - ]; then
	set -- "PORTRACE_KINDS=1 /$build/test/live"
elif [ $# = 0 ]; then # one after the other: each says how long it took
	for wanted in $(echo "$suites" | tr , ' '); do
		set -- "$@" "PORTRACE_KINDS=1 PORTRACE_SUITE=$wanted /$build/test/live"
	done
fi
printf '%s\n' "$@" >"$image/commands"

# Each behind those that it depends on, as its own section .modinfo names them.
take_module() { # NAME, of which - and _ are one letter
	[ ! -e "$image/modules/$1.ko" ] || return 0
	file=$(find "$(dirname "$kernel")/lib/modules" -name "$(echo "$1" | sed 's/[-_]/[-_]/g').ko*" | head -n 1)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$image/modules/$1.ko" || die "$file: could not be unpacked"
	for needed in $(tr '\0' '\n' <"$image/modules/$1.ko" | sed -n 's/^depends=//p' | tr , ' '); do
		(take_module "$needed")
	done
	echo "/modules/$1.ko" >>"$image/modules/list"
}
if [ -n "${VM_MODULES:-}" ]; then
	mkdir "$image/modules"
	for module in $VM_MODULES; do
		take_module "$module"
	done
fi
(cd "$image" && find . | cpio --quiet -o -H newc | gzip -1) >"$image.cpio.gz" || exit 1

# What the kernel does not know of its command line, init finds in its environment.
# Debian's kernels come with a perf_event_paranoid under which capabilities less than all are none.
append="console=$console panic=-1 quiet loglevel=1 sysctl.kernel.perf_event_paranoid=2"
append="$append CK_TIMEOUT_MULTIPLIER=4"
# Debian's kernel for RISC-V has a JIT compiler that is off, and has helpers that need it.
[ "$machine" != riscv64 ] || append="$append sysctl.net.core.bpf_jit_enable=1"
# shellcheck disable=SC2086 # words
timeout --foreground -k 5 "${VM_SECONDS:-600}" $qemu -m 1536 -smp 2 -nographic -no-reboot \
	-nic none -kernel "$kernel" -initrd "$image.cpio.gz" -append "$append ${VM_APPEND:-}" \
	</dev/null 2>&1 | sed -u 's|\r||g' | tee "$image.log"
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { ran++; passed += $1; failed += $3; skipped += $5 }
	END { if (ran) printf "vmtest: %d passed, %d failed, %d skipped\n", passed, failed, skipped }' \
	"$image.log"
grep -q '^init: off$' "$image.log" || die "$name: the machine did not come to its end"
! grep -qE '^init: (exit [^0]|kernel: )' "$image.log"
