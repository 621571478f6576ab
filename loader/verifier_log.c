// SPDX-License-Identifier: GPL-2.0
/*
 * Reads verifier logs of every age, line by line. What a line is shows in how it begins:
 *
 *	func#0 @0                                       noise, and much more of it with level 2
 *	0: R1=ctx(id=0,off=0,imm=0) R10=fp0             state of all registers
 *	; return *value; @ refused.bpf.c:19             source
 *	6: (85) call bpf_map_lookup_elem#1              an instruction ...
 *	7: R0_w=map_value_or_null(id=1,...) R10=fp0     ... and all registers after it: up to Linux 5.17
 *	6: (85) call bpf_map_lookup_elem#1 ; R0=map_    ... or what changed, behind it: since 5.18
 *	from 8 to 12: R0=inv0 R10=fp0                   another path is taken up
 *	R0 invalid mem access 'map_value_or_null'       anything else: a sentence. The last of them
 *	                                                are why the program is refused
 *	processed 7 insns (limit 1000000) ...           figures, and the end
 *
 * From Linux 7.3 on (commit ce7c9f6c599b), sections follow the sentence:
 *
 *	Verification failed: Register Type Safety: Invalid dereference
 *	Reason:
 *	  R0 may be NULL here ...
 *	At:
 *	  unchecked @ refused.bpf.c:19:9
 *	  Instruction context:
 *	  >>> 7 | (61) r0 = *(u32 *)(r0 +0)
 *	Causal path: ...
 *	Suggestion:
 *	  Add a NULL check ...
 *
 * Before Linux 6.4 a log too long for its buffer lacks its end, since then its beginning.
 */
#include "loader/verifier_log.h"

#include <string.h>

enum section { SECTION_NONE, SECTION_REASON, SECTION_AT, SECTION_PATH, SECTION_SUGGESTION };

struct reader {
	struct verifier_log *log;
	const struct program *prog;
	enum section section;
	bool at_found;
	bool pending; /* what the last instruction does to registers is still to be counted */
	bool ended;
};

bool piece_starts(struct piece p, const char *prefix)
{
	size_t len = strlen(prefix);

	return p.len >= len && !memcmp(p.at, prefix, len);
}

static struct piece from(struct piece p, size_t skip)
{
	if (skip > p.len)
		skip = p.len;
	return (struct piece){ p.at + skip, p.len - skip };
}

static struct piece trim(struct piece p)
{
	while (p.len && (*p.at == ' ' || *p.at == '\t'))
		p = from(p, 1);
	while (p.len && (p.at[p.len - 1] == ' ' || p.at[p.len - 1] == '\r'))
		p.len--;
	return p;
}

static size_t digits(struct piece p)
{
	size_t n = 0;

	while (n < p.len && p.at[n] >= '0' && p.at[n] <= '9')
		n++;
	return n;
}

int64_t piece_number(struct piece p)
{
	int64_t n = 0;

	if (!p.len || p.len > 9 || digits(p) != p.len)
		return -1;
	for (size_t i = 0; i < p.len; i++)
		n = n * 10 + (p.at[i] - '0');
	return n;
}

int piece_register(struct piece p)
{
	size_t n = p.len ? digits(from(p, 1)) : 0;
	int64_t number = n ? piece_number((struct piece){ p.at + 1, n }) : -1;

	return p.len && *p.at == 'R' && number >= 0 && number < VERIFIER_REGISTERS ? (int)number : -1;
}

/* ---- registers ---- */

static void forget_registers(struct verifier_log *log, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last; i++) {
		log->registers[i].state.len = 0;
		log->registers[i].set_by = -1;
	}
}

/* Up to the blank that ends a value: blanks inside brackets are part of it. */
static size_t value_length(struct piece p)
{
	size_t n = 0;
	int depth = 0;

	for (; n < p.len && (depth > 0 || p.at[n] != ' '); n++)
		depth += (p.at[n] == '(') - (p.at[n] == ')');
	return n;
}

/* "R0_w=inv1 R10=fp0 fp-8=mmmm": every register in it; the rest is skipped. */
static void read_state(struct verifier_log *log, struct piece p)
{
	for (p = trim(p); p.len; p = trim(p)) {
		size_t n = value_length(p);
		struct piece word = { p.at, n };
		const char *is = memchr(word.at, '=', word.len);
		int number = piece_register(word);

		if (number >= 0 && is)
			log->registers[number].state = from(word, is - word.at + 1);
		p = from(p, n);
	}
}

