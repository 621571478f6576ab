// SPDX-License-Identifier: GPL-2.0
/*
 * Puts programs together. Code comes in sections, cut into functions by the symbol table:
 *
 *	tracepoint/a/b   | p1 ........ | p2 ..... |
 *	.text            | gsub ... | sub .. | cb .. |
 *
 * The kernel wants each program as one run of instructions that holds all it calls. p1 calls
 * gsub and sub, gsub calls sub:
 *
 *	program p1       | p1 ........ | gsub ... | sub .. |
 *	                   0             18         25
 *
 * Each function is put behind the others when it is first met, so once; a call's place counts
 * from the next instruction, so a call of sub at 8 becomes 25 - 9 = 16.
 *
 * What a call's or address's relocation adds to its symbol stands in the instruction:
 *
 *	call of a global function       symbol gsub, imm -1:         at value / 8 + imm + 1
 *	call of a static function       symbol .text, imm 6:         the same: instruction 7
 *	call without relocation         in this section:             imm + 1 from here
 *	address of a static function    symbol .text, imm 128:       byte 128, instruction 16
 *	address of a variable or map    symbol or section, imm:      byte value + imm
 */
#include "loader/object_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef R_BPF_64_64
#define R_BPF_64_64 1
#endif
#ifndef R_BPF_64_32
#define R_BPF_64_32 10
#endif

/* The kernel takes no longer program; and what a small file may grow to by copying functions. */
#define MAX_PROGRAM 1000000
#define MAX_LINKED 4000000

struct call {
	uint32_t insn;     /* in the program */
	uint32_t function; /* called, or whose address it takes */
	uint32_t ref;      /* index in program.refs + 1, 0: a call */
};

struct linker {
	struct parse *p;
	struct program *prog;
	uint32_t number; /* of the program, from 1 */
	VEC(uint32_t) order; /* functions in it */
	VEC(struct call) calls;
	int64_t callback; /* function that the kernel calls where the program throws; -1: none */
	const struct function *function; /* at work on, and the instruction in it */
	uint32_t insn;
};

static int link_fail(struct linker *l, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int link_fail(struct linker *l, enum error_code code, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return parse_fail(l->p, code, "section '%s': function '%s': instruction %u: %s",
			  l->p->sections.at[l->function->section].name, l->function->name,
			  l->insn, text);
}

/* ---- functions ---- */

static bool is_text(const struct section *s)
{
	return !strcmp(s->name, ".text") || !strncmp(s->name, ".text.", 6);
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_function(struct parse *p, const struct symbol *sym)
{
	const struct section *s = &p->sections.at[sym->section];
	struct function *f;

	if (!sym->size)
		return parse_fail(p, ERROR_FORMAT, "section '%s': function '%s': got no "
				  "instructions, expected some", s->name, sym->name);
	if (sym->value % sizeof(struct bpf_insn) || sym->size % sizeof(struct bpf_insn))
		return parse_fail(p, ERROR_FORMAT, "section '%s': function '%s': got %llu bytes at "
				  "%llu, expected multiples of 8", s->name, sym->name,
				  (unsigned long long)sym->size, (unsigned long long)sym->value);
	if (s->size / sizeof(struct bpf_insn) > UINT32_MAX / 2)
		return parse_fail(p, ERROR_FORMAT, "section '%s': got %llu bytes of code", s->name,
				  (unsigned long long)s->size);
	f = vec_push(&p->functions);
	if (!f)
		return error_memory(p->err);
	f->name = sym->name;
	f->section = sym->section;
	f->start = sym->value / sizeof(struct bpf_insn);
	f->len = sym->size / sizeof(struct bpf_insn);
	f->is_program = !is_text(s) && sym->bind != STB_LOCAL;
	return 0;
}

static int check_functions(struct parse *p)
{
	size_t i;

	for (i = 1; i < p->functions.len; i++) {
		const struct function *f = &p->functions.at[i], *before = f - 1;

		if (f->section == before->section && f->start < before->start + before->len)
			return parse_fail(p, ERROR_FORMAT, "section '%s': functions '%s' and '%s': "
					  "got overlapping code, expected each its own",
					  p->sections.at[f->section].name, before->name, f->name);
	}
	return 0;
}

/* Sections that say they are code must hold some, and functions to call it by. */
static int check_code_sections(struct parse *p)
{
	uint32_t i;
	size_t n;

	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];

		if (s->type != SHT_PROGBITS || !(s->flags & SHF_EXECINSTR) || is_text(s))
			continue;
		for (n = 0; n < p->functions.len; n++)
			if (p->functions.at[n].section == i)
				break;
		if (n == p->functions.len)
			return parse_fail(p, ERROR_FORMAT, "section '%s': got %llu bytes of code "
					  "and no function, expected a program", s->name,
					  (unsigned long long)s->size);
		if (section_find(p, s->name) != i)
			return parse_fail(p, ERROR_FORMAT, "section '%s': got two sections of that "
					  "name, expected one", s->name);
	}
	return 0;
}

