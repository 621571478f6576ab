#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fetch.sh SUITE ARCH PACKAGE [modules]
# fetch.sh LIST                          the same for each line of a file; # begins a comment; what
#                                        was printed is in build/kernels/fetched as well, those
#                                        that cannot be had now are named in build/kernels/missing
#
# Unpacks a kernel of Debian's into build/kernels/SUITE-ARCH: `vmlinuz` and `config`, `release` (what
# uname -r says on it) and, where asked for, lib/modules/RELEASE. Prints that directory. What is
# there already is not fetched again. The `*` in PACKAGE stands for a version, of which the highest
# is taken, or for the rest of one, whose beginning is then in the directory's name, too:
#
#   fetch.sh trixie s390x 'linux-image-*-s390x'
#   fetch.sh trixie-backports amd64 'linux-image-6.19.*-cloud-amd64'     trixie-backports-6.19-amd64
#
set -eu

die() {
	echo "fetch.sh: $*" >&2
	exit 1
}

if [ $# = 1 ]; then
	kernels=$(dirname "$0")/../../build/kernels
	mkdir -p "$kernels"
	: >"$kernels/missing"
	sed 's/#.*//' "$1" | while read -r suite arch package modules; do
		[ -z "$suite" ] || sh "$0" "$suite" "$arch" "$package" ${modules:+"$modules"} ||
			echo "$suite $arch $package" >>"$kernels/missing"
	done | tee "$kernels/fetched"
	exit
fi
[ $# = 3 ] || [ "$#/${4:-}" = 4/modules ] || die "usage: fetch.sh SUITE ARCH PACKAGE [modules]"
suite=$1 arch=$2 package=$3 modules=${4:-}
cd "$(dirname "$0")/../.."
kernels=$PWD/build/kernels
stem=${package%%\**} stem=${stem#linux-image-} stem=${stem%.}
to=$kernels/$suite${stem:+-$stem}-$arch
if [ -e "$to/release" ] && { [ -z "$modules" ] || [ -d "$to/lib/modules" ]; }; then
	echo "$to"
	exit
fi
new=$kernels/.${to##*/}.$$
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$new"
. tests/kernels/apt.sh
apt apt-get update >&2
version='[0-9][^-]*(-(rc)?[0-9][^-]*)?'
names=$(apt apt-cache pkgnames)
image=$(echo "$names" | grep -xE "$(echo "$package" | sed "s/\*/$version/")" | sort -V | tail -n 1)
[ -n "$image" ] || die "no $package in $suite for $arch"
release=${image#linux-image-}

# From 7.2 on the image package is empty: others hold the files, in /usr/lib/modules/RELEASE.
packages=$(echo "$names" | grep -xF "$image
linux-binary-$release
linux-base-$release${modules:+
linux-modules-$release}")
root=$new/root
# shellcheck disable=SC2086 # packages are words
(cd "$new" && apt apt-get download $packages) >&2
for deb in "$new"/*.deb; do
	dpkg-deb -x "$deb" "$root"
	rm "$deb"
done
take() { # NAME PATH...: moves the first PATH that is there
	as=$1
	shift
	for path; do
		[ ! -e "$path" ] || { mv "$path" "$new/$as" && return; }
	done
	die "no $as in $packages"
}
own=$root/usr/lib/modules/$release
take vmlinuz "$root/boot/vmlinuz-$release" "$root/boot/vmlinux-$release" "$own/vmlinuz" "$own/vmlinux"
take config "$root/boot/config-$release" "$own/config"
if [ -n "$modules" ]; then
	mkdir "$new/lib"
	take lib/modules "$root/lib/modules" "$root/usr/lib/modules"
fi
rm -rf "$root"
echo "$release" >"$new/release"
rm -rf "$to"
mv "$new" "$to"
echo "$to"
