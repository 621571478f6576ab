# SPDX-License-Identifier: GPL-2.0
# Turns the lines of bench.sh, "SECTION TRACER key=value...", into a Markdown table. Any awk.

function put(key, value) {
	list[key, ++count[key]] = value + 0
}

# Sorts in place: lists are short.
function sorted(key,    i, j, v) {
	for (i = 2; i <= count[key]; i++) {
		v = list[key, i]
		for (j = i - 1; j > 0 && list[key, j] > v; j--)
			list[key, j + 1] = list[key, j]
		list[key, j + 1] = v
	}
}

function median(key,    n) {
	n = count[key]
	sorted(key)
	return n % 2 ? list[key, (n + 1) / 2] : (list[key, n / 2] + list[key, n / 2 + 1]) / 2
}

function largest(key) {
	sorted(key)
	return list[key, count[key]]
}

function mark(pass) {
	return pass ? " ✓" : " **✗**"
}

# One cell of each kind of row; "" where nothing was measured.
function cell(row, tool,    key, v, missing, worst) {
	key = row SUBSEP tool
	if (!count[key])
		return ((section_of[row], tool) in fails) ? "failed" : ""
	if (kind[row] == "most") {
		v = median(key)
		return sprintf(form[row], v) mark(v <= limit[row])
	}
	if (kind[row] == "least") {
		v = median(key)
		return sprintf(form[row], v) mark(v >= limit[row])
	}
	if (kind[row] == "peak") {
		v = median(key)
		worst = largest("peak" SUBSEP tool)
		return sprintf("%.1f (peak %.1f)", v, worst) mark(v <= limit[row])
	}
	if (kind[row] == "lone") {
		v = median(key)
		worst = largest(key)
		if (worst >= 1000)
			return sprintf("%s (max > 1000)", v >= 1000 ? "> 1000" : sprintf("%.1f", v)) mark(0)
		return sprintf("%.1f (max %.1f)", v, worst) mark(worst <= limit[row])
	}
	if (kind[row] == "share") {
		v = median(key)
		return sprintf(v == 100 ? "all" : "%.2f %%", v) mark(v == 100)
	}
	if (kind[row] == "info")
		return sprintf("%.1f", median(key))
	# A burst: the worst of the runs. Nothing may be missing, or where that is asked, only what
	# the tracer says that it lost, to the event.
	worst = largest(key)
	missing = exact[row] ? largest("events" SUBSEP row SUBSEP tool) : worst
	v = missing == 0 || (row == "burst-1m" && !largest("wrong" SUBSEP row SUBSEP tool))
	if (exact[row] && missing)
		worst = sprintf("%d (%d events, told %d)", worst, missing,
			largest("told" SUBSEP row SUBSEP tool))
	return worst mark(v && !(("over" SUBSEP row SUBSEP tool) in more))
}

function row(id, section, title, target, k, l, f) {
	rows[++n_rows] = id
	section_of[id] = section
	name[id] = title
	goal[id] = target
	kind[id] = k
	limit[id] = l
	form[id] = f
}

BEGIN {
	row("start", "start", "start to first event shown, ms", "≤ 5", "most", 5, "%.1f")
	row("rss", "mem", "resident memory, MiB", "≤ 3", "peak", 3)
	row("after", "burst-1m", "… after the burst of 1,000,000", "", "info")
	row("size", "size", "stripped program, KiB [1]", "≤ 300", "most", 300, "%.0f")
	row("self", "rate", "self-signalling, traced / untraced rate", "≥ 0.65", "least", 0.65, "%.3f")
	row("self-shown", "rate", "… of it shown", "all", "share")
	row("near", "rate", "ping-pong on one CPU, traced / untraced rate", "≥ 0.80", "least", 0.80, "%.3f")
	row("near-shown", "rate", "… of it shown", "all", "share")
	row("far", "rate", "ping-pong between two CPUs [2]", "≥ 0.80", "least", 0.80, "%.3f")
	row("far-shown", "rate", "… of it shown", "all", "share")
	row("cpu", "cpu", "own CPU for 100,000 signals at 50,000/s, ms", "≤ 60", "most", 60, "%.0f")
	row("burst-100k", "burst-100k", "burst of 100,000 queued signals: missing", "0", "burst")
	row("burst-other", "burst-other", "… sent to another process", "0", "burst")
	row("burst-1m", "burst-1m", "burst of 1,000,000: missing", "0 or exact", "burst")
	exact["burst-1m"] = exact["burst-100k"] = exact["burst-other"] = 1
	row("lone", "pipe-lone", "behind a pipe: a lone event shows after, ms", "≤ 100", "lone", 100)
	row("term", "pipe-term", "… missing of 1,000 when ended by SIGTERM", "0", "burst")
}

