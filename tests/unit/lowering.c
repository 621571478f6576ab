// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/lowering.h"

#include <check.h>
#include <string.h>

struct object obj;
struct caps caps;
struct plan plan;
struct error err;

static lowering *tested;
static const char *tested_name;

void lowering_setup(lowering *how, const char *name)
{
	tested = how;
	tested_name = name;
	memset(&obj, 0, sizeof(obj));
	memset(&caps, 0, sizeof(caps));
	error_clear(&err);
	obj.name = "o";
	caps.stored = true;
}

void lowering_teardown(void)
{
	object_fini(&obj);
	plan_fini(&plan);
	caps_fini(&caps);
}

struct program *add_program(const char *section, const struct bpf_insn *insns, size_t len)
{
	struct program *prog = vec_push(&obj.programs);

	prog->name = "p";
	prog->autoload = true;
	if (section) {
		prog->section = section;
		prog->kind = section_kind(section);
		prog->target = section_target(section);
	}
	for (size_t i = 0; i < len; i++)
		*vec_push(&prog->insns) = insns[i];
	vec_push(&prog->funcs)->name = "p";
	return prog;
}

void add_func(struct program *prog, uint32_t insn)
{
	*vec_push(&prog->funcs) = (struct func){ .insn = insn, .name = "f" };
}

void lower_it(void)
{
	ck_assert_msg(!tested(&obj, &caps, &plan, &err), "%s", err.message);
}

void expect_refused(const char *message, const char *hint)
{
	ck_assert_int_eq(tested(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.hint, hint);
}

void expect_insns(const struct program *prog, const struct bpf_insn *want, size_t len)
{
	for (size_t i = 0; i < len && i < prog->insns.len; i++) {
		const struct bpf_insn *got = &prog->insns.at[i];

		ck_assert_msg(!memcmp(got, &want[i], sizeof(*got)),
			      "instruction %zu: got %#x r%d r%d %d %d, expected %#x r%d r%d %d %d", i,
			      got->code, got->dst_reg, got->src_reg, got->off, got->imm, want[i].code,
			      want[i].dst_reg, want[i].src_reg, want[i].off, want[i].imm);
	}
	ck_assert_uint_eq(prog->insns.len, len);
}

static void expect_step_of(size_t number, const char *program, const char *what, const char *why)
{
	const struct plan_step *step;

	ck_assert_uint_gt(plan.steps.len, number);
	step = &plan.steps.at[number];
	ck_assert_str_eq(step->lowering, tested_name);
	ck_assert_str_eq(step->program, program);
	ck_assert_str_eq(step->what, what);
	ck_assert_str_eq(step->why, why);
}

void expect_step(size_t number, const char *what, const char *why)
{
	expect_step_of(number, "p", what, why);
}

void expect_object_step(size_t number, const char *what, const char *why)
{
	expect_step_of(number, "", what, why);
}