/* Whether it is a state of registers: "R1=ctx() ...", "frame1: R6=1 ...". */
static bool is_state(struct piece p)
{
	if (piece_starts(p, "frame")) {
		size_t n = digits(from(p, 5));

		return n && piece_starts(from(p, 5 + n), ": ");
	}
	if (piece_register(p) < 0)
		return false;
	p = from(p, 1 + digits(from(p, 1)));
	return piece_starts(p, "=") || piece_starts(p, "_");
}

static void read_full_state(struct verifier_log *log, struct piece p)
{
	for (int i = 0; i < VERIFIER_REGISTERS; i++)
		log->registers[i].state.len = 0;
	read_state(log, p);
}

/* ---- instructions ---- */

/* The register that an instruction gives a value to, or -1. */
static int target_register(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		return insn->dst_reg < VERIFIER_REGISTERS ? insn->dst_reg : -1;
	}
	return -1;
}

static bool is_branch(const struct bpf_insn *insn)
{
	unsigned int class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_JA && op != BPF_CALL &&
	       op != BPF_EXIT;
}

/* A call takes r1 to r5 away and sets r0. */
static void count_effect(struct reader *r)
{
	struct verifier_log *log = r->log;
	const struct bpf_insn *insn;
	int target;

	if (!r->pending || (uint64_t)log->insn >= r->prog->insns.len)
		return;
	r->pending = false;
	insn = &r->prog->insns.at[log->insn];
	if (is_branch(insn))
		log->branch = log->insn;
	target = target_register(insn);
	if (insn->code == (BPF_JMP | BPF_CALL)) {
		forget_registers(log, 1, 5);
		target = 0;
	}
	if (target < 0)
		return;
	log->registers[target].state.len = 0;
	log->registers[target].set_by = log->insn;
}

/*
 * "7: (61) r0 = *(u32 *)(r0 +0)   ; R0_w=scalar()", from the bracket on. What an instruction
 * does to its target counts from the next one on: if it is refused, the log ends here.
 */
static void read_insn(struct reader *r, int64_t index, struct piece p)
{
	struct verifier_log *log = r->log;
	const char *mark = NULL;

	count_effect(r);
	log->insn = index;
	r->pending = true;
	log->sentence_count = 0;
	for (size_t i = 1; i < p.len && !mark; i++)
		if (p.at[i] == ';' && p.at[i - 1] == ' ')
			mark = p.at + i;
	log->insn_text = trim((struct piece){ p.at, mark ? (size_t)(mark - p.at) : p.len });
	if (!mark)
		return;
	count_effect(r);
	read_state(log, from(p, mark - p.at + 1));
}

/* "12: ..." */
static void read_numbered(struct reader *r, struct piece p)
{
	size_t n = digits(p);
	int64_t index = piece_number((struct piece){ p.at, n });
	struct piece rest = trim(from(p, n + 1));

	if (index < 0)
		return;
	if (piece_starts(rest, "(")) {
		read_insn(r, index, rest);
	} else if (is_state(rest)) {
		r->log->sentence_count = 0;
		count_effect(r);
		read_full_state(r->log, rest);
	}
}

/* "from 8 to 12: R0=inv0 R10=fp0": what the other path did to registers is not this one's. */
static void read_path(struct reader *r, struct piece p)
{
	const char *colon = memchr(p.at, ':', p.len);

	r->log->branch = piece_number((struct piece){ p.at + 5, digits(from(p, 5)) });
	r->log->sentence_count = 0;
	r->pending = false;
	forget_registers(r->log, 0, VERIFIER_REGISTERS - 1);
	if (colon)
		read_state(r->log, from(p, colon - p.at + 1));
}

/* ---- sentences and sections ---- */

