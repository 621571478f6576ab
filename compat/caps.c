// SPDX-License-Identifier: GPL-2.0
#include "compat/caps_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "compat/since.h"
#include "util/release.h"

/* Each question holds in itself what it needs: a "yes" to it is one to that as well, and where
 * that is a "no", so is the answer. */
static const struct {
	const char *name, *about;
	uint16_t since;
	question *ask;
	enum cap needs;
} table[CAP_COUNT] = {
	[CAP_BPF] = { "bpf", "the bpf(2) system call", LINUX(3, 18), ask_bpf, CAP_BPF },
	[CAP_NAMES] = { "names", "names of maps and programs", LINUX(4, 15), ask_names, CAP_BPF },
	[CAP_MEMCG] = { "memcg", "memory charged to the cgroup, not to RLIMIT_MEMLOCK", LINUX(5, 11), ask_memcg, CAP_BPF },
	[CAP_JLT] = { "jlt", "jumps by \"less than\" (instruction set v2)", LINUX(4, 14), ask_insn, CAP_BPF },
	[CAP_JMP32] = { "jmp32", "32 bit comparisons (v3)", LINUX(5, 1), ask_insn, CAP_BPF },
	[CAP_ALU32] = { "alu32", "32 bit arithmetic whose result the verifier knows", LINUX(5, 0), ask_alu32, CAP_BPF },
	[CAP_ATOMICS] = { "atomics", "atomic instructions with a result", LINUX(5, 12), ask_insn, CAP_BPF },
	[CAP_MOVSX] = { "movsx", "moves that fill with the sign (v4)", LINUX(6, 6), ask_insn, CAP_BPF },
	[CAP_LDSX] = { "ldsx", "loads that fill with the sign (v4)", LINUX(6, 6), ask_insn, CAP_BPF },
	[CAP_BSWAP] = { "bswap", "unconditional byte swaps (v4)", LINUX(6, 6), ask_insn, CAP_BPF },
	[CAP_SDIV] = { "sdiv", "signed division (v4)", LINUX(6, 6), ask_insn, CAP_BPF },
	[CAP_GOTOL] = { "gotol", "jumps of 32 bits (v4)", LINUX(6, 6), ask_insn, CAP_BPF },
	[CAP_MAY_GOTO] = { "may-goto", "may_goto", LINUX(6, 9), ask_insn, CAP_BPF },
	[CAP_LOAD_ACQUIRE] = { "load-acquire", "loads that acquire, stores that release", LINUX(6, 15), ask_insn, CAP_BPF },
	[CAP_LARGE] = { "large", "programs of more than 4096 instructions", LINUX(5, 2), ask_large, CAP_BPF },
	[CAP_CALLS] = { "calls", "functions in programs", LINUX(4, 16), ask_calls, CAP_BPF },
	[CAP_LOOPS] = { "loops", "bounded loops", LINUX(5, 3), ask_loops, CAP_BPF },
	[CAP_GLOBAL_DATA] = { "global-data", "global variables", LINUX(5, 2), ask_global_data, CAP_BPF },
	[CAP_FREEZE] = { "freeze", "frozen maps", LINUX(5, 2), ask_command, CAP_BPF },
	[CAP_FUNC_POINTER] = { "func-pointer", "addresses of functions", LINUX(5, 13), ask_func_pointer, CAP_PROG_BTF },
	[CAP_KFUNCS] = { "kfuncs", "calls of kernel functions", LINUX(5, 13), ask_kfuncs, CAP_BPF },
	[CAP_SLEEPABLE] = { "sleepable", "programs that may sleep", LINUX(5, 10), ask_sleepable, CAP_BPF },
	[CAP_MEMORY_MAP] = { "memory-map", "map values as memory of helpers", LINUX(4, 11), ask_memory_map, CAP_BPF },
	[CAP_MEMORY_SIZE] = { "memory-size", "variable sizes of helpers' memory", LINUX(4, 11), ask_memory_size, CAP_BPF },
	[CAP_MEMORY_ZERO] = { "memory-zero", "records of 0 bytes in bpf_perf_event_output", LINUX(4, 19), ask_memory_zero, CAP_BPF },
	[CAP_KEY_MAP] = { "key-map", "map values as keys of maps", LINUX(4, 18), ask_key_map, CAP_BPF },
	[CAP_CURRENT_CPU] = { "current-cpu", "BPF_F_CURRENT_CPU", LINUX(4, 7), ask_current_cpu, CAP_BPF },
	[CAP_NULL_COPIES] = { "null-copies", "a check of a lookup that counts for its copies", LINUX(4, 10), ask_null_copies, CAP_BPF },
	[CAP_ADD_ADDRESS] = { "add-address", "addition of an address to a number", LINUX(4, 20), ask_add_address, CAP_BPF },
	[CAP_FILL_RANGE] = { "fill-range", "moving of addresses that were on the stack", LINUX(4, 11), ask_fill_range, CAP_BPF },
	[CAP_NO_PREALLOC] = { "no-prealloc", "hashes that are not allocated ahead", LINUX(4, 6), ask_no_prealloc, CAP_BPF },
	[CAP_MMAPABLE] = { "mmapable", "arrays that can be mapped", LINUX(5, 5), ask_mmapable, CAP_BPF },
	[CAP_ANY_VERSION] = { "any-version", "kprobe programs without the kernel's version", LINUX(5, 0), ask_any_version, CAP_BPF },
	[CAP_ATTACH_TYPE] = { "attach-type", "expected_attach_type", LINUX(4, 17), ask_attach_type, CAP_BPF },
	[CAP_EVENT_SHARED] = { "event-shared", "several programs on one tracepoint", LINUX(4, 15), ask_event_shared, CAP_BPF },
	[CAP_SYSCALL_EVENTS] = { "syscall-events", "programs on tracepoints of system calls", LINUX(4, 14), ask_syscall_events, CAP_BPF },
	[CAP_KPROBE_EVENTS] = { "kprobe-events", "kprobes through tracefs", LINUX(4, 1), ask_probe_events, CAP_BPF },
	[CAP_UPROBE_EVENTS] = { "uprobe-events", "uprobes through tracefs", LINUX(4, 3), ask_probe_events, CAP_BPF },
	[CAP_KPROBE_PMU] = { "kprobe-pmu", "kprobes through perf_event_open", LINUX(4, 17), ask_probe_pmu, CAP_BPF },
	[CAP_UPROBE_PMU] = { "uprobe-pmu", "uprobes through perf_event_open", LINUX(4, 17), ask_probe_pmu, CAP_BPF },
	[CAP_KPROBE_MULTI] = { "kprobe-multi", "many kprobes by one link", LINUX(5, 18), ask_multi, CAP_LINK },
	[CAP_UPROBE_MULTI] = { "uprobe-multi", "many uprobes by one link", LINUX(6, 6), ask_multi, CAP_LINK },
	[CAP_RAW_TRACEPOINT] = { "raw-tracepoint", "raw tracepoints", LINUX(4, 17), ask_raw_tracepoint, CAP_BPF },
	[CAP_TRACING] = { "tracing", "tracepoints with types (tp_btf)", LINUX(5, 5), ask_tracing, CAP_BPF },
	[CAP_TRAMPOLINE] = { "trampoline", "fentry and fexit", LINUX(5, 5), ask_trampoline, CAP_TRACING },
	[CAP_LINK] = { "link", "links", LINUX(5, 7), ask_command, CAP_BPF },
	[CAP_PERF_LINK] = { "perf-link", "links to perf events, with cookies", LINUX(5, 15), ask_perf_link, CAP_LINK },
	[CAP_PROG_RUN] = { "prog-run", "test runs", LINUX(4, 12), ask_command, CAP_BPF },
	[CAP_BTF] = { "btf", "types (BTF)", LINUX(4, 18), ask_btf, CAP_BPF },
	[CAP_BTF_KFLAG] = { "btf-bitfield", "bit fields in BTF", LINUX(5, 0), ask_btf, CAP_BTF },
	[CAP_BTF_FUNC] = { "btf-func", "functions in BTF", LINUX(5, 0), ask_btf, CAP_BTF },
	[CAP_BTF_DATASEC] = { "btf-datasec", "variables in BTF", LINUX(5, 2), ask_btf, CAP_BTF },
	[CAP_BTF_FUNC_GLOBAL] = { "btf-func-global", "global functions in BTF", LINUX(5, 6), ask_btf, CAP_BTF_FUNC },
	[CAP_BTF_FLOAT] = { "btf-float", "floats in BTF", LINUX(5, 13), ask_btf, CAP_BTF },
	[CAP_BTF_DECL_TAG] = { "btf-decl-tag", "tags of declarations in BTF", LINUX(5, 16), ask_btf, CAP_BTF },
	[CAP_BTF_TYPE_TAG] = { "btf-type-tag", "tags of types in BTF", LINUX(5, 17), ask_btf, CAP_BTF },
	[CAP_BTF_ENUM64] = { "btf-enum64", "64 bit enums in BTF", LINUX(6, 0), ask_btf, CAP_BTF },
	[CAP_BTF_ENUM_SIGN] = { "btf-enum-sign", "signed enums in BTF", LINUX(6, 0), ask_btf, CAP_BTF },
	[CAP_BTF_SECTION_NAME] = { "btf-section-name", "any name of a section in BTF", LINUX(6, 9), ask_btf, CAP_BTF_DATASEC },
	[CAP_MAP_BTF] = { "map-btf", "types of maps", LINUX(4, 18), ask_map_btf, CAP_BTF },
	[CAP_PROG_BTF] = { "prog-btf", "functions and lines of programs", LINUX(5, 0), ask_prog_btf, CAP_BTF_FUNC },
};

