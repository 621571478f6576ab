#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh BUILD SECONDS TARGET...: runs each fuzzer for so long, from its seeds and from what
# earlier runs found (BUILD/corpus/TARGET), and ends with a line of totals. A crash leaves its
# input in BUILD/crash-TARGET-*; it becomes a unit test once it is mended.
build=$1 seconds=$2
shift 2
passed=0 failed=0

for target; do
	corpus=$build/corpus/$target
	mkdir -p "$corpus"
	if "$build/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
		-print_final_stats=1 -artifact_prefix="$build/crash-$target-" -verbosity=0 \
		"$corpus" "$build/seeds/$target" >"$build/$target.log" 2>&1; then
		passed=$((passed + 1))
		echo "fuzz_$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") runs," \
			"$(find "$corpus" -type f | wc -l) inputs kept, no crash"
	else
		failed=$((failed + 1))
		echo "fuzz_$target: failed:"
		tail -n 40 "$build/$target.log"
	fi
done
echo "fuzz: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
