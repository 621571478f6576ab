/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_CAPS_INTERNAL_H
#define COMPAT_CAPS_INTERNAL_H

#include <linux/bpf.h>
#include <stddef.h>

#include "compat/caps.h"
#include "compat/insn.h"

/*
 * Each question is one function that returns CAP_YES, CAP_NO or CAP_UNKNOWN and leaves the
 * errno that says so in *sys. What it makes in the kernel is gone when it returns.
 *
 * A "no" has to be due to what is asked. So where a kernel says a bare EINVAL, a second trial that
 * differs in that alone has to succeed; where that fails as well, the answer is unknown.
 */
typedef enum answer question(struct caps *caps, enum cap cap, int *sys);

/* compat/caps_kernel.c */
question ask_bpf, ask_names, ask_memcg;
/* compat/caps_insn.c */
question ask_insn, ask_alu32;
/* compat/caps_verifier.c */
question ask_large, ask_calls, ask_loops, ask_global_data, ask_kfuncs, ask_sleepable,
	ask_memory_map, ask_memory_size, ask_memory_zero, ask_key_map, ask_null_copies,
	ask_add_address, ask_fill_range, ask_current_cpu;
/* compat/caps_map.c */
question ask_no_prealloc, ask_mmapable;
/* compat/caps_program.c */
question ask_any_version, ask_attach_type;
/* compat/caps_attach.c */
question ask_command, ask_event_shared, ask_syscall_events, ask_probe_events, ask_probe_pmu,
	ask_multi, ask_raw_tracepoint, ask_tracing, ask_trampoline, ask_perf_link;
/* compat/caps_btf.c */
question ask_btf, ask_map_btf, ask_prog_btf, ask_func_pointer;

/* The same by number: compat/caps_map.c, caps_program.c, caps_helper.c. */
enum answer ask_map(struct caps *caps, uint32_t type, int *sys);
enum answer ask_program(struct caps *caps, uint32_t type, int *sys);
enum answer ask_helper(struct caps *caps, uint32_t program_type, uint32_t helper, int *sys);

/* ---- trials (compat/caps_try.c) ---- */

#define CAPS_ENOTSUPP 524 /* the kernel's own, which libc has no name for */

/* The kernel looked at it and would not have it, be that an attribute, an instruction or a use. */
bool is_refusal(int sys);
/*
 * Of a trial that returned 0 or a descriptor, which is a "yes", or -errno: a "no" if that is a
 * refusal.
 */
enum answer answer_of(int ret, int *sys);
/* What becomes of a "no", given what the second trial returned. */
enum answer answer_by_control(int ret, int *sys);
/* The descriptor is closed: 0, or the -errno that it is. */
int close_trial(int fd);

/* Of one value of 8 bytes. */
union bpf_attr small_array(void);
/* Creates the map and lets it go. 0, or -errno. */
int try_map(const union bpf_attr *map);
/* Is a "no" where only the first is refused. */
enum answer ask_map_pair(const union bpf_attr *asked, const union bpf_attr *control, int *sys);

/* What the verifier says; "" where the kernel did not come as far as that. */
struct trial_log {
	char text[4096];
};

struct trial {
	uint32_t type, attach_type, flags;
	uint32_t btf_id; /* of what it is for, among the kernel's types */
	uint32_t version; /* as kprobe programs need it before Linux 5.0 */
	const struct bpf_insn *insns;
	uint32_t count;
};

/* Loads a program: a descriptor, or -errno. log: NULL, or what the verifier says. */
int load_trial(const struct trial *trial, struct trial_log *log);

/*
 * For what is asked of all programs alike: those of a type that only who may do everything can
 * load, as for others the verifier has rules of its own. Descriptor, or -errno.
 */
int load_plain(struct caps *caps, const struct bpf_insn *insns, uint32_t count);
/* Is a "no" where only the first is refused. */
enum answer ask_plain_pair(struct caps *caps, const struct bpf_insn *asked,
			   uint32_t asked_count, const struct bpf_insn *control,
			   uint32_t control_count, int *sys);

/* "return 0": two instructions. */
extern const struct bpf_insn return_0[2];

/* ---- ids of the kernel's types (compat/caps_ids.c) ---- */

/*
 * What programs are for that name it by the id of a type. All are there on most kernels, do no
 * harm when something is attached for an instant, and are looked up once.
 */
enum caps_id {
	ID_RAW_TRACEPOINT, /* of a tracepoint */
	ID_FUNCTION,       /* of a function for fentry */
	ID_SYSCALL,        /* of one in which programs may sleep */
	ID_ITERATOR,       /* of the iterator over tasks */
	ID_LSM,            /* of a hook of security modules */
	ID_LSM_SLEEPS,     /* of the one in which 5.10 lets programs sleep, as later ones do */
	ID_STRUCT_OPS,     /* of a struct of functions */
	ID_STRUCT_OPS_MEMBER, /* the index of one in it */
};

/*
 * CAP_YES: *id is it, or 0 where there is no such type. CAP_NO: the kernel has no types; else they
 * cannot be had. *sys says why not.
 */
enum answer caps_id(struct caps *caps, enum caps_id which, uint32_t *id, int *sys);

/* A descriptor of BTF whose type 1 is an int, or -errno (compat/caps_btf.c). */
int load_int_btf(void);

/*
 * Loads a program in the n-th of the shapes in which its type comes (compat/caps_program.c). CAP_YES:
 * it was put to the kernel, and *ret is the descriptor or -errno. CAP_NO: there is no such shape.
 */
enum answer load_shape(struct caps *caps, uint32_t type, size_t n, const struct bpf_insn *insns,
		       uint32_t count, struct trial_log *log, int *ret);

/* Answers of a program type by BPF_FUNC_..., or NULL: no memory. */
struct cap_answer *caps_helpers(struct caps *caps, uint32_t program_type);

#endif
