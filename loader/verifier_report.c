// SPDX-License-Identifier: GPL-2.0
#include "loader/verifier_report.h"

#include <inttypes.h>
#include <string.h>

#include "loader/source.h"
#include "loader/verifier_log.h"
#include "loader/verifier_words.h"
#include "util/strbuf.h"

struct report {
	const struct verifier_log *log;
	const struct verdict *verdict;
	const struct program *prog;
	const struct btf *btf;
	struct strbuf out;
};

/* Text that others wrote: cut to a length, and nothing in it that a terminal obeys. */
static void say_piece(struct report *r, struct piece p, size_t most)
{
	for (size_t i = 0; i < p.len && i < most; i++) {
		unsigned char c = p.at[i];

		strbuf_add(&r->out, "%c", c < ' ' || c == 127 ? (c == '\t' ? '\t' : '?') : c);
	}
	if (p.len > most)
		strbuf_add(&r->out, "...");
}

#define LINE_MOST 160
#define ARGUMENTS 0x3eu /* r1 to r5 */

static struct piece skip_blanks(const char *text)
{
	text += strspn(text, " \t");
	return (struct piece){ text, strlen(text) };
}

/* ---- source ---- */

static void say_source(struct report *r)
{
	struct source_place places[SOURCE_MAX];
	size_t at, n = source_around(places, &at, r->prog, r->btf, r->verdict->insn);

	if (!n)
		return;
	strbuf_add(&r->out, "  %s:%u, in %s():\n", places[at].file, places[at].line,
		   places[at].function);
	for (size_t i = 0; i < n; i++) {
		strbuf_add(&r->out, "  %s %5u | ", i == at ? ">" : " ", places[i].line);
		say_piece(r, (struct piece){ places[i].text, strlen(places[i].text) }, LINE_MOST);
		strbuf_add(&r->out, "\n");
	}
}

/* ---- registers ---- */

/* The registers that an instruction uses, as bits. What a call is given comes in r1 to r5. */
static unsigned int used_by(const struct bpf_insn *insn)
{
	unsigned int dst = 1u << insn->dst_reg, src = 1u << insn->src_reg;
	bool from_register = BPF_SRC(insn->code) == BPF_X;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		return src;
	case BPF_ST:
		return dst;
	case BPF_STX:
		return dst | src;
	case BPF_ALU:
	case BPF_ALU64:
		return (BPF_OP(insn->code) == BPF_MOV ? 0 : dst) | (from_register ? src : 0);
	case BPF_JMP:
	case BPF_JMP32:
		if (BPF_OP(insn->code) == BPF_EXIT)
			return 1;
		if (BPF_OP(insn->code) == BPF_CALL)
			return ARGUMENTS;
		return BPF_OP(insn->code) == BPF_JA ? 0 : dst | (from_register ? src : 0);
	}
	return 0;
}

/* "invalid write to stack R1 off=-8 size=16": R1. */
static unsigned int named_in(struct piece sentence)
{
	unsigned int named = 0;

	for (size_t i = 0; i < sentence.len; i++) {
		int number = piece_register((struct piece){ sentence.at + i, sentence.len - i });

		if (number >= 0 && (!i || sentence.at[i - 1] == ' '))
			named |= 1u << number;
	}
	return named;
}

/* Those that the kernel names, and those that the instruction uses. Where it has nothing to say
 * of a call's arguments it is the call that is wrong. */
static unsigned int registers_of_interest(const struct verifier_log *log,
					  const struct verdict *verdict,
					  const struct program *prog)
{
	unsigned int named = 0, used;

	/* Registers are known where the log ends, and nowhere else. */
	if (verdict->insn < 0 || verdict->insn != log->insn)
		return 0;
	for (size_t i = 0; i < log->sentence_count; i++)
		named |= named_in(log->sentences[i]);
	used = used_by(&prog->insns.at[verdict->insn]);
	if (used == ARGUMENTS && !named)
		used = 0;
	/* r10 is the stack, always. */
	return (named | used) & ~(1u << 10) & ((1u << VERIFIER_REGISTERS) - 1);
}

