#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# sysroot.sh SUITE ARCH PACKAGE...
#
# Unpacks packages of Debian's into build/sysroot/SUITE-ARCH and prints that folder: the libraries to
# build for another architecture with, besides what its cross compiler brings. What is there already
# is not fetched again.
set -eu

die() {
	echo "sysroot.sh: $*" >&2
	exit 1
}

[ $# -ge 3 ] || die "usage: sysroot.sh SUITE ARCH PACKAGE..."
suite=$1 arch=$2
shift 2
cd "$(dirname "$0")/../.."
to=$PWD/build/sysroot/$suite-$arch
if [ "$(cat "$to/packages" 2>/dev/null)" != "$*" ]; then
	. tests/kernels/apt.sh
	rm -rf "$to"
	mkdir -p "$to/deb"
	apt apt-get update >&2
	(cd "$to/deb" && apt apt-get download "$@") >&2
	for deb in "$to"/deb/*.deb; do
		dpkg-deb -x "$deb" "$to"
	done
	rm -r "$to/deb"
	echo "$*" >"$to/packages"
fi
echo "$to"
