// SPDX-License-Identifier: GPL-2.0
/*
 * Why a relocation has no answer, as whoever wrote the program would say it:
 *
 *	program 'exit': bpf/signal.bpf.c:120: struct signal_struct *p: p->live.counter: the kernel's
 *	struct signal_struct has no member 'live' (but 'leader'), expected one
 *
 * The types are walked once more for that.
 */
#include "btf/core_internal.h"

#include <stdio.h>
#include <string.h>

#include "btf/declare.h"
#include "util/suggest.h"

#define NEAREST 3

/* ---- what the relocation is about ---- */

static void say_field(struct strbuf *out, const struct path *path)
{
	unsigned int i;

	strbuf_add(out, path->first ? "p[%u]" : "p", path->first);
	for (i = 0; i < path->len; i++) {
		const char *dot = i || path->first ? "." : "->";

		if (path->steps[i].name)
			strbuf_add(out, "%s%s", dot, path->steps[i].name);
		else
			strbuf_add(out, "[%u]", path->steps[i].index);
	}
}

/* "struct task_struct *p: p->signal", "enum state: RUNNING", "struct task_struct" */
static void say_subject(struct strbuf *out, const struct core *core, const struct path *path)
{
	core_say_type(out, core->local, path->root);
	if (core_is_enum_relo(core->relo->kind)) {
		strbuf_add(out, ": %s", path->steps[0].name);
	} else if (core_is_field_relo(core->relo->kind)) {
		strbuf_add(out, " *p: ");
		say_field(out, path);
	}
}

static const struct line *line_of(const struct program *prog, uint32_t insn)
{
	const struct line *line = NULL;
	size_t i;

	for (i = 0; i < prog->lines.len && prog->lines.at[i].insn <= insn; i++)
		line = &prog->lines.at[i];
	return line;
}

static void say_where(struct strbuf *out, const struct core *core)
{
	const struct line *line = line_of(core->prog, core->relo->insn);

	strbuf_add(out, "program '%s': ", core->prog->name);
	if (line)
		strbuf_add(out, "%s:%u: ", btf_string(core->local, line->file_off),
			 line->line_col >> 10);
	else
		strbuf_add(out, "instruction %u: ", core->relo->insn);
}

/* ---- what the target has ---- */

static const char *whose(const struct core *core)
{
	return core->targets && core->target != core->targets->kernel ? "the module's" :
									"the kernel's";
}

struct nearest {
	const char *names[NEAREST];
	size_t len;
};

static bool is_taken(const struct nearest *near, const char *name)
{
	size_t i;

	for (i = 0; i < near->len; i++)
		if (!strcmp(near->names[i], name))
			return true;
	return false;
}

static void offer(struct suggest *s, const struct nearest *near, const char *name)
{
	if (*name && !is_taken(near, name))
		suggest_offer(s, name);
}

/* Anonymous members only one level deep: more is not worth a guess. */
static void offer_members(struct suggest *s, const struct nearest *near, const struct btf *btf,
			  const struct btf_type *t, bool deeper)
{
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_string(btf, m[i].name_off);
		const struct btf_type *inner = btf_type(btf, btf_resolve(btf, m[i].type));

		if (*name)
			offer(s, near, name);
		else if (deeper && inner && btf_is_composite(inner))
			offer_members(s, near, btf, inner, false);
	}
}

static void offer_enumerators(struct suggest *s, const struct nearest *near,
			      const struct btf *btf, const struct btf_type *t)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++)
		offer(s, near, btf_string(btf, btf_enumerator_name(t, i)));
}

/* " (but 'a', 'b')": what is called much like it. */
static void say_nearest(struct strbuf *out, const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	struct nearest near = { .len = 0 };
	struct suggest s;

	while (t && near.len < NEAREST) {
		suggest_init(&s, name);
		if (btf_is_composite(t))
			offer_members(&s, &near, btf, t, true);
		else if (btf_is_enum(t))
			offer_enumerators(&s, &near, btf, t);
		if (!s.best)
			break;
		strbuf_add(out, "%s'%s'", near.len ? ", " : " (but ", s.best);
		near.names[near.len++] = s.best;
	}
	if (near.len)
		strbuf_add(out, ")");
}