static bool is_final(enum answer answer)
{
	return answer == CAP_YES || answer == CAP_NO;
}

static bool is_answered(const struct caps *caps, enum cap cap)
{
	return is_final(caps->at[cap].answer);
}

/* What it needs, or what that needs, is known not to be there. */
static bool is_ruled_out(const struct caps *caps, enum cap cap)
{
	for (; cap != table[cap].needs; cap = table[cap].needs)
		if (caps->at[table[cap].needs].answer == CAP_NO)
			return true;
	return false;
}

static void answer_needs(struct caps *caps, enum cap cap)
{
	for (cap = table[cap].needs; !is_answered(caps, cap); cap = table[cap].needs)
		caps->at[cap].answer = CAP_YES;
}

/* A stored "unknown" keeps its reason. */
static enum answer not_stored(struct cap_answer *at)
{
	if (at->answer == CAP_NOT_ASKED)
		*at = (struct cap_answer){ CAP_UNKNOWN, ENODATA };
	return CAP_UNKNOWN;
}

/* The question itself comes first, so that a kernel that can do it is asked once. */
enum answer caps_ask(struct caps *caps, enum cap cap)
{
	enum cap needs = table[cap].needs;

	if (is_answered(caps, cap))
		return caps->at[cap].answer;
	if (caps->stored)
		return not_stored(&caps->at[cap]);
	if (!is_ruled_out(caps, cap))
		caps->at[cap].answer = table[cap].ask(caps, cap, &caps->at[cap].sys);
	if (caps->at[cap].answer == CAP_YES)
		answer_needs(caps, cap);
	else if (cap != needs && caps_ask(caps, needs) == CAP_NO)
		caps->at[cap] = caps->at[needs];
	return caps->at[cap].answer;
}

