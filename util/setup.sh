#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# setup.sh SET...          installs what is missing of the table's SETs (its first column)
# setup.sh --check SET...  only says what is missing
#
# The one place that knows what the packages are called. Plain sh: it also runs where nothing is
# installed yet. Where nothing is missing it asks no package manager and no password.
CC=${CC:-gcc}
CLANG=${CLANG:-clang}

# set    wanted             apt              apk            dnf
table='
build    command:make       make             make           make
build    command:gcc        gcc              gcc            gcc
build    header:stdio.h     libc6-dev        musl-dev       glibc-devel
build    library:libc.a     libc6-dev        musl-dev       glibc-static
build    header:linux/bpf.h linux-libc-dev   linux-headers  kernel-headers
build    header:gelf.h      libelf-dev       elfutils-dev   elfutils-libelf-devel
build    library:libelf.a   libelf-dev       libelf-static  elfutils-libelf-devel-static
build    header:zlib.h      zlib1g-dev       zlib-dev       zlib-devel
build    library:libz.a     zlib1g-dev       zlib-static    zlib-static
build    command:clang      clang            clang          clang
build    llvm-strip         llvm             llvm           llvm
musl     command:musl-gcc   musl-tools       -              musl-gcc
test     header:check.h     check            check-dev      check-devel
test     header:json-c/json.h libjson-c-dev  json-c-dev     json-c-devel
test     command:gzip       gzip             gzip           gzip
test     command:xzdiff     xz-utils         xz             xz
test     command:zstd       zstd             zstd           zstd
test     command:lz4        lz4              lz4            lz4
test     command:bzip2      bzip2            bzip2          bzip2
test     command:lzop       lzop             lzop           lzop
test     command:pkg-config pkg-config       pkgconf        pkgconf-pkg-config
test     command:/bin/kill  procps           busybox        util-linux
san      command:valgrind   valgrind         valgrind       valgrind
san      library:libasan.so gcc              -              libasan
san      library:libubsan.so gcc             -              libubsan
corpus   command:clang-19   clang-19         -              -
corpus   header:bpf/usdt.bpf.h libbpf-dev    libbpf-dev     libbpf-devel
kernels  command:bpftool    bpftool          bpftool        bpftool
kernels  command:pahole     pahole           pahole         dwarves
vm       command:qemu-system-x86_64 qemu-system-x86 - -
vm       command:qemu-system-aarch64 qemu-system-arm - -
vm       command:qemu-system-ppc64 qemu-system-ppc - -
vm       command:qemu-system-s390x qemu-system-misc - -
vm       command:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu - -
vm       file:/usr/aarch64-linux-gnu/lib/libc.a libc6-dev-arm64-cross - -
vm       command:arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf - -
vm       file:/usr/arm-linux-gnueabihf/lib/libc.a libc6-dev-armhf-cross - -
vm       command:i686-linux-gnu-gcc gcc-i686-linux-gnu - -
vm       file:/usr/i686-linux-gnu/lib/libc.a libc6-dev-i386-cross - -
vm       command:powerpc64le-linux-gnu-gcc gcc-powerpc64le-linux-gnu - -
vm       file:/usr/powerpc64le-linux-gnu/lib/libc.a libc6-dev-ppc64el-cross - -
vm       command:riscv64-linux-gnu-gcc gcc-riscv64-linux-gnu - -
vm       file:/usr/riscv64-linux-gnu/lib/libc.a libc6-dev-riscv64-cross - -
vm       command:s390x-linux-gnu-gcc gcc-s390x-linux-gnu - -
vm       file:/usr/s390x-linux-gnu/lib/libc.a libc6-dev-s390x-cross - -
vm       command:cpio       cpio             -              -
vm-old   command:x86_64-linux-gnu-gcc gcc-x86-64-linux-gnu - -
vm-old   command:flex       flex             -              -
vm-old   command:bison      bison            -              -
vm-old   command:bc         bc               -              -
vm-old   command:patch      patch            -              -
vm-old   command:xz         xz-utils         -              -
fuzz     fuzzer             libclang-rt-dev  compiler-rt    compiler-rt
'

have() { # WANTED
	case $1 in
	command:*) command -v "${1#*:}" ;;
	file:*) [ -e "${1#*:}" ] ;;
	header:*) echo "#include <${1#*:}>" | $CC -E -x c - ;;
	library:*) case $($CC -print-file-name="${1#*:}") in /*) true ;; *) false ;; esac ;;
	fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		$CLANG -fsanitize=fuzzer,address -x c - -o /dev/null ;;
	llvm-strip) command -v "$($CLANG -print-prog-name=llvm-strip)" ;;
	esac >/dev/null 2>&1
}

die() {
	echo "setup: $*" >&2
	exit 1
}

manager=
for m in apt-get apk dnf; do
	command -v $m >/dev/null && manager=$m && break
done

missing=
packages=
look() { # SET...: fills missing and packages
	while read -r set wanted apt apk dnf; do
		case " $* " in *" ${set:-none} "*) ;; *) continue ;; esac
		case $manager in
		apk) package=$apk ;;
		dnf) package=$dnf ;;
		*) package=$apt ;;
		esac
		[ "$package" != - ] || continue
		have "$wanted" && continue
		missing="$missing ${wanted#*:}"
		case " $packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
	done <<-EOF
	$table
	EOF
}

# shellcheck disable=SC2086,SC2015 # packages are words; A && B || C is as meant
install() {
	case $manager in
	apt-get)
		apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0"
		get="$apt install -y --no-install-recommends $packages"
		# Fresh images come without package lists, old ones with lists that are out of date.
		ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 && $get || { $apt update && $get; }
		;;
	apk) $root apk add --no-cache $packages ;;
	dnf) $root dnf install -y --setopt=install_weak_deps=False $packages ;;
	esac
}

if [ "$1" = --check ]; then
	shift
	look "$@"
	[ -z "$missing" ] || die "missing:$missing. \`make setup\` installs it: $packages"
	exit 0
fi

look "$@" musl
[ -n "$missing" ] || exit 0
echo "setup: missing:$missing"
[ -n "$manager" ] || die "no apt-get, apk or dnf here: install it by hand (Debian's names:$packages)"
root=
if [ "$(id -u)" != 0 ]; then
	root=sudo
	command -v sudo >/dev/null || die "not root, and no sudo: as root, run: $manager install$packages"
fi
echo "setup: installing with ${root:+sudo }$manager:$packages"
install || die "$manager failed; portrace needs:$packages"
missing=
look "$@"
[ -z "$missing" ] || die "installed, but still missing:$missing"
# What was built so far was built without these.
rm -rf build