/* What stands between instruction and sentence, or after it, and is not one. */
static bool is_noise(struct piece p)
{
	static const char *const starts[] = {
		" ", "\t", ";", "func#", "last_idx ", "regs=", "parent ", "mark_precise:",
		"propagating ", "caller:", "callee:", "returning from callee:", "to caller at ",
		"cur state:", "old state:", "topo_order[", "subprog#", "stack use/def ",
		"Live regs before insn", "Validating ", "Func#", "insns processed ",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (piece_starts(p, starts[i]))
			return true;
	return false;
}

static bool is_figure(struct piece p)
{
	return piece_starts(p, "processed ") || piece_starts(p, "verification time ") ||
	       piece_starts(p, "stack depth ");
}

static void read_sentence(struct verifier_log *log, struct piece p)
{
	if (log->sentence_count == VERIFIER_SENTENCES) {
		memmove(log->sentences, log->sentences + 1,
			sizeof(log->sentences) - sizeof(*log->sentences));
		log->sentence_count--;
	}
	log->sentences[log->sentence_count++] = p;
}

static bool begins_section(struct reader *r, struct piece p)
{
	static const struct {
		const char *title;
		enum section section;
	} titles[] = {
		{ "Verification failed:", SECTION_PATH }, { "Reason:", SECTION_REASON },
		{ "At:", SECTION_AT }, { "Causal path:", SECTION_PATH },
		{ "Suggestion:", SECTION_SUGGESTION },
	};

	/* Any of them may be the first that is left of a log cut off at its beginning. */
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
		if (!piece_starts(p, titles[i].title) || (i && p.len != strlen(titles[i].title)))
			continue;
		r->section = titles[i].section;
		return true;
	}
	return false;
}

/* Makes the section one line longer; blank lines at its beginning are not part of it. */
static void extend(struct piece *section, struct piece line)
{
	if (!section->len)
		*section = trim(line);
	else
		section->len = line.at + line.len - section->at;
}

/* ">>> 7 | (61) r0 = *(u32 *)(r0 +0)" of the first section At. ">>> 19 | return" is C. */
static void read_at(struct reader *r, struct piece p)
{
	size_t n;
	int64_t index;

	p = trim(p);
	if (r->at_found || !piece_starts(p, ">>> "))
		return;
	p = trim(from(p, 4));
	n = digits(p);
	index = piece_number((struct piece){ p.at, n });
	p = from(p, n);
	if (index < 0 || !piece_starts(p, " | ("))
		return;
	r->at_found = true;
	r->log->insn = index;
	r->log->insn_text = trim(from(p, 3));
}

static void read_section(struct reader *r, struct piece p)
{
	if (!p.len)
		return;
	if (*p.at != ' ') {
		/* Past the sections: what the kernel still adds is no news. */
		r->section = r->section == SECTION_SUGGESTION ? SECTION_PATH : r->section;
		return;
	}
	if (r->section == SECTION_REASON)
		extend(&r->log->reason, p);
	else if (r->section == SECTION_SUGGESTION)
		extend(&r->log->suggestion, p);
	else if (r->section == SECTION_AT)
		read_at(r, p);
}

static void read_line(struct reader *r, struct piece p)
{
	struct piece inner = trim(p);

	if (is_figure(p))
		r->ended = true;
	else if (begins_section(r, p))
		return;
	else if (r->section)
		read_section(r, p);
	else if (!inner.len)
		return;
	else if (digits(p) && piece_starts(from(p, digits(p)), ":"))
		read_numbered(r, p);
	else if (piece_starts(p, "from ") && digits(from(p, 5)))
		read_path(r, p);
	else if (piece_starts(p, "[..."))
		forget_registers(r->log, 0, VERIFIER_REGISTERS - 1);
	else if (is_state(inner))
		read_full_state(r->log, inner); /* alone on its line: level 1 up to Linux 5.17 */
	else if (!is_noise(p))
		read_sentence(r->log, trim(p));
}

void verifier_log_read(struct verifier_log *log, const char *text, size_t len,
		       const struct program *prog)
{
	struct reader r = { .log = log, .prog = prog };

	memset(log, 0, sizeof(*log));
	log->insn = log->branch = -1;
	forget_registers(log, 0, VERIFIER_REGISTERS - 1);
	while (len && !r.ended) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		read_line(&r, (struct piece){ text, n });
		text += n + !!end;
		len -= n + !!end;
	}
	if ((uint64_t)log->insn >= prog->insns.len)
		log->insn = -1;
}