$1 == "tool" {
	tools[++n_tools] = $2
	for (i = 3; i <= NF; i++)
		absent[$2] = absent[$2] (i > 3 ? " " : "") $i
	next
}

$1 == "types" {
	for (i = 3; i <= NF; i++) {
		split($i, pair, "=")
		put("types" SUBSEP pair[1] SUBSEP $2, pair[2])
	}
	next
}

# object TOOL file=NAME key=value...
$1 == "object" {
	split($3, file, "=")
	if (!(file[2] in object_known)) {
		object_known[file[2]] = 1
		objects[++n_objects] = file[2]
	}
	for (i = 4; i <= NF; i++) {
		split($i, pair, "=")
		put("object" SUBSEP pair[1] SUBSEP $2 SUBSEP file[2], pair[2])
	}
	next
}

$1 == "noobjects" {
	sub(/^noobjects - /, "")
	noobjects = $0
	next
}

$1 == "attach" {
	for (i = 3; i <= NF; i++) {
		split($i, pair, "=")
		put("attach" SUBSEP pair[1] SUBSEP $2, pair[2])
	}
	next
}

# lowered PROGRAM INSTRUCTIONS NS HOW...
$1 == "lowered" {
	how = $0
	sub(/^lowered [^ ]+ [^ ]+ [^ ]+ /, "", how)
	key = "lowered" SUBSEP $2 SUBSEP how
	if (!count[key] && how != "nothing") {
		lowered_name[++n_lowered] = $2
		lowered_how[n_lowered] = how
	}
	put(key, $4)
	insns[key] = $3
	next
}

# kernel - and a line of the table of make vmtest
$1 == "kernel" {
	kernels[++n_kernels] = $0
	next
}

# How many ran or waited to run in the minute before, by the kernel.
$1 == "load" {
	busy = $3
	next
}

$1 == "notypes" {
	sub(/^notypes - /, "")
	notypes = $0
	next
}

$1 == "spoiled" {
	sub(/^spoiled - /, "")
	notes[++n_notes] = "**Spoiled** by what ran besides: " $0
	next
}

$1 == "why" {
	gsub(/[ \t]+/, " ")
	notes[++n_notes] = $2 " failed: " substr($0, length($1 " " $2 " ") + 1)
	next
}

{
	delete v
	for (i = 3; i <= NF; i++) {
		split($i, pair, "=")
		v[pair[1]] = pair[2]
	}
	t = $2
}

"failed" in v { fails[$1, t] = 1; next }
"first_ms" in v { put("start" SUBSEP t, v["first_ms"]) }
"lone_ms" in v { put("lone" SUBSEP t, v["lone_ms"]) }
"bytes" in v && $1 == "size" { put("size" SUBSEP t, v["bytes"] / 1024) }
$1 == "mem" && "rss_kib" in v {
	put("rss" SUBSEP t, v["rss_kib"] / 1024)
	put("peak" SUBSEP t, v["hwm_kib"] / 1024)
}
$1 == "rate" && "w" in v {
	what = v["w"] == 0 ? "self" : v["w"] == 1 ? "near" : "far"
	put(what SUBSEP t, v["rate"] / v["base"])
	put(what "-shown" SUBSEP t, 100 * v["shown"] / v["sent"])
	put("base" SUBSEP what, v["base"])
}
$1 == "cpu" && "w" in v { put("cpu" SUBSEP t, v["cpu_ms"]) }
$1 == "pipe-term" && "term_sent" in v {
	put("term" SUBSEP t, v["term_sent"] - v["term_shown"])
	put("told" SUBSEP "term" SUBSEP t, 0)
}
$1 ~ /^burst/ && "rss_kib" in v && $1 == "burst-1m" { put("after" SUBSEP t, v["rss_kib"] / 1024) }
$1 ~ /^burst/ && "w" in v {
	put($1 SUBSEP t, v["sent"] - v["shown"])
	told = v["told"]
	missing = v["of"] - v["events"]
	put("events" SUBSEP $1 SUBSEP t, missing)
	if (v["shown"] > v["sent"])
		more["over" SUBSEP $1 SUBSEP t] = 1
}
# portrace tells as it goes, and sums up at its end.
$1 ~ /^burst/ && "told_last" in v {
	if (t ~ /^portrace/)
		told = v["told_last"]
	put("told" SUBSEP $1 SUBSEP t, told)
	put("wrong" SUBSEP $1 SUBSEP t, told != missing)
}

