#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures portrace and its peers on this machine, in turn, and prints one Markdown table.
#
#	bench.sh BUILD_DIR [OUTPUT.md]      run as root; builds its own workloads into BUILD_DIR/bench
#
#	ONLY="start attach mem rate cpu pipe burst lowered types objects"   sections to run; all by default
#	TOOLS="portrace portrace-perf ..."     tracers to run; all by default
#	QUICK=1                                few repetitions, for a look while working
#	MAXTIME=600                            seconds after which no further round is begun
#	OBJECTS="a.bpf.o b.bpf.o ..."          what to load in section objects, besides the corpus
#	KEEP=FILE                              keep the raw measurements there
#
# portrace-4.9 is portrace behind a gate that answers like Linux 4.9 (tests/gate.h): its programs are
# lowered, and run on this kernel.
#
# Each round runs every tracer once, so that what else happens on the machine meets all of
# them alike; figures are medians over the rounds, and a ratio is taken against an untraced run
# right before it. Nothing stays behind: files go to a directory of their own that is removed,
# the settings of tracefs that trace-cmd changes are put back.
set -u
LC_ALL=C
export LC_ALL

build=${1:?usage: bench.sh BUILD_DIR [OUTPUT.md]}
output=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$build" && pwd) || exit 1
sections=" ${ONLY:-start attach mem rate cpu pipe burst lowered types objects} "
tools=${TOOLS:-portrace portrace-perf portrace-events portrace-tracefs portrace-4.9 sigsnoop bpftrace perf-trace trace-cmd trace_pipe ply}
maxtime=${MAXTIME:-600}
bin=$build/bench
caps=$here/../fixtures/caps

if [ "$(id -u)" != 0 ]; then
	echo "bench.sh: not root: tracing signals needs it; run it with sudo" >&2
	exit 1
fi

# Peers need tracefs where they look for it: mounted for this script alone if nobody has.
tracefs=
for t in /sys/kernel/tracing /sys/kernel/debug/tracing; do
	[ -e $t/events/signal ] && { tracefs=$t; break; }
done
if [ -z "$tracefs" ] && [ -z "${BENCH_UNSHARED:-}" ]; then
	BENCH_UNSHARED=1 exec unshare -m --propagation private sh -c \
		'mount -t tracefs nodev /sys/kernel/tracing; exec "$@"' sh "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/portrace-bench.XXXXXX") || exit 1
data=$work/data
: > "$data"
declare -A absent failed why

# ---- tracefs as it was ------------------------------------------------------------------------

instance=$tracefs/instances/portrace-bench
tracefs_idle=
[ -n "$tracefs" ] && [ ! -s "$tracefs/set_event" ] && [ -z "$(cat "$tracefs/set_event")" ] &&
	[ "$(cat "$tracefs/tracing_on")" = 1 ] && tracefs_idle=1
[ -n "$tracefs" ] && function_trace=$(cat "$tracefs/options/function-trace" 2>/dev/null)

tracefs_restore() {
	[ -n "$tracefs" ] || return
	if [ -d "$instance" ]; then
		echo 0 > "$instance/events/enable"
		rmdir "$instance" 2>/dev/null
	fi
	[ -n "$tracefs_idle" ] || return
	: > "$tracefs/set_event"
	echo 1 > "$tracefs/tracing_on"
	[ -z "$function_trace" ] || echo "$function_trace" > "$tracefs/options/function-trace"
}