/* A kernel without bpf(2) has no such thing either. */
static enum answer conclude(struct caps *caps, struct cap_answer *at, enum answer answer, int sys)
{
	if (answer == CAP_UNKNOWN && caps_ask(caps, CAP_BPF) == CAP_NO)
		*at = caps->at[CAP_BPF];
	else
		*at = (struct cap_answer){ answer, sys };
	return at->answer;
}

static enum answer ask_type(struct caps *caps, struct cap_answer *answers, uint32_t type,
			    enum answer (*ask)(struct caps *caps, uint32_t type, int *sys))
{
	struct cap_answer *at;
	enum answer answer;
	int sys = 0;

	if (type >= CAPS_TYPES)
		return CAP_UNKNOWN;
	at = &answers[type];
	if (is_final(at->answer))
		return at->answer;
	if (caps->stored)
		return not_stored(at);
	answer = caps->at[CAP_BPF].answer == CAP_NO ? CAP_UNKNOWN : ask(caps, type, &sys);
	return conclude(caps, at, answer, sys);
}

enum answer caps_map(struct caps *caps, uint32_t type)
{
	return ask_type(caps, caps->maps, type, ask_map);
}

enum answer caps_program(struct caps *caps, uint32_t type)
{
	return ask_type(caps, caps->programs, type, ask_program);
}

