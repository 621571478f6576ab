#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# report.sh FOLDER RESULTS: the numbers of what run.sh found, and the reasons, most frequent first.
# What libbpf loads and portrace does not is named. Fails where something crashed.
echo "== $(basename "$1")"
echo "compiled: $(find "$1" -name '*.o' | wc -l), not: $(find "$1" -name '*.err' ! -name '*.linked.err' | wc -l)"
cd "$2" || exit 1
awk -F '\t' '
function class(s) {
	gsub(/\047[^\047]*\047/, "X", s); gsub(/[^ ]*\.o: /, "", s); gsub(/[0-9]+/, "N", s)
	return substr(s, 1, 110)
}
FNR == NR { theirs[$1, $2] = $3; next }
{
	mine[$1, $2] = 1
	kind = $2 == "-" ? "object" : "program"
	all[kind]++; count[kind, $3]++
	if ((($1, $2) in theirs) && theirs[$1, $2] == "loaded") { libbpf[kind]++; if ($3 != "loaded") behind[kind " " $1 " " $2] = $4 }
	else if ($3 == "loaded") ahead[kind]++
	if ($3 != "loaded") why[kind ": " class($4)]++
	if ($3 == "crashed") crashed++
}
END {
	for (k in all)
		printf "%ss: %d, parsed %d, loaded %d (libbpf %d), libbpf alone %d, portrace alone %d, crashed %d\n", k, all[k],
			all[k] - count[k, "broken"], count[k, "loaded"], libbpf[k],
			libbpf[k] - (count[k, "loaded"] - ahead[k]), ahead[k], count[k, "crashed"]
	for (w in why) printf "%6d  %s\n", why[w], w | "sort -rn | head -n ${LINES_MOST:-40}"
	close("sort -rn | head -n ${LINES_MOST:-40}")
	for (b in behind) print "libbpf alone: " b ": " behind[b]
	for (k in theirs) if (theirs[k] == "loaded" && !(k in mine)) {
		split(k, part, SUBSEP)
		print "libbpf alone: program " part[1] " " part[2] ": the object is not taken at all"
	}
	exit crashed > 0
}' libbpf.tsv ours.tsv
