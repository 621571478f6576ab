// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of type TRACING, which a kernel attaches by its types (since Linux 5.5, and only where the
 * architecture has trampolines), for kernels that do not:
 *
 *	tp_btf/X	raw_tp/X, which gets the same context
 *	raw_tp/X	tracepoint/CATEGORY/X, as far as the record has what is read (before 4.17)
 *	fentry/F	kprobe/F, the arguments from the registers
 *	fexit/F		kretprobe/F, the result from its register. The arguments are gone by then: another
 *			kprobe/F, which is added to the object, puts them by in a map
 *
 * What is read through pointers becomes calls first (pointers_read.c). E.g. on x86-64, of a program
 * on security_file_open(struct file *file):
 *
 *	r1 = *(u64 *)(r1 + 0)		r1 = *(u64 *)(r1 + 112)
 *	r1 = *(u32 *)(r1 + 20)		r3 = r1
 *					r3 += 20
 *					*(u64 *)(r10 - 8) = 0
 *					r1 = r10
 *					r1 += -8
 *					r2 = 4
 *					call bpf_probe_read_kernel
 *					r1 = *(u32 *)(r10 - 8)
 */
#include "compat/tracing_internal.h"

#include <stdio.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/pointers.h"
#include "compat/refuse.h"
#include "compat/stack.h"

/* ---- reads ---- */

/* Through pointers, and from the context: what of it is read. */
int tracing_untype(struct tracing *t)
{
	struct pointers_source source = { .context = true, .size = t->registers->size };
	uint32_t n;

	if (pointers_to_reads(t->obj, t->prog, source, t->why.text, &n, t->err))
		return -1;
	t->context.obj = t->obj;
	t->context.prog = t->prog;
	t->context.why = t->why.text;
	if (context_used(&t->context, &t->used, t->err))
		return -1;
	return !n ? 0 : plan_add(t->plan, TRACING_LOWERING, t->prog, t->why.text, t->err,
				 "%u read%s through pointers into the kernel: instead "
				 "bpf_probe_read_kernel()", n, n > 1 ? "s" : "");
}

bool tracing_uses(const struct tracing *t, uint32_t word)
{
	return t->used & 1u << word;
}

int tracing_no_argument(const struct tracing *t, uint32_t n, const char *where, const char *hint)
{
	char what[96];

	snprintf(what, sizeof(what), "argument %u of %.48s, which is %s", n + 1, t->prog->target,
		 where);
	refuse(t->obj, t->prog, 0, what, t->why.text, t->err);
	return error_hint(t->err, "%s", hint);
}

int tracing_become(const struct tracing *t, const char *kind, const char *target,
		   const char *arguments)
{
	t->prog->kind = section_kind(kind);
	t->prog->target = target;
	return plan_add(t->plan, TRACING_LOWERING, t->prog, t->why.text, t->err,
			"becomes a program on %s%.64s%s", kind, target, arguments);
}

/* ---- the stack, filled at the start ---- */

int tracing_start_open(struct tracing *t, struct tracing_start *s)
{
	uint32_t depth;

	if (program_stack_depth(t->prog, 0, &depth, t->err))
		return -1;
	s->context = -(int)((depth + 7) / 8 * 8) - 8;
	s->next = s->context - 8;
	piece_put(&s->piece, INSN_STORE(BPF_DW, BPF_REG_10, s->context, BPF_REG_1));
	return 0;
}

int16_t tracing_start_word(struct tracing_start *s)
{
	s->next -= 8;
	return s->next + 8;
}

int tracing_start_close(struct tracing *t, struct tracing_start *s)
{
	struct edit edit;
	int ret;

	piece_put(&s->piece, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, s->context));
	if (s->next + 8 < -STACK_MAX) {
		piece_fini(&s->piece);
		refuse(t->obj, t->prog, 0, "no room is left on the stack for the arguments",
		       t->why.text, t->err);
		return error_hint(t->err, "put large variables into a per-CPU map");
	}
	ret = edit_init(&edit, t->prog, t->err);
	if (!ret)
		ret = piece_enter(&s->piece, &edit, 0, t->err);
	if (!ret)
		ret = edit_apply(&edit, t->err);
	edit_fini(&edit);
	piece_fini(&s->piece);
	return ret;
}