struct cap_answer *caps_helpers(struct caps *caps, uint32_t program_type)
{
	struct cap_answer **of = &caps->helpers[program_type];

	if (!*of)
		*of = calloc(CAPS_HELPERS, sizeof(**of));
	return *of;
}

/* No programs, no helpers for them; a stored file need not say so of each. */
enum answer caps_helper(struct caps *caps, uint32_t program_type, uint32_t helper)
{
	struct cap_answer *of, *at;
	enum answer answer;
	int sys = 0;

	if (program_type >= CAPS_TYPES || helper >= CAPS_HELPERS)
		return CAP_UNKNOWN;
	of = caps_helpers(caps, program_type);
	if (!of)
		return CAP_UNKNOWN;
	at = &of[helper];
	if (is_final(at->answer))
		return at->answer;
	answer = caps_program(caps, program_type);
	if (answer != CAP_YES) {
		*at = caps->programs[program_type];
		return answer;
	}
	if (caps->stored)
		return not_stored(at);
	answer = ask_helper(caps, program_type, helper, &sys);
	return conclude(caps, at, answer, sys);
}

/* An extension takes what the program takes whose function it replaces. */
static void ask_helpers(struct caps *caps, uint32_t program_type)
{
	if (program_type == BPF_PROG_TYPE_EXT)
		return;
	for (uint32_t id = 1; id < CAPS_HELPERS && since_helper(id).release; id++)
		caps_helper(caps, program_type, id);
}

static void note_kernel(struct caps *caps)
{
	struct utsname names;

	if (caps->stored || uname(&names))
		return;
	snprintf(caps->release, sizeof(caps->release), "%s", names.release);
	snprintf(caps->machine, sizeof(caps->machine), "%s", names.machine);
}

const char *caps_machine(struct caps *caps)
{
	if (!*caps->machine)
		note_kernel(caps);
	return caps->machine;
}

void caps_ask_all(struct caps *caps, bool helpers)
{
	note_kernel(caps);
	for (int cap = 0; cap < CAP_COUNT; cap++)
		caps_ask(caps, cap);
	for (uint32_t type = 1; type < CAPS_TYPES && since_map_type(type).release; type++)
		caps_map(caps, type);
	for (uint32_t type = 1; type < CAPS_TYPES && since_program_type(type).release; type++)
		if (caps_program(caps, type) == CAP_YES && helpers)
			ask_helpers(caps, type);
}

void caps_fini(struct caps *caps)
{
	for (size_t i = 0; i < CAPS_TYPES; i++)
		free(caps->helpers[i]);
	memset(caps, 0, sizeof(*caps));
}

const char *caps_name(enum cap cap)
{
	return table[cap].name;
}

const char *caps_about(enum cap cap)
{
	return table[cap].about;
}

uint16_t caps_since(enum cap cap)
{
	return table[cap].since;
}