/* Programs are put together in the order of their functions. */
static void number_programs(struct parse *p)
{
	uint32_t number = 0;
	size_t i;

	for (i = 0; i < p->functions.len; i++)
		if (p->functions.at[i].is_program)
			p->functions.at[i].number = number++;
}

int parse_functions(struct parse *p)
{
	size_t i;

	for (i = 0; i < p->symbols.len; i++) {
		const struct symbol *sym = &p->symbols.at[i];

		if (sym->type == STT_FUNC && sym->section &&
		    section_is_code(&p->sections.at[sym->section]) && add_function(p, sym))
			return -1;
	}
	if (p->functions.len)
		qsort(p->functions.at, p->functions.len, sizeof(*p->functions.at),
		      compare_functions);
	number_programs(p);
	return check_functions(p) || check_code_sections(p) ? -1 : 0;
}

int64_t function_at(const struct parse *p, uint32_t section, int64_t start)
{
	struct function key = { .section = section, .start = start };
	const struct function *f;

	if (start < 0 || start > UINT32_MAX || !p->functions.len)
		return -1;
	f = bsearch(&key, p->functions.at, p->functions.len, sizeof(key), compare_functions);
	return f ? f - p->functions.at : -1;
}

/* ---- relocations of code ---- */

static int compare_relocs(const void *a, const void *b)
{
	const struct code_reloc *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

static int add_reloc(struct parse *p, uint32_t section, size_t n)
{
	const struct section *s = &p->sections.at[section];
	struct code_reloc *reloc;
	struct relocation r;

	if (relocation_at(p, section, n, &r))
		return -1;
	if (r.offset % sizeof(struct bpf_insn))
		return parse_fail(p, ERROR_FORMAT, "section '%s': relocation %zu: got offset %llu, "
				  "expected that of an instruction", s->name, n,
				  (unsigned long long)r.offset);
	reloc = vec_push(&p->relocs);
	if (!reloc)
		return error_memory(p->err);
	*reloc = (struct code_reloc){ s->info, r.offset / sizeof(struct bpf_insn), r.symbol,
				      r.type };
	return 0;
}

static int read_relocs(struct parse *p)
{
	uint32_t i;
	size_t n;

	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];

		if (!section_is_relocations(s) || !section_is_code(&p->sections.at[s->info]))
			continue;
		for (n = 0; n < relocation_count(s); n++)
			if (add_reloc(p, i, n))
				return -1;
	}
	if (!p->relocs.len)
		return 0;
	qsort(p->relocs.at, p->relocs.len, sizeof(*p->relocs.at), compare_relocs);
	for (n = 1; n < p->relocs.len; n++)
		if (!compare_relocs(&p->relocs.at[n - 1], &p->relocs.at[n]))
			return parse_fail(p, ERROR_FORMAT, "section '%s': instruction %u: got two "
					  "relocations, expected one",
					  p->sections.at[p->relocs.at[n].section].name,
					  p->relocs.at[n].insn);
	return 0;
}

/* Both are sorted alike, so one pass hands every function its relocations. */
static void share_relocs(struct parse *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->functions.len; i++) {
		struct function *f = &p->functions.at[i];
		struct code_reloc first = { .section = f->section, .insn = f->start };
		struct code_reloc end = { .section = f->section, .insn = f->start + f->len };

		while (n < p->relocs.len && compare_relocs(&p->relocs.at[n], &first) < 0)
			n++;
		f->relocs = n;
		while (n < p->relocs.len && compare_relocs(&p->relocs.at[n], &end) < 0)
			n++;
		f->relocs_len = n - f->relocs;
	}
}