static void say_origin(struct report *r, int64_t set_by)
{
	struct source_place place;

	if (set_by < 0)
		return;
	if (source_find(&place, r->prog, r->btf, set_by))
		strbuf_add(&r->out, " (from line %u)", place.line);
	else
		strbuf_add(&r->out, " (from instruction %" PRId64 ")", set_by);
}

static void say_registers(struct report *r)
{
	unsigned int wanted = registers_of_interest(r->log, r->verdict, r->prog);

	for (unsigned int i = 0; i < VERIFIER_REGISTERS; i++) {
		const struct register_state *reg = &r->log->registers[i];
		char words[256];

		if (!(wanted & 1u << i) || !reg->state.len)
			continue;
		verifier_describe(reg->state, words, sizeof(words));
		strbuf_add(&r->out, "      r%u: %s", i, words);
		say_origin(r, reg->set_by);
		strbuf_add(&r->out, "\n");
	}
}

bool verifier_log_knows_registers(const char *text, size_t len, const struct program *prog)
{
	struct verifier_log log;
	struct verdict verdict = { 0 };
	unsigned int wanted;

	verifier_log_read(&log, text, len, prog);
	verdict.insn = log.insn;
	wanted = registers_of_interest(&log, &verdict, prog);
	for (unsigned int i = 0; i < VERIFIER_REGISTERS; i++)
		if (wanted & 1u << i && log.registers[i].state.len)
			return true;
	return !wanted;
}

/* ---- all of it ---- */

/* "(61) r0 = *(u32 *)(r0 +0)": the opcode in brackets says nothing to a reader. */
static struct piece without_opcode(struct piece p)
{
	if (p.len > 5 && p.at[0] == '(' && p.at[3] == ')')
		return (struct piece){ p.at + 5, p.len - 5 };
	return p;
}

/* Which of the ways through the program it is about: compilers make one return of many. */
static void say_branch(struct report *r)
{
	struct source_place own, branch;

	if (r->verdict->insn != r->log->insn ||
	    !source_find(&branch, r->prog, r->btf, r->log->branch) ||
	    !source_find(&own, r->prog, r->btf, r->verdict->insn) || own.line == branch.line)
		return;
	strbuf_add(&r->out, "  last decision on the way there, line %u: ", branch.line);
	say_piece(r, skip_blanks(branch.text), LINE_MOST);
	strbuf_add(&r->out, "\n");
}

static void say_insn(struct report *r)
{
	if (r->verdict->insn < 0)
		return;
	strbuf_add(&r->out, "  instruction %" PRId64, r->verdict->insn);
	if (r->verdict->insn == r->log->insn && r->log->insn_text.len) {
		strbuf_add(&r->out, ": ");
		say_piece(r, without_opcode(r->log->insn_text), LINE_MOST);
	}
	strbuf_add(&r->out, "\n");
	say_registers(r);
	say_branch(r);
}

static void say_sentences(struct report *r)
{
	for (size_t i = 0; i < r->log->sentence_count; i++) {
		strbuf_add(&r->out, "  %s", i ? "            " : "the kernel: ");
		say_piece(r, r->log->sentences[i], LINE_MOST);
		strbuf_add(&r->out, "\n");
	}
}

int verifier_report(struct error *err, const char *text, size_t len, int sys,
		    const struct program *prog, const struct btf *btf)
{
	struct verifier_log log;
	struct verdict verdict;
	struct report r = { .log = &log, .verdict = &verdict, .prog = prog, .btf = btf };

	verifier_log_read(&log, text, len, prog);
	verifier_explain(&verdict, &log, prog, btf);
	if (verdict.meaning[0])
		error_set(err, ERROR_VERIFIER, "program '%s' (%s): the kernel refuses it: %s",
			  prog->name, prog->section, verdict.meaning);
	else
		error_system(err, sys, "program '%s' (%s): the kernel refuses it", prog->name,
			     prog->section);
	err->code = verdict.machine ? ERROR_UNSUPPORTED : ERROR_VERIFIER;
	err->sys = sys;
	error_hint(err, "%s", verdict.advice);
	r.out = (struct strbuf)STRBUF(err->detail);
	say_source(&r);
	say_insn(&r);
	say_sentences(&r);
	if (r.out.len)
		err->detail[r.out.len - 1] = 0; /* whoever shows it ends the last line */
	return -1;
}
