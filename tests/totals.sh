#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# totals.sh [NAME:] COMMAND...: runs each command, adds up the last line "[NAME: ]N passed,
# N failed, N skipped" of each and ends with the sum, after that NAME. A command that fails or dies
# without saying how many failed counts as one failure. Exits 1 where anything failed or nothing
# ran.
name=
case ${1:-} in *:) name="$1 " && shift ;; esac
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

for command; do
	status=$({ { sh -c "$command" 2>&1; echo $? >&3; } | tee "$log" >&4; } 3>&1) 4>&1
	line=$(sed -nE 's/^([a-z]+: )?([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\2 \3 \4/p' \
		"$log" | tail -n 1)
	# shellcheck disable=SC2086 # three words
	set -- ${line:-0 0 0}
	if [ "$status" != 0 ] && [ "$2" = 0 ] || [ -z "$line" ]; then
		echo "failed: $command: exit status $status${line:+ with all tests passed}"
		set -- "$1" $(($2 + 1)) "$3"
	fi
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done

echo "$name$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed != 0 ]
