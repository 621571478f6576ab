#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kinds.sh NAME=LOG...
#
# The table of docs/kinds.md: kinds of programs by kernel, and whether they have been seen to act there,
# from what the live tests say with PORTRACE_KINDS set (tests/live/acts.h; machines in QEMU always have).
# Each LOG is of one kernel, which NAME is the column's title. Exits 1 where a kind that a kernel has
# was not seen to act: why is in the log, as what is skipped.
#
#	acts    attached, and run by the kernel
#	lacks   newer than that kernel
#	-       not seen: that kernel, as it is built or on this machine, has no use for it
set -eu

[ $# -ge 1 ] || { echo "usage: kinds.sh NAME=LOG..." >&2; exit 2; }
for column; do
	[ -r "${column#*=}" ] || { echo "kinds.sh: ${column#*=}: cannot be read" >&2; exit 1; }
	sed -n 's/^kind: //p' "${column#*=}" | sed "s|^|${column%%=*}: |"
done | awk -F': ' '
	function better(a, b) { return a ~ /^acts/ || b == "" || (a ~ /^lacks/ && b == "unseen") ? a : b }

	# The same by another name, and what stands for several of a kind where they are not to be had at once.
	BEGIN {
		same["tp/"] = "tracepoint/"
		same["raw_tp/"] = "raw_tracepoint/"
		same["raw_tp.w/"] = "raw_tracepoint.w/"
		same["classifier"] = "tc"
		same["cgroup/sock"] = "cgroup/sock_create"
	}
	$2 ~ /\.each/ { next }
	{
		kind = $2 in same ? same[$2] : $2
		if (!($1 in column)) {
			column[$1] = 1
			names[++columns] = $1
		}
		if (!(kind in row)) {
			row[kind] = 1
			kinds[++rows] = kind
		}
		at[kind, $1] = better($3, at[kind, $1])
	}
	END {
		line = "| kind |"
		rule = "|---|"
		for (c = 1; c <= columns; c++) {
			line = line " " names[c] " |"
			rule = rule "---|"
		}
		print line
		print rule
		for (r = 1; r <= rows; r++) {
			line = "| `" kinds[r] "` |"
			for (c = 1; c <= columns; c++) {
				cell = at[kinds[r], names[c]]
				sub(/, since Linux /, ": ", cell)
				sub(/unseen/, "-", cell)
				missing += cell == "-"
				line = line " " cell " |"
			}
			print line
		}
		exit missing > 0
	}'