/* ---- all kinds ---- */

static bool is(const struct tracing *t, const char *kind)
{
	size_t len = strlen(kind);

	/* "fentry" for "fentry/" and "fentry.s/" */
	return !strncmp(t->prog->kind->name, kind, len) &&
	       (!strcmp(t->prog->kind->name + len, "/") || !strcmp(t->prog->kind->name + len, ".s/"));
}

static const struct {
	const char *kind, *what, *hint;
} refused[] = {
	{ "fmod_ret", "a program that changes what a function returns",
	  "bpf_override_return() in a kprobe program does it since Linux 4.16, where the kernel is built "
	  "with CONFIG_BPF_KPROBE_OVERRIDE and the function lets it" },
	{ "fsession", "a program on both ends of a function", "write one for fentry/ and one for fexit/" },
	{ "fentry.multi", "a program on several functions", "write one for fentry/ of each function" },
	{ "fexit.multi", "a program on several functions", "write one for fexit/ of each function" },
	{ "fsession.multi", "a program on several functions",
	  "write one for fentry/ and one for fexit/ of each function" },
	{ "lsm", "a program that decides in place of a security module",
	  "a kprobe program on the function security_NAME() sees what is asked for, and cannot forbid it" },
	{ "lsm_cgroup", "a program that decides in place of a security module",
	  "a kprobe program on the function security_NAME() sees what is asked for, and cannot forbid it" },
	{ "iter", "a program that goes over what the kernel has", "read /proc in user space instead" },
};

/* Sets t->why. Programs of other types than TRACING are attached by trampolines as well. */
static bool is_lacking(struct tracing *t)
{
	enum cap cap = is(t, "iter") ? CAP_TRACING : CAP_TRAMPOLINE;
	uint32_t type = t->prog->kind->type;

	if (type != BPF_PROG_TYPE_TRACING && caps_program(t->caps, type) == CAP_NO) {
		t->why = plan_why_program(t->caps, type);
		return true;
	}
	if (caps_ask(t->caps, cap) != CAP_NO)
		return false;
	t->why = plan_why(t->caps, cap);
	return true;
}

static int lower_function(struct tracing *t)
{
	if (!is_lacking(t))
		return 0;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (is(t, refused[i].kind)) {
			refuse(t->obj, t->prog, 0, refused[i].what, t->why.text, t->err);
			return error_hint(t->err, "%s", refused[i].hint);
		}
	return is(t, "fentry") ? tracing_entry(t) : is(t, "fexit") ? tracing_exit(t) : 0;
}

/* Of raw_syscalls both contexts are laid out as one call's: number, then arguments or result. */
static int check_event(struct tracing *t)
{
	if (strncmp(t->prog->target, "syscalls/", 9) ||
	    caps_ask(t->caps, CAP_SYSCALL_EVENTS) != CAP_NO)
		return 0;
	t->why = plan_why(t->caps, CAP_SYSCALL_EVENTS);
	refuse(t->obj, t->prog, 0, "a program on one system call's tracepoint", t->why.text, t->err);
	return error_hint(t->err, "raw_syscalls/sys_enter and sys_exit take one, for all calls: compare "
			  "the id in their context");
}

static int lower_program(struct tracing *t)
{
	static const struct registers widest = { .size = 8 };

	t->registers = registers_of(caps_machine(t->caps));
	if (!t->registers)
		t->registers = &widest;
	if (is(t, "tp_btf") || is(t, "raw_tp") || is(t, "raw_tracepoint"))
		return tracing_raw(t, is(t, "tp_btf"));
	if (t->prog->kind->type == BPF_PROG_TYPE_TRACEPOINT)
		return check_event(t);
	if (t->prog->kind->type != BPF_PROG_TYPE_TRACING && t->prog->kind->type != BPF_PROG_TYPE_LSM)
		return 0;
	return lower_function(t);
}

int lower_tracing(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0, count = obj->programs.len; i < count; i++) {
		struct tracing t = { .obj = obj, .caps = caps, .prog = &obj->programs.at[i],
				     .plan = plan, .err = err };

		if (t.prog->autoload && t.prog->kind && lower_program(&t))
			return -1;
	}
	return 0;
}