clean() {
	[ -z "${meter_pid:-}" ] || kill "$meter_pid" 2>/dev/null
	tracefs_restore 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# ---- the tracers ------------------------------------------------------------------------------

# The textbook join, each signal printed when it is delivered.
cat > "$work/join.bt" <<'BT'
tracepoint:signal:signal_generate
{
	@from[args->pid, args->sig] = pid;
	@at[args->pid, args->sig] = nsecs;
}
tracepoint:signal:signal_deliver
/@at[tid, args->sig]/
{
	printf("%d -> %s %d signal %d after %d us\n", @from[tid, args->sig], comm, tid, args->sig,
	       (nsecs - @at[tid, args->sig]) / 1000);
	delete(@from[tid, args->sig]);
	delete(@at[tid, args->sig]);
}
END { clear(@from); clear(@at); }
BT

cat > "$work/ply.ply" <<'PLY'
tracepoint:signal/signal_generate { at[data->pid, data->sig] = time; from[data->pid, data->sig] = pid; }
tracepoint:signal/signal_deliver { printf("%d -> %d signal %d\n", from[kpid, data->sig], kpid, data->sig); delete at[kpid, data->sig]; delete from[kpid, data->sig]; }
PLY

# The kernel's own text, from a buffer of its own.
cat > "$work/trace_pipe" <<SH
#!/bin/sh
mkdir -p $instance || exit 1
cd $instance || exit 1
echo 1 > events/signal/signal_generate/enable
echo 1 > events/signal/signal_deliver/enable
exec cat trace_pipe
SH
chmod +x "$work/trace_pipe"

find_program() {
	local p
	for p in "$@"; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$p" && return
	done
}

# Sets command, musts (meter's options on what a line shows) and file (the program).
tracer() {
	local both=(-m signal_generate -m signal_deliver)
	musts=()
	case $1 in
	portrace)
		file=$build/portrace musts=(-e 2 -x "record was lost")
		command=("$file" signal --transport ring) ;;
	portrace-perf)
		file=$build/portrace musts=(-e 2 -x "record was lost")
		command=("$file" signal --transport perf) ;;
	portrace-events)
		file=$build/portrace musts=(-e 2 -x "record was lost")
		command=("$file" signal --transport events) ;;
	portrace-4.9)
		file=$build/portrace musts=(-e 2 -x "record was lost")
		command=("$bin/behind" "$caps/4.9-x86_64.caps" "$file" signal) ;;
	portrace-tracefs)
		file=$build/portrace musts=(-e 2 -x "record was lost")
		command=("$file" signal --types tracefs) ;;
	sigsnoop) file=$(find_program sigsnoop sigsnoop-bpfcc) command=("$file") ;;
	bpftrace) file=$(find_program bpftrace) command=("$file" "$work/join.bt") ;;
	perf-trace)
		file=$(find_program perf) musts=("${both[@]}")
		command=("$file" trace -a -e "signal:signal_generate,signal:signal_deliver") ;;
	trace-cmd)
		file=$(find_program trace-cmd) musts=("${both[@]}")
		command=("$file" stream -e signal:signal_generate -e signal:signal_deliver) ;;
	trace_pipe)
		file=$(find_program cat) musts=("${both[@]}")
		command=("$work/trace_pipe") ;;
	ply) file=$(find_program ply) command=("$file" "$work/ply.ply") ;;
	*) echo "bench.sh: no such tracer: $1" >&2; exit 2 ;;
	esac
	[ -x "$file" ] || { absent[$1]="not installed"; return 1; }
	if [ -z "$tracefs_idle" ] && [ "$1" = trace-cmd ]; then
		absent[$1]="ftrace is in use"
		return 1
	fi
}

# Tracers that are running already slow down what is taken for untraced.
running_tracers() {
	local f comm
	for f in /proc/[0-9]*/comm; do
		read -r comm 2>/dev/null < "$f" || continue
		case $comm in
		portrace|sigsnoop|bpftrace|perf|trace-cmd|ply) echo "$comm (${f//[!0-9]/})" ;;
		esac
	done | tr '\n' ' '
}

note_running() {
	local now
	now=$(running_tracers)
	[ -n "$now" ] || return
	echo "bench.sh: already running, which spoils the figures: $now" >&2
	echo "spoiled - $now" >> "$data"
}

# ---- measuring --------------------------------------------------------------------------------

compile() {
	local name
	mkdir -p "$bin" || exit 1
	for name in behind lowered; do
		[ -x "$bin/$name" ] && continue
		echo "bench.sh: $bin/$name: not there; \`make bench\` builds it" >&2
		exit 1
	done
	for name in load meter; do
		[ "$bin/$name" -nt "$here/$name.c" ] && continue
		${CC:-cc} -std=gnu11 -O2 -o "$bin/$name" "$here/$name.c" || exit 1
	done
}