function types_row(key, title, form,    ours, theirs, share) {
	ours = median("types" SUBSEP key SUBSEP "portrace")
	theirs = median("types" SUBSEP key SUBSEP "bpftool")
	share = ours / theirs
	printf "| %s | " form " | " form " | %.2f%s |\n", title, ours, theirs, share, mark(share <= 0.5)
}

# The kernel's types as a C header.
function types_table() {
	if (!count["types" SUBSEP "wall_ms" SUBSEP "bpftool"]) {
		if (notypes != "")
			print "\nThe kernel's types as a C header: not measured, " notypes "."
		return
	}
	print "\n## The kernel's types as a C header\n"
	print "`portrace btf dump kernel --format c` and `bpftool btf dump file /sys/kernel/btf/vmlinux format c` in turn,"
	print "medians of " count["types" SUBSEP "wall_ms" SUBSEP "bpftool"] " runs each.\n"
	print "| figure | portrace | bpftool | ratio (target ≤ 0.50) |"
	print "|---|---|---|---|"
	types_row("wall_ms", "time, ms", "%.1f")
	types_row("used_ms", "CPU, ms", "%.1f")
	types_row("max_kib", "peak memory, KiB", "%.0f")
}

# Of the objects that both load: how ours compares, in the middle and at worst.
function objects_row(key, title, form,    i, n, ratio, ours, theirs, o, worst, name) {
	for (i = 1; i <= n_objects; i++) {
		o = objects[i]
		if (!count["object" SUBSEP key SUBSEP "bpftool" SUBSEP o] ||
		    !count["object" SUBSEP key SUBSEP "portrace" SUBSEP o])
			continue
		ours = median("object" SUBSEP key SUBSEP "portrace" SUBSEP o)
		theirs = median("object" SUBSEP key SUBSEP "bpftool" SUBSEP o)
		ratio = ours / theirs
		put("ours" SUBSEP key, ours)
		put("theirs" SUBSEP key, theirs)
		put("ratios" SUBSEP key, ratio)
		n++
		if (ratio > worst) {
			worst = ratio
			name = o
		}
	}
	ratio = median("ratios" SUBSEP key)
	printf "| %s | " form " | " form " | %.2f%s | %.2f%s (%s) |\n", title, median("ours" SUBSEP key),
		median("theirs" SUBSEP key), ratio, mark(ratio <= 0.5), worst, mark(worst <= 1), name
	return n
}

function objects_table(    n) {
	if (!n_objects) {
		if (noobjects != "")
			print "\nObjects loaded: not measured, " noobjects "."
		return
	}
	print "\n## Objects loaded\n"
	print "`portrace run --load-only` and `bpftool prog loadall`, which pins what it has loaded, in turn; medians of"
	print "all objects that both load, each the median of its runs.\n"
	print "| figure | portrace | bpftool | median ratio (target ≤ 0.50) | worst ratio (target ≤ 1) |"
	print "|---|---|---|---|---|"
	objects_row("wall_ms", "time, ms", "%.1f")
	objects_row("used_ms", "CPU, ms", "%.1f")
	n = objects_row("max_kib", "peak memory, KiB", "%.0f")
	print "\n" n " objects."
}

# Less what measuring itself takes, which is what a program that does nothing is said to take.
function lowered_ns(name, how) {
	return median("lowered" SUBSEP name SUBSEP how) - median("lowered" SUBSEP name SUBSEP "nothing")
}

function lowered_table(    i, name, how, ns) {
	if (!n_lowered)
		return
	print ""
	print "## Lowered programs"
	print ""
	print "The same programs as compiled and lowered, on this kernel, with its types at hand: nanoseconds a run, less"
	print "those of a program that just returns; medians of " \
		count["lowered" SUBSEP lowered_name[1] SUBSEP lowered_how[1]] " rounds, in which every program has its"
	print "turn, of which the best tenth counts."
	print "signal_generate and signal_deliver are the tracer's, on real signals, by the kernel's statistics of runs; the"
	print "others are of the corpus, run by BPF_PROG_TEST_RUN. For 4.9: by the stored answers of that kernel."
	print ""
	print "| program | lowered for | instructions | ns a run | of as compiled |"
	print "|---|---|---|---|---|"
	for (i = 1; i <= n_lowered; i++) {
		name = lowered_name[i]
		how = lowered_how[i]
		ns = lowered_ns(name, how)
		printf "| %s | %s | %d | %.0f | %.2f |\n", name, how == "as compiled" ? "– (as compiled)" : how,
			insns["lowered" SUBSEP name SUBSEP how], ns, ns / lowered_ns(name, "as compiled")
	}
}