/* ---- one program ---- */

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static struct bpf_insn *current_insn(struct linker *l)
{
	return &l->prog->insns.at[l->function->at + l->insn];
}

/* Makes sure that the function is in the program, and notes who wants it. */
static int want_function(struct linker *l, int64_t index, uint32_t ref)
{
	struct function *f = &l->p->functions.at[index];
	struct call *call = vec_push(&l->calls);
	uint32_t *next;

	if (!call)
		return error_memory(l->p->err);
	*call = (struct call){ l->function->at + l->insn, index, ref };
	if (f->linked == l->number)
		return 0;
	f->linked = l->number;
	next = vec_push(&l->order);
	if (!next)
		return error_memory(l->p->err);
	*next = index;
	return 0;
}

static int check_symbol(struct linker *l, const struct symbol *sym)
{
	if (sym->type == STT_FILE)
		return link_fail(l, ERROR_FORMAT, "symbol '%s': got one without a section, "
				 "expected one that is defined in the object", sym->name);
	return 0;
}

static int add_ref(struct linker *l, enum ref_kind kind, uint32_t target, uint32_t offset)
{
	struct bpf_insn *insn = current_insn(l);
	struct ref *ref = vec_push(&l->prog->refs);

	if (!ref)
		return error_memory(l->p->err);
	*ref = (struct ref){ l->function->at + l->insn, kind, target, offset };
	insn[0].imm = insn[0].src_reg = 0;
	if (is_wide(insn))
		insn[1].imm = 0;
	return 0;
}

/* Of something that is neither here nor in the kernel the program can be looked at, no more. */
static int note_undefined(struct linker *l, struct external *e)
{
	e->is_function = is_call(current_insn(l));
	link_fail(l, ERROR_UNSUPPORTED, "symbol '%s': got an extern one, expected it to be defined "
		  "in the object", e->name);
	error_hint(l->p->err, "what the kernel has is declared with __ksym or __kconfig (and compiled "
		   "with -g); with what other objects have, link it: bpftool gen object");
	return parse_postpone(l->p);
}

/* A value of the kernel's configuration is in a map, like any constant. */
static int refer_to_kconfig(struct linker *l, const struct external *e)
{
	int64_t offset = (int64_t)e->offset + current_insn(l)->imm;

	if (offset < 0 || offset >= l->p->obj->maps.at[e->map - 1].value_size)
		return link_fail(l, ERROR_FORMAT, "symbol '%s': got byte %d of it, expected one in "
				 "section '.kconfig'", e->name, current_insn(l)->imm);
	return add_ref(l, REF_VALUE, e->map - 1, offset);
}

/* Something that is not in the object. */
static int refer_to_external(struct linker *l, const struct symbol *sym)
{
	bool is_new, is_function = is_call(current_insn(l));
	int64_t index = parse_external(l->p, sym->name, &is_new);
	struct external *e;

	if (index < 0)
		return -1;
	e = &l->p->obj->externals.at[index];
	e->is_used = true;
	e->is_weak |= sym->bind == STB_WEAK;
	if (e->map && !is_function)
		return refer_to_kconfig(l, e);
	if (add_ref(l, REF_EXTERNAL, index, is_function ? 0 : current_insn(l)->imm))
		return -1;
	if (is_function)
		current_insn(l)->src_reg = BPF_PSEUDO_KFUNC_CALL;
	return is_new ? note_undefined(l, e) : 0;
}

