/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_CAPS_H
#define COMPAT_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/text.h"

/*
 * What the kernel at hand can do: questions put to it by trying, each asked once and only
 * when somebody needs the answer. A question that could not be put (no permission, no
 * memory) is CAP_UNKNOWN with the reason, never a "no", and is asked again next time.
 *
 * Map types, program types and helpers are asked by their numbers (caps_map() and so on), all else
 * by name. Zeroed is a kernel that has not been asked anything yet.
 */
enum cap {
	CAP_BPF,          /* the bpf(2) call at all, Linux 3.18 */
	CAP_NAMES,        /* map and program names, 4.15 */
	CAP_MEMCG,        /* memory charged to the cgroup, not to RLIMIT_MEMLOCK, 5.11 */
	/* The instruction set. */
	CAP_JLT,          /* JLT, JLE, JSLT, JSLE: v2, 4.14 */
	CAP_JMP32,        /* 32 bit comparisons: v3, 5.1 */
	CAP_ALU32,        /* the verifier tracks 32 bit moves and arithmetic, shifts with sign too, 5.0 */
	CAP_ATOMICS,      /* those with a result, and and, or, xor, 5.12 */
	CAP_MOVSX,        /* moves that fill with the sign: v4, 6.6, as the next four */
	CAP_LDSX,         /* such loads */
	CAP_BSWAP,        /* unconditional byte swap */
	CAP_SDIV,         /* signed division and remainder */
	CAP_GOTOL,        /* jump by 32 bits */
	CAP_MAY_GOTO,     /* 6.9 */
	CAP_LOAD_ACQUIRE, /* and store release, 6.15 */
	/* What a program may be made of. */
	CAP_LARGE,        /* more than 4096 instructions, 5.2 */
	CAP_CALLS,        /* functions, 4.16 */
	CAP_LOOPS,        /* bounded loops, 5.3 */
	CAP_GLOBAL_DATA,  /* addresses of map values in programs, and BPF_F_RDONLY_PROG, 5.2 */
	CAP_FREEZE,       /* BPF_MAP_FREEZE, 5.2 */
	CAP_FUNC_POINTER, /* BPF_PSEUDO_FUNC, 5.13 */
	CAP_KFUNCS,       /* BPF_PSEUDO_KFUNC_CALL, 5.13 */
	CAP_SLEEPABLE,    /* 5.10 */
	/* What helpers take. */
	CAP_MEMORY_MAP,   /* a map's value where a helper reads or writes memory, 4.11 */
	CAP_MEMORY_SIZE,  /* a size that is no constant, 4.11 */
	CAP_MEMORY_ZERO,  /* a size that may be 0, for bpf_perf_event_output, 4.19 */
	CAP_KEY_MAP,      /* a map's value as key or value of the map helpers, 4.18 */
	CAP_CURRENT_CPU,  /* BPF_F_CURRENT_CPU, 4.7 */
	/* What the verifier makes of addresses of map values. */
	CAP_NULL_COPIES,  /* a check of a lookup's result counts for copies of it, 4.10 */
	CAP_ADD_ADDRESS,  /* the address may be what is added to a number, 4.20 */
	CAP_FILL_RANGE,   /* one that was put by on the stack may be moved, 4.11 */
	/* Maps. */
	CAP_NO_PREALLOC,  /* BPF_F_NO_PREALLOC, 4.6 */
	CAP_MMAPABLE,     /* BPF_F_MMAPABLE, 5.5 */
	/* Loading and attaching. */
	CAP_ANY_VERSION,     /* kprobe programs without the kernel's exact version, 5.0 */
	CAP_ATTACH_TYPE,     /* expected_attach_type, 4.17 */
	CAP_EVENT_SHARED,    /* several programs on one tracepoint or kprobe, 4.15 */
	CAP_SYSCALL_EVENTS,  /* programs on the tracepoints of syscalls, 4.14 */
	CAP_KPROBE_EVENTS,   /* kprobes through tracefs's kprobe_events, 4.1 with BPF */
	CAP_UPROBE_EVENTS,   /* likewise, 4.3 */
	CAP_KPROBE_PMU,      /* kprobes without tracefs, 4.17 */
	CAP_UPROBE_PMU,      /* likewise */
	CAP_KPROBE_MULTI,    /* 5.18 */
	CAP_UPROBE_MULTI,    /* 6.6 */
	CAP_RAW_TRACEPOINT,  /* BPF_RAW_TRACEPOINT_OPEN, 4.17 */
	CAP_TRACING,         /* tp_btf: attached by the id of a type, 5.5 */
	CAP_TRAMPOLINE,      /* fentry, fexit: 5.5 on x86-64, 6.0 on arm64, 6.x or never elsewhere */
	CAP_LINK,            /* BPF_LINK_CREATE at all, 5.7 */
	CAP_PERF_LINK,       /* for perf events, with a cookie, 5.15 */
	CAP_PROG_RUN,        /* BPF_PROG_TEST_RUN, 4.12 */
	/* What the BTF of a program may hold. */
	CAP_BTF,              /* BPF_BTF_LOAD at all, 4.18 */
	CAP_BTF_KFLAG,        /* bit fields with their width, forward declared unions, 5.0 */
	CAP_BTF_FUNC,         /* functions and their prototypes, 5.0 */
	CAP_BTF_DATASEC,      /* variables and their sections, 5.2 */
	CAP_BTF_FUNC_GLOBAL,  /* functions that are not static, 5.6 */
	CAP_BTF_FLOAT,        /* 5.13 */
	CAP_BTF_DECL_TAG,     /* 5.16 */
	CAP_BTF_TYPE_TAG,     /* 5.17 */
	CAP_BTF_ENUM64,       /* 6.0 */
	CAP_BTF_ENUM_SIGN,    /* enums of signed values, 6.0 */
	CAP_BTF_SECTION_NAME, /* sections whose name is more than letters, digits, '_', '.', 6.9 */
	/* And what may come with it. */
	CAP_MAP_BTF,          /* types of a map's key and value, 4.18 */
	CAP_PROG_BTF,         /* functions and lines of a program, 5.0 */
	CAP_COUNT,
};