# From the table of make vmtest those columns, by their names.
function kernels_table(    n, i, c, columns, column, cells, line) {
	if (!n_kernels)
		return
	print ""
	print "## Start-up per kernel"
	print ""
	print "From exec to where all is attached and the tracer waits, medians of 5, as the last `make vmtest` had it. The"
	print "kernels run in an emulator without help of the processor (QEMU's TCG): compare them with one another, not"
	print "with the figures above."
	print ""
	n = split("architecture,kernel,transport,types,lowered,started in", columns, ",")
	for (i = 1; i <= n_kernels; i++) {
		split(kernels[i], cells, / *\| */)
		for (c in cells)
			if (i == 1)
				column[cells[c]] = c
		line = "|"
		for (c = 1; c <= n; c++)
			line = line " " (i == 2 ? "---" : cells[column[columns[c]]]) " |"
		if (i == 2)
			gsub(/ /, "", line)
		print line
	}
}

function attach_row(key, what, form, n, i, from, line) {
	n = split("kernel-ring tracefs-ring kernel-perf tracefs-perf", from, " ")
	line = "| " what " |"
	for (i = 1; i <= n; i++)
		line = line " " sprintf(form, median("attach" SUBSEP key SUBSEP from[i])) " |"
	print line
}

function attach_table() {
	if (!count["attach" SUBSEP "attached_ms" SUBSEP "kernel-ring"])
		return
	print ""
	print "## From exec to attached"
	print ""
	print "portrace by where the kernel's types come from, medians of " \
		count["attach" SUBSEP "attached_ms" SUBSEP "kernel-ring"] " runs of each in turn. tracefs: as where a"
	print "kernel has no BTF."
	print ""
	print "| figure | ring, BTF | ring, tracefs | perf, BTF | perf, tracefs |"
	print "|---|---|---|---|---|"
	attach_row("attached_ms", "time, ms", "%.1f")
	attach_row("peak_kib", "peak memory, KiB", "%.0f")
}

END {
	print "# Benchmark"
	print ""
	print kernel ", " day ". Medians; every tracer in turn in one run of `tests/bench/bench.sh`."
	if (busy >= 1)
		print "The machine was busy with other things: load " busy " before it began."
	print ""
	line = "| figure | target |"
	rule = "|---|---|"
	for (i = 1; i <= n_tools; i++) {
		line = line " " tools[i] " |"
		rule = rule "---|"
	}
	print line
	print rule
	for (r = 1; r <= n_rows; r++) {
		line = "| " name[rows[r]] " | " goal[rows[r]] " |"
		any = 0
		for (i = 1; i <= n_tools; i++) {
			c = cell(rows[r], tools[i])
			any = any || c != ""
			if (c == "")
				c = tools[i] in absent ? absent[tools[i]] : "–"
			line = line " " c " |"
		}
		if (any)
			print line
	}
	print ""
	print "[1] The program file alone: portrace is static, the others also load libraries."
	print "[2] Each wake-up of an idle CPU outweighs the tracing, and a tracer that keeps the CPUs busy can make it faster."
	if (count["base" SUBSEP "self"])
		printf "\nUntraced, signals a second: self-signalling %d, ping-pong on one CPU %d, between two %d.\n",
			median("base" SUBSEP "self"), median("base" SUBSEP "near"), median("base" SUBSEP "far")
	print ""
	print "\"Missing\" is sent less shown in the worst of the runs. A signal is two events, generate and deliver; where"
	print "events are missing, \"told\" is how many the tracer itself says it lost."
	print "perf-trace, trace-cmd and trace_pipe print both events unjoined; a signal is shown when both are."
	print "portrace-4.9 is portrace behind a gate that answers like Linux 4.9 (tests/gate.h): what it would load there"
	print "runs on this kernel. Every question to the kernel passes through the gate, which is in its start."
	for (i = 1; i <= n_notes; i++)
		print notes[i]
	attach_table()
	lowered_table()
	kernels_table()
	types_table()
	objects_table()
}