static int resolve_call(struct linker *l, const struct code_reloc *r)
{
	struct bpf_insn *insn = current_insn(l);
	uint32_t section = l->function->section;
	int64_t to = (int64_t)l->function->start + l->insn + 1 + insn->imm, index;

	if (r) {
		const struct symbol *sym = &l->p->symbols.at[r->symbol];

		if (r->type != R_BPF_64_32)
			return link_fail(l, ERROR_FORMAT, "relocation of a call: got type %u, "
					 "expected %u", r->type, R_BPF_64_32);
		if (check_symbol(l, sym))
			return -1;
		if (!sym->section)
			return refer_to_external(l, sym);
		section = sym->section;
		to = (int64_t)(sym->value / sizeof(*insn)) + insn->imm + 1;
	}
	index = function_at(l->p, section, to);
	if (index < 0)
		return link_fail(l, ERROR_FORMAT, "call: got instruction %lld of section '%s', "
				 "expected the first of a function", (long long)to,
				 l->p->sections.at[section].name);
	insn->src_reg = BPF_PSEUDO_CALL;
	return want_function(l, index, 0);
}

static int refer_to_map(struct linker *l, const struct symbol *sym, int64_t offset)
{
	const struct map_place *place = map_place_at(l->p, sym->section, offset);

	if (place)
		return add_ref(l, REF_MAP, place->map, 0);
	return link_fail(l, ERROR_FORMAT, "symbol '%s': got byte %lld of section '%s', expected "
			 "the start of a map", sym->name, (long long)offset,
			 l->p->sections.at[sym->section].name);
}

static int refer_to_data(struct linker *l, const struct symbol *sym, int64_t offset)
{
	const struct section *s = &l->p->sections.at[sym->section];

	if (offset < 0 || (uint64_t)offset >= s->size)
		return link_fail(l, ERROR_FORMAT, "symbol '%s': got byte %lld, expected one of the "
				 "%llu of section '%s'", sym->name, (long long)offset,
				 (unsigned long long)s->size, s->name);
	return add_ref(l, REF_VALUE, s->map - 1, offset);
}

static int refer_to_function(struct linker *l, const struct symbol *sym, int64_t offset)
{
	int64_t index = -1;

	if (offset % (int64_t)sizeof(struct bpf_insn) == 0)
		index = function_at(l->p, sym->section, offset / (int64_t)sizeof(struct bpf_insn));
	if (index < 0)
		return link_fail(l, ERROR_FORMAT, "symbol '%s': got byte %lld of section '%s', "
				 "expected the start of a function", sym->name, (long long)offset,
				 l->p->sections.at[sym->section].name);
	if (add_ref(l, REF_FUNC, 0, 0))
		return -1;
	return want_function(l, index, l->prog->refs.len);
}

static int resolve_wide(struct linker *l, const struct code_reloc *r)
{
	struct bpf_insn *insn = current_insn(l);
	const struct symbol *sym;
	const struct section *s;
	int64_t offset;

	if (!r && !insn->src_reg)
		return 0;
	if (!r)
		return link_fail(l, ERROR_FORMAT, "64-bit constant: got source register %u and no "
				 "relocation, expected 0: only the loader knows descriptors",
				 insn->src_reg);
	if (r->type != R_BPF_64_64)
		return link_fail(l, ERROR_FORMAT, "relocation of a 64-bit constant: got type %u, "
				 "expected %u", r->type, R_BPF_64_64);
	sym = &l->p->symbols.at[r->symbol];
	if (check_symbol(l, sym))
		return -1;
	if (!sym->section)
		return refer_to_external(l, sym);
	s = &l->p->sections.at[sym->section];
	offset = (int64_t)sym->value + insn->imm;
	if (s->defines_maps)
		return refer_to_map(l, sym, offset);
	if (s->map)
		return refer_to_data(l, sym, offset);
	if (section_is_code(s))
		return refer_to_function(l, sym, offset);
	return link_fail(l, ERROR_UNSUPPORTED, "symbol '%s': got one of section '%s', expected one "
			 "of .maps, .rodata, .data, .bss or of code", sym->name, s->name);
}

/* A jump out of its function would lead into another once functions are moved. */
static int check_jump(struct linker *l)
{
	const struct bpf_insn *insn = current_insn(l);
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
	int64_t to;

	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL || op == BPF_EXIT)
		return 0;
	/* The long jump of cpu v4 (Linux 6.6) has its distance in imm. */
	to = (int64_t)l->insn + 1 + (class == BPF_JMP32 && op == BPF_JA ? insn->imm : insn->off);
	if (to >= 0 && to < l->function->len)
		return 0;
	return link_fail(l, ERROR_FORMAT, "jump: got instruction %lld, expected one of the %u of "
			 "the function", (long long)to, l->function->len);
}