enum answer { CAP_NOT_ASKED, CAP_NO, CAP_YES, CAP_UNKNOWN };

struct cap_answer {
	enum answer answer;
	int sys; /* errno that answered, or kept the question from being put */
};

#define CAPS_TYPES 64    /* map and program types: more than any kernel has so far */
#define CAPS_HELPERS 256 /* likewise */
#define CAPS_IDS 8       /* enum caps_id of caps_internal.h */

struct caps {
	char release[65], machine[65]; /* whose answers these are, as uname(2) says; "" so far */
	struct cap_answer at[CAP_COUNT], maps[CAPS_TYPES], programs[CAPS_TYPES];
	struct cap_answer *helpers[CAPS_TYPES]; /* by program type; CAPS_HELPERS each, or NULL */
	bool stored; /* read from a file: the kernel at hand is not asked */
	/* Ids of the kernel's types that questions take, looked up with the first that does. */
	uint32_t ids[CAPS_IDS];
	int ids_errno;
	bool ids_known;
};

void caps_fini(struct caps *caps);

/* CAP_YES, CAP_NO or CAP_UNKNOWN; the evidence is in caps->at[cap].sys. */
enum answer caps_ask(struct caps *caps, enum cap cap);
/* The same for BPF_MAP_TYPE_..., BPF_PROG_TYPE_... and BPF_FUNC_... in programs of a type. */
enum answer caps_map(struct caps *caps, uint32_t type);
enum answer caps_program(struct caps *caps, uint32_t type);
enum answer caps_helper(struct caps *caps, uint32_t program_type, uint32_t helper);

/* Of the kernel whose answers these are: "x86_64"; "" where nobody says. */
const char *caps_machine(struct caps *caps);

/* Asks everything that has a name (compat/since.h); helpers: for every type of program, too. */
void caps_ask_all(struct caps *caps, bool helpers);

/*
 * Answers as text, as docs/caps.md describes it, to be read again later or elsewhere: stored, so
 * that what is not in it is unknown. The name is for messages. On failure nothing is held.
 */
int caps_read(struct caps *caps, const char *name, const char *text, size_t len, struct error *err);
void caps_write(const struct caps *caps, struct text *to);

/* "names", as it stands in stored answers. */
const char *caps_name(enum cap cap);
/* What it is, for people: "map and program names". */
const char *caps_about(enum cap cap);
/* LINUX(4, 15): the first release that has it. Words for people, never a test. */
uint16_t caps_since(enum cap cap);

#endif