static void say_dead_end(struct strbuf *out, const struct core *core, const struct path *path,
			 const struct dead_end *end)
{
	const struct step *step = &path->steps[end->step];

	if (!end->is_member) {
		strbuf_add(out, "%s ", whose(core));
		btf_declare(out, core->target, end->type, "");
		strbuf_add(out, " has no element %u, expected one", step->index);
	} else if (end->found) {
		strbuf_add(out, "%s ", whose(core));
		core_say_type(out, core->target, btf_resolve(core->target, end->type));
		strbuf_add(out, " has a member '%s' of another kind: got ", step->name);
		btf_declare(out, core->target, end->found, "");
		strbuf_add(out, ", expected ");
		btf_declare(out, core->local, step->type, "");
	} else {
		strbuf_add(out, "%s ", whose(core));
		btf_declare(out, core->target, btf_resolve(core->target, end->type), "");
		strbuf_add(out, " has no member '%s'", step->name);
		say_nearest(out, core->target, end->type, step->name);
		strbuf_add(out, ", expected one");
	}
}

/* Of the candidates the one that gets farthest tells the most. */
static void say_missing_field(struct strbuf *out, struct core *core, const struct path *path,
			      const struct candidates *found)
{
	struct dead_end end, best = { 0 };
	const struct btf *in = NULL;
	size_t i;

	for (i = 0; i < found->ids.len; i++) {
		core->target = found->in.at[i];
		if (!core_find_dead_end(core, path, found->ids.at[i], &end) ||
		    (in && (end.step < best.step || (end.step == best.step && !end.found))))
			continue;
		best = end;
		in = core->target;
	}
	if (!in) {
		strbuf_add(out, "got an element beyond all bounds, expected another index");
		return;
	}
	core->target = in;
	say_dead_end(out, core, path, &best);
}

static const char *kind_word(const struct btf_type *t)
{
	static const char *const words[] = {
		[BTF_KIND_STRUCT] = "struct",
		[BTF_KIND_UNION] = "union",
		[BTF_KIND_ENUM] = "enum",
		[BTF_KIND_ENUM64] = "enum",
		[BTF_KIND_TYPEDEF] = "typedef",
		[BTF_KIND_INT] = "integer",
		[BTF_KIND_FWD] = "declaration",
	};
	uint32_t kind = btf_kind(t);

	return kind < sizeof(words) / sizeof(words[0]) && words[kind] ? words[kind] : "type";
}

/* A type of the name, of whatever other kind, is a hint. */
static void say_missing_type(struct strbuf *out, const struct core *core, const struct path *path)
{
	static const uint8_t kinds[] = { BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_ENUM,
					 BTF_KIND_ENUM64, BTF_KIND_TYPEDEF, BTF_KIND_FWD };
	const struct btf *kernel = core->targets->kernel;
	const struct btf_type *t = btf_type(core->local, path->root);
	char name[256];
	size_t i;

	snprintf(name, sizeof(name), "%.*s",
		 (int)btf_plain_length(btf_string(core->local, t->name_off), SIZE_MAX),
		 btf_string(core->local, t->name_off));
	strbuf_add(out, "the kernel %s no %s '%s'",
		 core->targets->module ? "and its modules have" : "has", kind_word(t), name);
	for (i = 0; i < sizeof(kinds); i++) {
		uint32_t id = btf_find(kernel, name, kinds[i]);

		if (!id)
			continue;
		strbuf_add(out, " (but a %s)", kind_word(btf_type(kernel, id)));
		break;
	}
	strbuf_add(out, ", expected one");
}

static void say_not_found(struct strbuf *out, struct core *core, const struct path *path,
			  const struct candidates *found)
{
	if (!found->ids.len) {
		say_missing_type(out, core, path);
	} else if (core_is_enum_relo(core->relo->kind)) {
		core->target = found->in.at[0];
		strbuf_add(out, "%s ", whose(core));
		core_say_type(out, core->target, found->ids.at[0]);
		strbuf_add(out, " has no enumerator '%s'", path->steps[0].name);
		say_nearest(out, core->target, found->ids.at[0], path->steps[0].name);
		strbuf_add(out, ", expected one");
	} else {
		say_missing_field(out, core, path, found);
	}
}

/* ---- faults of other sorts, and what to do ---- */

/* "unsigned int : 8 from bit 0 on", or the type alone. */
static void say_bits(struct strbuf *out, const struct btf *btf, const struct answer *answer)
{
	btf_declare(out, btf, answer->load_type, "");
	if (answer->bits)
		strbuf_add(out, " : %u from bit %u on", answer->bits, answer->shift % 64);
}

static void say_resized(struct strbuf *out, const struct core *core, const struct path *path,
			const struct answer *local, const struct answer *target)
{
	if (local->bits || target->bits) {
		strbuf_add(out, "the kernel has it in other bits: got ");
		say_bits(out, core->target, target);
		strbuf_add(out, ", expected ");
		say_bits(out, core->local, local);
		return;
	}
	strbuf_add(out, "the kernel has it in %u bytes: got ", target->load_size);
	btf_declare(out, core->target, target->load_type, "");
	strbuf_add(out, ", expected ");
	btf_declare(out, core->local, path->steps[path->len - 1].type, "");
	strbuf_add(out, " or another unsigned integer");
}

