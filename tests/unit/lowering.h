/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_LOWERING_H
#define TESTS_UNIT_LOWERING_H

#include "compat/insn.h"
#include "compat/lower.h"

/*
 * What the tests of all lowerings have in common: an object, the answers of a kernel, and what the
 * lowering makes of the one by the other. A suite says which in its own setup():
 *
 *	lowering_setup(lower_loops, "loops");
 *	caps.at[CAP_LOOPS].answer = CAP_NO;
 *
 *	struct program *prog = add_program(NULL, INSNS(INSN_MOV_IMM(0, 1), INSN_EXIT()));
 *	lower_it();
 *	EXPECT(prog, INSN_EXIT());
 *	expect_step(0, "what it says in the plan", "and why");
 */
extern struct object obj;
extern struct caps caps;
extern struct plan plan;
extern struct error err;

/* An object without anything, a kernel that is not at hand and of which nothing is known. */
void lowering_setup(lowering *how, const char *name);
void lowering_teardown(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define INSNS(...) (struct bpf_insn[]){ __VA_ARGS__ }, COUNT(((struct bpf_insn[]){ __VA_ARGS__ }))
#define CALL_FUNC(imm) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)

/* One more program, "p", which is to be loaded. section: NULL, or what it is for. */
struct program *add_program(const char *section, const struct bpf_insn *insns, size_t len);
/* A function of it, "f", that begins there. */
void add_func(struct program *prog, uint32_t insn);

void lower_it(void);
/* It cannot be lowered, and that is the message. */
void expect_refused(const char *message, const char *hint);
void expect_insns(const struct program *prog, const struct bpf_insn *want, size_t len);
#define EXPECT(prog, ...) expect_insns(prog, INSNS(__VA_ARGS__))
/* Of program "p"; of the object as a whole. */
void expect_step(size_t number, const char *what, const char *why);
void expect_object_step(size_t number, const char *what, const char *why);

#endif