static int resolve_insn(struct linker *l, const struct code_reloc *r)
{
	const struct bpf_insn *insn = current_insn(l);

	if (is_wide(insn)) {
		if (l->insn + 1 == l->function->len || insn[1].code)
			return link_fail(l, ERROR_FORMAT, "64-bit constant: got half of one");
		return resolve_wide(l, r);
	}
	if (is_call(insn) && (r || insn->src_reg == BPF_PSEUDO_CALL))
		return resolve_call(l, r);
	if (r)
		return link_fail(l, ERROR_FORMAT, "relocation: got opcode 0x%02x, expected a call "
				 "or a 64-bit constant", insn->code);
	if (is_call(insn) && insn->src_reg)
		return link_fail(l, ERROR_UNSUPPORTED, "call: got kind %u, expected a helper or a "
				 "function of the object", insn->src_reg);
	return check_jump(l);
}

static int resolve_function(struct linker *l, const struct function *f)
{
	const struct code_reloc *r = f->relocs_len ? &l->p->relocs.at[f->relocs] : NULL;
	const struct code_reloc *end = f->relocs_len ? r + f->relocs_len : NULL;

	l->function = f;
	for (l->insn = 0; l->insn < f->len; l->insn++) {
		const struct code_reloc *own = NULL;
		bool wide = is_wide(current_insn(l));

		if (r < end && r->insn == f->start + l->insn)
			own = r++;
		if (resolve_insn(l, own))
			return -1;
		l->insn += wide;
		if (wide && r < end && r->insn == f->start + l->insn)
			return link_fail(l, ERROR_FORMAT, "relocation: got the second half of a "
					 "64-bit constant, expected the first");
	}
	return 0;
}

static int copy_code(struct linker *l, const struct function *f)
{
	const struct section *s = &l->p->sections.at[f->section];
	struct program *prog = l->prog;
	uint32_t i;

	l->p->linked += f->len;
	if (prog->insns.len + f->len > MAX_PROGRAM || l->p->linked > MAX_LINKED)
		return parse_fail(l->p, ERROR_UNSUPPORTED, "program '%s': got more than %u "
				  "instructions, or %u in all programs", prog->name, MAX_PROGRAM,
				  MAX_LINKED);
	for (i = 0; i < f->len; i++) {
		struct bpf_insn *insn = vec_push(&prog->insns);

		if (!insn)
			return error_memory(l->p->err);
		memcpy(insn, s->data + (f->start + i) * sizeof(*insn), sizeof(*insn));
	}
	return 0;
}

/* First record of the sorted array at or behind (section, insn), by halving. */
#define FIRST(vec, member, sec, number) ({ \
	size_t low_ = 0, high_ = (vec)->len; \
	while (low_ < high_) { \
		size_t mid_ = low_ + (high_ - low_) / 2; \
		if ((vec)->at[mid_].section < (sec) || ((vec)->at[mid_].section == (sec) && \
		    (vec)->at[mid_].member.insn < (number))) \
			low_ = mid_ + 1; \
		else \
			high_ = mid_; \
	} \
	low_; })

/* Copies the records that belong to the function, their instructions moved to its place. */
#define COPY(l, f, from, member, to) ({ \
	size_t i_ = FIRST(from, member, (f)->section, (f)->start); \
	int ret_ = 0; \
	for (; i_ < (from)->len && (from)->at[i_].section == (f)->section && \
	       (from)->at[i_].member.insn < (f)->start + (f)->len; i_++) { \
		__typeof__((to)->at) new_ = vec_push(to); \
		if (!new_) { \
			ret_ = error_memory((l)->p->err); \
			break; \
		} \
		*new_ = (from)->at[i_].member; \
		new_->insn = new_->insn - (f)->start + (f)->at; \
	} \
	ret_; })

