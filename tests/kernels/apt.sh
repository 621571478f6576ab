# SPDX-License-Identifier: GPL-2.0
#
# For scripts that fetch packages of any suite and architecture of Debian's, to be sourced in the top
# folder with $suite, $arch and die() set. Defines apt(): `apt apt-get ...` for just these.
#
# The mirror is the one that this machine's apt takes its own packages from (or $MIRROR). Apt's state
# is kept apart, in build/kernels, so neither root nor a change of the machine's lists is needed.
# Who comes second waits for the end of the first's script.
# shellcheck shell=sh disable=SC2154
command -v apt-get >/dev/null || die "no apt-get here, which knows how to fetch and verify"
state=$PWD/build/kernels/.apt/$suite-$arch
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
exec 8>"$state/lock"
flock 8

# The archive of the machine's own release among those that apt is set up for.
# shellcheck disable=SC1091
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # $(SITE) is apt's
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' \
	"Created-By: Packages" "Release: $codename" "Component: main" | head -n 1)}
[ -n "$mirror" ] || die "apt is set up for no archive of $codename: set MIRROR"
keyring=
for file in /usr/share/keyrings/debian-archive-keyring.*; do
	[ ! -e "$file" ] || keyring=" signed-by=$file"
done
echo "deb [arch=$arch$keyring] $mirror $suite main" >"$state/sources.list"

apt() {
	tool=$1
	shift
	"$tool" -q -o Dir::State="$state" -o Dir::State::status=/dev/null -o Dir::Cache="$state/cache" \
		-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture="$arch" \
		-o APT::Architectures="$arch" -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}