begun=$SECONDS
in_time() {
	[ $((SECONDS - begun)) -lt "$maxtime" ]
}

# measure SECTION TRACER MODE [meter's options]: appends "SECTION TRACER key=value..." lines.
measure() {
	local section=$1 name=$2 mode=$3 status
	local command musts file
	shift 3
	[ -z "${absent[$name]:-}${failed[$name]:-}" ] || return
	tracer "$name" || return
	timeout 120 "$bin/meter" "$mode" -l "$bin/load" "${musts[@]}" "$@" -- "${command[@]}" \
		> "$work/result" 2> "$work/error" &
	meter_pid=$!
	wait $meter_pid
	status=$?
	meter_pid=
	case $name in trace-cmd|trace_pipe) tracefs_restore 2>/dev/null ;; esac
	sed "s/^/$section $name /" "$work/result" >> "$data"
	if [ $status != 0 ]; then
		failed[$name]=$(tr '\n' ' ' < "$work/error" | cut -c 1-200)
		echo "bench.sh: $name: ${failed[$name]:-ended with status $status}" >&2
		failed[$name]=${failed[$name]:-status $status}
	fi
}

# rounds N SECTION MODE [options]: every tracer once a round; a failure ends it for its section.
rounds() {
	local n=$1 section=$2 i name
	shift 2
	case $sections in *" ${section%%-*} "*) ;; *) return ;; esac
	failed=()
	for ((i = 1; i <= n; i++)); do
		in_time || { echo "bench.sh: $section: no time for round $i of $n" >&2; break; }
		printf '\r%-60s' "$section: round $i of $n" >&2
		for name in $tools; do
			measure "$section" "$name" "$@"
		done
	done
	for name in "${!failed[@]}"; do
		echo "$section $name failed=1" >> "$data"
		why[$name]=${failed[$name]}
	done
	printf '\r%60s\r' '' >&2
}

sizes() {
	local name command musts file
	case $sections in *" mem "*) ;; *) return ;; esac
	for name in $tools; do
		tracer "$name" || continue
		[ "$name" = trace_pipe ] && continue
		strip -o "$work/stripped" "$(readlink -f "$file")" 2>/dev/null ||
			cp "$file" "$work/stripped"
		echo "size $name bytes=$(stat -c %s "$work/stripped")" >> "$data"
	done
}

# From exec to attached, by where the types come from and how events do.
attach() {
	local i types transport
	case $sections in *" attach "*) ;; *) return ;; esac
	for ((i = 1; i <= n_attach; i++)); do
		in_time || break
		printf '\r%-60s' "attach: round $i of $n_attach" >&2
		for types in kernel tracefs; do
			for transport in ring perf; do
				"$bin/meter" attached -l "$bin/load" -x "portrace: tracing" -- "$build/portrace" \
					-v --types $types --transport $transport |
					sed "s/^/attach $types-$transport /" >> "$data"
			done
		done
	done
	printf '\r%60s\r' '' >&2
}

# What lowering costs: the same programs as compiled and lowered, in turn.
lowered() {
	local kernels
	case $sections in *" lowered "*) ;; *) return ;; esac
	mapfile -t kernels < <(printf '%s\n' "$caps"/4.*.caps "$caps"/5.4*.caps | sort -V)
	printf '\r%-60s' "lowered" >&2
	"$bin/lowered" "$n_lowered" "${kernels[@]}" >> "$data"
	printf '\r%60s\r' '' >&2
}

# How long portrace takes to start on the kernels that make vmtest booted last.
kernels() {
	[ -s "$build/vm/kernels.md" ] && sed 's/^/kernel - /' "$build/vm/kernels.md" >> "$data"
}