/* What core_patch would have none of. */
static enum core_fault patch_fault(const struct answer *target)
{
	return target->value > INT16_MAX ? CORE_TOO_BIG : CORE_RESIZED;
}

static void say_fault(struct strbuf *out, struct core *core, const struct path *path,
		      const struct candidates *found, const struct answer *local,
		      const struct answer *target, const struct answer *other)
{
	switch (target->fault) {
	case CORE_AMBIGUOUS:
		strbuf_add(out, "the kernel has several such types, which differ: got %lld and %lld, "
			 "expected one answer", (long long)target->value, (long long)other->value);
		break;
	case CORE_UNSIZED:
		strbuf_add(out, "%s", core_is_field_relo(core->relo->kind) ?
			 "got a field that no load of 1, 2, 4 or 8 bytes gets at, expected one that "
			 "some does" : "got a type without a size, expected one");
		break;
	case CORE_TOO_BIG:
		strbuf_add(out, "the answer does not fit into the instruction: got %lld, expected at "
			 "most %d", (long long)target->value,
			 target->value <= INT32_MAX ? INT16_MAX : INT32_MAX);
		break;
	case CORE_RESIZED:
		say_resized(out, core, path, local, target);
		break;
	default:
		say_not_found(out, core, path, found);
	}
}

static void hint_for_fault(const struct core *core, const struct candidates *found,
			   enum core_fault fault)
{
	bool field = core_is_field_relo(core->relo->kind), none = !found->ids.len;

	switch (fault) {
	case CORE_AMBIGUOUS:
		error_hint(core->err, "give the types of the one kernel that is meant, with "
			   "--btf FILE");
		return;
	case CORE_TOO_BIG:
	case CORE_UNSIZED:
		error_hint(core->err, "take the address of what contains it and read that with "
			   "bpf_probe_read_kernel()");
		return;
	case CORE_RESIZED:
		error_hint(core->err, "read it with BPF_CORE_READ_BITFIELD(), which goes by the "
			   "size and sign that the field has: a plain access of a signed one or of a "
			   "bit field cannot");
		return;
	default:
		break;
	}
	error_hint(core->err, "where it is not always there, ask %s first and do without it; if "
		   "it has another name there, declare a type with that (struct NAME___other)",
		   none  ? "bpf_core_type_exists()" :
		   field ? "bpf_core_field_exists()" :
			   "bpf_core_enum_value_exists()");
}

/* The line itself, for whoever has no source at hand. */
static void quote_line(const struct core *core)
{
	const struct line *line = line_of(core->prog, core->relo->insn);
	const char *text = line ? btf_string(core->local, line->line_off) : "";

	text += strspn(text, " \t");
	if (*text)
		snprintf(core->err->detail, sizeof(core->err->detail), "%u: %s",
			 line->line_col >> 10, text);
}

static int explain(struct core *core)
{
	struct strbuf out = { (char[900]){ 0 }, 900, 0, false };
	struct answer local, target, other = { 0 };
	struct candidates *found = NULL;
	struct path path;
	struct place place;

	if (core_read_path(core->local, core->relo, &path, &place))
		return core_fail(core, ERROR_FORMAT, "access string: got one that leads nowhere, "
				 "expected indexes that fit the type");
	if (core_candidates(core, path.root, &found) ||
	    core_target_answer(core, &path, &target, &other))
		return -1;
	if (!target.fault)
		target.fault = patch_fault(&target);
	local = core_local_answer(core, &path, &place);
	say_where(&out, core);
	say_subject(&out, core, &path);
	strbuf_add(&out, ": ");
	say_fault(&out, core, &path, found, &local, &target, &other);
	error_set(core->err, ERROR_UNSUPPORTED, "%s", out.at);
	hint_for_fault(core, found, target.fault);
	quote_line(core);
	return -1;
}

int core_check(const struct program *programs, size_t count, const struct btf *local,
	       const struct core_targets *targets, struct error *err)
{
	struct core core = { .local = local, .targets = targets, .err = err };
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < count; i++) {
		if (!programs[i].autoload || !programs[i].relos.len)
			continue;
		core.prog = &programs[i];
		core.relo = &programs[i].relos.at[0];
		ret = explain(&core);
	}
	core_fini(&core);
	return ret;
}
