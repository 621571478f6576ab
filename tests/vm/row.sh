#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# row.sh NAME SUITE ARCH PACKAGE SUITES
#
# One line of tests/vm/list: fetches the kernel, boots it, and leaves in build/vm/rows what became of
# it: NAME.md is its row of the table, NAME.total the line "N passed, N failed, N skipped". A kernel
# that cannot be had is a row as well, and counts as skipped. Prints failures and what was skipped.
# ARCH is the kernel's; KERNEL/USER where user space is built for another: amd64/i386.
set -u
name=$1 suite=$2 arch=$3 package=$4 suites=$5
cd "$(dirname "$0")/../.." || exit 1
row=build/vm/rows/$name
log=build/vm/$name.log

finish() { # PASSED FAILED SKIPPED CELL...: the cells after these
	total="$1 passed, $2 failed, $3 skipped"
	counts="$1 | $2 | $3"
	shift 3
	echo "$total" >"$row.total"
	echo "| $arch | $1 | $2 | $3 | $4 | $counts | $5 | $6 | $7 | $8 |" >"$row.md"
	cat "$row.said"
	echo "$name: $total"
	exit
}

if ! kernel=$(sh tests/kernels/fetch.sh "$suite" "${arch%/*}" "$package" 2>"$row.said"); then
	echo "missing: $name: no $package to be had from $suite" >>"$row.said"
	finish 0 0 1 "missing: not to be had from $suite now" - - - - - - -
fi
began=$(date +%s)
ARCH=${arch#*/} VM_NAME=$name sh tests/vm/run.sh "$kernel/vmlinuz" "$suites" >"$row.said" 2>&1
status=$?
seconds=$(($(date +%s) - began))

found() { # NAME: of the trial
	value=$(sed -n "s/^.*trial: $1: //p" "$log" | tail -n 1)
	echo "${value:-?}"
}
complaints=$(grep -c '^init: kernel: ' "$log")
# shellcheck disable=SC2046 # three numbers
set -- $(awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { print p + 0, f + 0, s + 0 }' "$log")
# The tests' own failures are counted; else it is the machine's, or the kernel's complaint.
[ "$status" = 0 ] || [ "$2" != 0 ] || set -- "$1" 1 "$3"
if [ "$status" = 0 ]; then
	grep -E '^skip: ' "$log" | sort | uniq -c | sed -E 's/^ +([0-9]+) (.*)$/\2 (\1)/' >"$row.said"
fi
finish "$@" "$(sed -n 's/^.*init: on //p' "$log" | tail -n 1)" \
	"$(found transport | sed 's/,.*//')" "$(found types)" "$(found lowered)" "$(found events)" \
	"$(found started)" "$complaints" "$seconds s"