# The kernel's types as a C header, in turn with bpftool, which needs no root for it either.
dump_types() {
	local i bpftool btf=/sys/kernel/btf/vmlinux
	case $sections in *" types "*) ;; *) return ;; esac
	[ -r $btf ] || { echo "notypes - this kernel has no BTF" >> "$data"; return; }
	bpftool=$(find_program bpftool) || { echo "notypes - bpftool is not installed" >> "$data"; return; }
	for ((i = 1; i <= n_types; i++)); do
		in_time || break
		printf '\r%-60s' "types: round $i of $n_types" >&2
		dump_once portrace "$build/portrace" btf dump kernel --format c
		dump_once bpftool "$bpftool" btf dump file $btf format c
	done
	printf '\r%60s\r' '' >&2
}

dump_once() { # NAME COMMAND...
	local name=$1
	shift
	"$bin/meter" once -l "$bin/load" -o "$work/header" -- "$@" | sed "s/^/types $name /" >> "$data"
}

# Objects loaded, and forgotten again, in turn with bpftool, which has to pin them to a bpffs.
objects() {
	local i o bpftool
	case $sections in *" objects "*) ;; *) return ;; esac
	bpftool=$(find_program bpftool) || { echo "noobjects - bpftool is not installed" >> "$data"; return; }
	mkdir "$work/bpffs" && mount -t bpf nodev "$work/bpffs" ||
		{ echo "noobjects - no bpffs can be mounted" >> "$data"; return; }
	for ((i = 1; i <= n_objects; i++)); do
		printf '\r%-60s' "objects: round $i of $n_objects" >&2
		for o in "$build"/fixtures/corpus/default-3/*.o ${OBJECTS:-}; do
			load_once bpftool "$o" "$bpftool" prog loadall "$o" "$work/bpffs/o"
			rm -rf "$work/bpffs/o"
			load_once portrace "$o" "$build/portrace" run --load-only "$o"
		done
	done
	umount "$work/bpffs"
	printf '\r%60s\r' '' >&2
}

load_once() { # NAME OBJECT COMMAND...
	local name=$1 object=$2 line
	shift 2
	line=$("$bin/meter" once -l "$bin/load" -o "$work/loaded" -- "$@" 2>/dev/null) &&
		echo "object $name file=$(basename "$object") $line" >> "$data"
}

compile
note_running
read -r busy _ < /proc/loadavg
echo "load - $busy" >> "$data"
if [ -n "${QUICK:-}" ]; then
	n_start=5 n_rate=3 n_cpu=1 n_burst=1 n_lone=8 n_types=5 n_attach=5 n_lowered=3 n_objects=3
else
	n_start=15 n_rate=7 n_cpu=3 n_burst=3 n_lone=20 n_types=21 n_attach=41 n_lowered=15 n_objects=11
fi
out=(-o "$work/out")
sizes
rounds $n_start start first
attach
rounds 1 mem run "${out[@]}" -w "selfkill 20000 1"
rounds $n_rate rate run "${out[@]}" -b -w "selfkill 500000 0.5" -w "pingpong 300000 0.5 1" \
	-w "pingpong 300000 0.3 2"
rounds $n_cpu cpu run "${out[@]}" -w "paced 50000 100000"
rounds 1 pipe-lone lone -n $n_lone
rounds 1 pipe-term term
rounds $n_burst burst-100k run "${out[@]}" -d 20 -w "burst 100000"
rounds 1 burst-other run "${out[@]}" -d 20 -w "burst 100000 other"
rounds 1 burst-1m run "${out[@]}" -d 30 -w "burst 1000000"

lowered
kernels
dump_types
objects

note_running

# ---- the table --------------------------------------------------------------------------------

report() {
	local name
	{
		for name in $tools; do
			echo "tool $name ${absent[$name]:-}"
		done
		for name in "${!why[@]}"; do
			echo "why $name ${why[$name]}"
		done
		cat "$data"
	} | awk -v kernel="$(uname -sr), $(uname -m), $(nproc) CPUs" -v day="$(date +%F)" \
		-f "$here/report.awk"
}

[ -z "${KEEP:-}" ] || cp "$data" "$KEEP"
if [ -n "$output" ]; then
	report > "$work/report" && cp "$work/report" "$output"
	cat "$work/report"
else
	report
fi
