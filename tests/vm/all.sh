#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# all.sh: boots every kernel of tests/vm/list, two at a time, and prints and writes the table of what
# they are and did to build/vm/kernels.md, or TABLE=. ONLY=REGEX: those lines of the list that match.
# SUITES=: these, whatever the list says.
set -u
cd "$(dirname "$0")/../.." || exit 1
rows=build/vm/rows
table=${TABLE:-build/vm/kernels.md}
rm -rf "$rows"
mkdir -p "$rows"

# NAME is in the order of the list. "@word = a,b" is what @word stands for in later lines.
sed 's/ *#.*//; /./!d' tests/vm/list | awk -v only="${ONLY:-.}" -v suites="${SUITES:-}" '
	{ for (word in meaning) sub(word, meaning[word], $NF) }
	/^@/ { meaning[$1] = $3; next }
	{ n++; arch = $2; sub("/", "-", arch) }
	$0 ~ only { printf "%02d-%s-%s %s %s %s %s\n", n, $1, arch, $1, $2, $3, suites ? suites : $4 }
' >$rows/list
# shellcheck disable=SC2016 # the inner shell's
xargs -P "${VM_JOBS:-2}" -L 1 sh tests/vm/row.sh <$rows/list

{
	echo "| architecture | kernel | transport | types | lowered | passed | failed | skipped |" \
		"signals seen | started in | kernel's complaints | took |"
	echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
	cat $rows/*.md
} >"$table"
cat "$table"
cat $rows/*.total | awk -v booted="$(wc -l <$rows/list)" '
	{ passed += $1; failed += $3; skipped += $5 }
	END {
		failed += booted - NR
		printf "vmtest: %d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed || !passed
	}'