static int copy_info(struct linker *l, const struct function *f)
{
	struct parse *p = l->p;
	struct func *func = vec_push(&l->prog->funcs);
	size_t i = FIRST(&p->ext_funcs, func, f->section, f->start);

	if (!func)
		return error_memory(p->err);
	*func = (struct func){ .insn = f->at, .name = f->name,
			       .is_callback = l->callback == f - p->functions.at };
	if (i < p->ext_funcs.len && p->ext_funcs.at[i].section == f->section &&
	    p->ext_funcs.at[i].func.insn == f->start)
		func->type_id = p->ext_funcs.at[i].func.type_id;
	return COPY(l, f, &p->ext_lines, line, &l->prog->lines) ||
	       COPY(l, f, &p->ext_relos, relo, &l->prog->relos) ? -1 : 0;
}

static void resolve_calls(struct linker *l)
{
	size_t i;

	for (i = 0; i < l->calls.len; i++) {
		const struct call *c = &l->calls.at[i];
		uint32_t at = l->p->functions.at[c->function].at;

		if (c->ref)
			l->prog->refs.at[c->ref - 1].target = at;
		else
			l->prog->insns.at[c->insn].imm = (int32_t)(at - c->insn - 1);
	}
}

static int64_t function_called(const struct parse *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->functions.len; i++)
		if (!strcmp(p->functions.at[i].name, name))
			return i;
	return -1;
}

/* A tag of the entry's type names it. Nothing in the program leads there, so it is put behind it. */
static int want_callback(struct linker *l, uint32_t entry)
{
	struct parse *p = l->p;
	const struct function *f = &p->functions.at[entry];
	size_t i = FIRST(&p->ext_funcs, func, f->section, f->start);
	const size_t len = sizeof(EXCEPTION_CALLBACK) - 1;
	uint32_t id, *next;

	if (!p->has_callbacks || i == p->ext_funcs.len || p->ext_funcs.at[i].section != f->section ||
	    p->ext_funcs.at[i].func.insn != f->start)
		return 0;
	for (id = 1; id < btf_count(&p->obj->btf); id++) {
		const struct btf_type *t = btf_type(&p->obj->btf, id);
		const char *name = btf_string(&p->obj->btf, t->name_off);

		if (btf_kind(t) == KIND_DECL_TAG && t->type == p->ext_funcs.at[i].func.type_id &&
		    !strncmp(name, EXCEPTION_CALLBACK, len))
			l->callback = function_called(p, name + len);
	}
	if (l->callback < 0 || p->functions.at[l->callback].linked == l->number)
		return 0;
	p->functions.at[l->callback].linked = l->number;
	next = vec_push(&l->order);
	if (!next)
		return error_memory(p->err);
	*next = l->callback;
	return 0;
}

static int link_functions(struct linker *l, uint32_t entry)
{
	uint32_t *first = vec_push(&l->order);
	size_t i;

	if (!first)
		return error_memory(l->p->err);
	*first = entry;
	l->p->functions.at[entry].linked = l->number;
	if (want_callback(l, entry))
		return -1;
	for (i = 0; i < l->order.len; i++) {
		struct function *f = &l->p->functions.at[l->order.at[i]];

		f->at = l->prog->insns.len;
		if (copy_code(l, f) || copy_info(l, f) || resolve_function(l, f))
			return -1;
	}
	resolve_calls(l);
	return 0;
}

static int add_program(struct parse *p, uint32_t entry)
{
	struct function *f = &p->functions.at[entry];
	struct linker l = { .p = p, .number = p->obj->programs.len + 1, .callback = -1 };
	int ret;

	l.prog = vec_push(&p->obj->programs);
	if (!l.prog)
		return error_memory(p->err);
	f->program = p->obj->programs.len - 1;
	l.prog->name = f->name;
	l.prog->section = p->sections.at[f->section].name;
	l.prog->kind = section_kind(l.prog->section);
	l.prog->target = section_target(l.prog->section);
	l.prog->autoload = *l.prog->section != '?';
	ret = link_functions(&l, entry);
	vec_fini(&l.order);
	vec_fini(&l.calls);
	return ret;
}

int parse_programs(struct parse *p)
{
	size_t i;

	if (read_relocs(p))
		return -1;
	share_relocs(p);
	for (i = 0; i < p->functions.len; i++)
		if (p->functions.at[i].is_program && add_program(p, i))
			return -1;
	return 0;
}
