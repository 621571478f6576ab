// SPDX-License-Identifier: GPL-2.0
/*
 * .BTF is copied and completed: clang leaves it to the loader to say where in its section each
 * global variable lies (.rel.BTF tells), how large each section is, and which functions are
 * hidden.
 *
 * .BTF.ext says which function, source line or relocation belongs to which instruction:
 *
 *	+-----------------------------------------------+
 *	| magic, version, flags, hdr_len                |
 *	| func_info_off, _len   line_info_off, _len     |  counted from hdr_len
 *	| core_relo_off, _len   (only in later headers) |
 *	+-----------------------------------------------+
 *	| rec_size                                      |  one such table for each of the three
 *	|   sec_name_off, num_info                      |  and in it, for each section of code,
 *	|   record, record, ...                         |  num_info records of rec_size bytes
 *	|   sec_name_off, num_info ...                  |
 *	+-----------------------------------------------+
 *
 * A record begins with its instruction's offset in bytes from the start of the section.
 */
#include "loader/object_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/cursor.h"
#include "util/table.h"

/* Places in .BTF are filled in through these; R_BPF_64_32 by clang 12 and before. */
#ifndef R_BPF_64_ABS32
#define R_BPF_64_ABS32 3
#endif
#ifndef R_BPF_64_NODYLD32
#define R_BPF_64_NODYLD32 4
#endif
#ifndef R_BPF_64_32
#define R_BPF_64_32 10
#endif

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	uint32_t func_off, func_len;
	uint32_t line_off, line_len;
	uint32_t relo_off, relo_len;
};

/* ---- .BTF ---- */

/*
 * Value of the symbol plus what stands there: "cnt", the second static of .bss, stands as 4
 * relative to the section symbol; a global as 0 relative to its own.
 */
static int apply_relocation(struct parse *p, uint32_t section, const struct relocation *r)
{
	const struct symbol *sym = &p->symbols.at[r->symbol];
	uint32_t value;

	if (r->type != R_BPF_64_ABS32 && r->type != R_BPF_64_NODYLD32 && r->type != R_BPF_64_32)
		return parse_fail(p, ERROR_FORMAT, "section '%s': relocation type: got %u, "
				  "expected %u or %u", p->sections.at[section].name, r->type,
				  R_BPF_64_ABS32, R_BPF_64_NODYLD32);
	if (p->obj->image_len < sizeof(value) ||
	    r->offset > p->obj->image_len - sizeof(value))
		return parse_fail(p, ERROR_FORMAT, "section '%s': relocation: got offset %llu, "
				  "expected 4 bytes within .BTF", p->sections.at[section].name,
				  (unsigned long long)r->offset);
	memcpy(&value, p->obj->image + r->offset, sizeof(value));
	value += sym->value;
	memcpy(p->obj->image + r->offset, &value, sizeof(value));
	return 0;
}

/* *relocated: there was something to do. */
static int relocate_image(struct parse *p, uint32_t btf_section, bool *relocated)
{
	uint32_t i;

	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];
		struct relocation r;
		size_t n;

		if (!section_is_relocations(s) || s->info != btf_section)
			continue;
		for (n = 0; n < relocation_count(s); n++)
			if (relocation_at(p, i, n, &r) || apply_relocation(p, i, &r))
				return -1;
		*relocated |= n;
	}
	return 0;
}

/* ---- sections of variables ---- */

/*
 * What bpftool links has no relocations of .BTF: there the symbols of global variables say where they
 * are.
 */
static int list_symbols(struct parse *p, struct table *symbols)
{
	size_t i;

	for (i = 0; i < p->symbols.len; i++) {
		struct symbol *sym = &p->symbols.at[i];

		if (sym->bind == STB_LOCAL || !sym->section || !*sym->name)
			continue;
		if (table_put(symbols, table_hash(sym->name, strlen(sym->name)), sym))
			return error_memory(p->err);
	}
	return 0;
}

static void place_var(struct parse *p, const struct table *symbols, uint32_t section,
		      struct btf_var_secinfo *v)
{
	const struct btf_type *var = btf_type(&p->obj->btf, v->type);
	const char *name = btf_string(&p->obj->btf, var ? var->name_off : 0);
	const struct symbol *sym;

	if (!var || btf_kind(var) != BTF_KIND_VAR ||
	    ((const struct btf_var *)btf_extra(var))->linkage == BTF_VAR_STATIC)
		return;
	sym = table_get(symbols, table_hash(name, strlen(name)));
	if (sym && sym->section == section && !strcmp(sym->name, name) && sym->value <= UINT32_MAX)
		v->offset = sym->value;
}

static int compare_vars(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int add_external(struct parse *p, const char *section, uint32_t type_id)
{
	const struct btf_type *t = btf_type(&p->obj->btf, type_id);
	const char *name = btf_string(&p->obj->btf, t->name_off);
	bool is_new, is_function = btf_kind(t) == BTF_KIND_FUNC;
	int64_t index = parse_external(p, name, &is_new);

	if (index < 0 || !is_new)
		return index < 0 ? -1 : 0;
	p->obj->externals.at[index] = (struct external){
		.name = name, .section = section, .type_id = type_id, .is_function = is_function,
		.is_typeless = !is_function && !btf_resolve(&p->obj->btf, t->type),
	};
	if (!strcmp(section, ".kconfig") || !strcmp(section, ".ksyms") || !strcmp(section, ".maps"))
		return 0;
	parse_fail(p, ERROR_UNSUPPORTED, "%s '%s': got an extern one in section '%s', expected it to "
		   "be defined in the object", is_function ? "function" : "variable", name, section);
	error_hint(p->err, "what the kernel has is declared with __ksym or __kconfig");
	return parse_postpone(p);
}

/* Where its value will be, clang leaves open. */
static int place_kconfig(struct parse *p, struct btf_var_secinfo *v, uint64_t *size)
{
	const struct btf_type *var = btf_type(&p->obj->btf, v->type);
	const char *name = var ? btf_string(&p->obj->btf, var->name_off) : "";
	int64_t own = var && btf_kind(var) == BTF_KIND_VAR ? btf_size(&p->obj->btf, var->type) : -1;
	bool is_new;
	int64_t index;

	if (own <= 0 || own > KCONFIG_MAX || *size > KCONFIG_MAX)
		return parse_fail(p, ERROR_FORMAT, "section '.kconfig': variable '%s': got a type of "
				  "%lld bytes at %llu, expected 1 to %u", name, (long long)own,
				  (unsigned long long)*size, KCONFIG_MAX);
	while (own <= 8 && !(own & (own - 1)) && *size % own)
		++*size;
	v->offset = *size;
	v->size = own;
	*size += own;
	index = parse_external(p, name, &is_new);
	if (index < 0)
		return -1;
	p->obj->externals.at[index].offset = v->offset;
	return 0;
}

static int check_var(struct parse *p, const char *section, uint64_t size,
		     const struct btf_var_secinfo *v)
{
	const struct btf_type *var = btf_type(&p->obj->btf, v->type);
	const char *name = var ? btf_string(&p->obj->btf, var->name_off) : "";

	if (var && btf_kind(var) == BTF_KIND_FUNC)
		return add_external(p, section, v->type);
	if (!var || btf_kind(var) != BTF_KIND_VAR)
		return parse_fail(p, ERROR_FORMAT, "BTF of section '%s': got type %u, expected a "
				  "variable", section, v->type);
	if (((const struct btf_var *)btf_extra(var))->linkage == BTF_VAR_GLOBAL_EXTERN)
		return add_external(p, section, v->type);
	if (v->offset > size || v->size > size - v->offset)
		return parse_fail(p, ERROR_FORMAT, "variable '%s': got %u bytes at %u, expected "
				  "them within the %llu of section '%s'", name, v->size, v->offset,
				  (unsigned long long)size, section);
	return 0;
}

/* Size of the section, and the variables by rising offset, as the kernel wants them. */
static int complete_datasec(struct parse *p, const struct table *symbols, struct btf_type *t)
{
	const char *name = btf_string(&p->obj->btf, t->name_off);
	struct btf_var_secinfo *vars = (struct btf_var_secinfo *)(t + 1);
	uint32_t section = section_find(p, name), i;
	uint64_t size = section ? p->sections.at[section].size : t->size;
	bool is_kconfig = !section && !strcmp(name, ".kconfig");

	if (is_kconfig)
		size = 0;
	if (size > UINT32_MAX)
		return parse_fail(p, ERROR_FORMAT, "section '%s': got %llu bytes, expected less "
				  "than 4 GiB", name, (unsigned long long)size);
	for (i = 0; section && symbols->len && i < btf_vlen(t); i++)
		place_var(p, symbols, section, &vars[i]);
	for (i = 0; i < btf_vlen(t); i++)
		if (check_var(p, name, size, &vars[i]) ||
		    (is_kconfig && place_kconfig(p, &vars[i], &size)))
			return -1;
	t->size = size;
	qsort(vars, btf_vlen(t), sizeof(*vars), compare_vars);
	return 0;
}

static int complete_datasecs(struct parse *p, bool relocated)
{
	struct table symbols = { .len = 0 };
	int ret = relocated ? 0 : list_symbols(p, &symbols);
	uint32_t id;

	for (id = 1; !ret && id < btf_count(&p->obj->btf); id++) {
		const struct btf_type *t = btf_type(&p->obj->btf, id);

		if (btf_kind(t) == KIND_DECL_TAG)
			p->has_callbacks |= !strncmp(btf_string(&p->obj->btf, t->name_off),
						     EXCEPTION_CALLBACK,
						     sizeof(EXCEPTION_CALLBACK) - 1);
		/* The bytes are object.image's, ours to change. */
		if (btf_kind(t) == BTF_KIND_DATASEC)
			ret = complete_datasec(p, &symbols, (struct btf_type *)t);
	}
	table_fini(&symbols);
	return ret;
}

/*
 * The kernel verifies a global function by itself, for whatever its callers might hand it. One
 * that other objects cannot see (a library's, linked in) is to be verified as called, like a
 * static one. Only the symbol says that it is hidden.
 */
static void complete_functions(struct parse *p)
{
	size_t i;

	for (i = 0; i < p->symbols.len; i++) {
		const struct symbol *sym = &p->symbols.at[i];
		uint32_t id = sym->hidden && sym->type == STT_FUNC ?
			      btf_find(&p->obj->btf, sym->name, BTF_KIND_FUNC) : 0;
		struct btf_type *t = (struct btf_type *)btf_type(&p->obj->btf, id);

		if (t)
			t->info = (t->info & ~0xffffu) | BTF_FUNC_STATIC;
	}
}

int parse_btf(struct parse *p)
{
	struct object *obj = p->obj;
	uint32_t section = section_find(p, ".BTF");
	const struct section *s = &p->sections.at[section];
	bool relocated = false;

	if (!section)
		return 0;
	if (!s->data)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF': got type %u, expected contents",
				  s->type);
	obj->image = malloc(s->size + 1);
	if (!obj->image)
		return error_memory(p->err);
	memcpy(obj->image, s->data, s->size);
	obj->image_len = s->size;
	if (relocate_image(p, section, &relocated))
		return -1;
	if (btf_init(&obj->btf, obj->image, obj->image_len, p->err) ||
	    btf_check(&obj->btf, p->err))
		return error_wrap(p->err, "%s", obj->name);
	complete_functions(p);
	return complete_datasecs(p, relocated);
}

/* ---- .BTF.ext ---- */

/* What to do with one record: insn, and the words that follow the offset. */
typedef int take_record_fn(struct parse *p, uint32_t section, const uint32_t *record);

static int take_func(struct parse *p, uint32_t section, const uint32_t *record)
{
	struct ext_func *f = vec_push(&p->ext_funcs);

	if (!f)
		return error_memory(p->err);
	f->section = section;
	f->func.insn = record[0];
	f->func.type_id = record[1];
	return 0;
}

static int take_line(struct parse *p, uint32_t section, const uint32_t *record)
{
	struct ext_line *l = vec_push(&p->ext_lines);

	if (!l)
		return error_memory(p->err);
	l->section = section;
	l->line = (struct line){ record[0], record[1], record[2], record[3] };
	return 0;
}

static int take_relo(struct parse *p, uint32_t section, const uint32_t *record)
{
	struct ext_relo *r = vec_push(&p->ext_relos);

	if (!r)
		return error_memory(p->err);
	r->section = section;
	r->relo = (struct core_relo){ record[0], record[1], record[2], record[3] };
	return 0;
}

static bool read_words(const struct cursor *c, uint64_t offset, uint32_t *words, unsigned int count)
{
	const void *at = cursor_at(c, offset, count * sizeof(*words));

	if (at)
		memcpy(words, at, count * sizeof(*words));
	return at;
}

static int table_cut(struct parse *p, const char *what)
{
	return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': %s: got a table that ends in the "
			  "middle of a record", what);
}

/* One section's records. *off moves behind them. */
static int read_records(struct parse *p, const struct cursor *c, uint64_t *off, const char *what,
			uint32_t rec_size, unsigned int words, take_record_fn *take)
{
	uint32_t head[2], record[4], i, section;
	const char *name;

	if (!read_words(c, *off, head, 2))
		return table_cut(p, what);
	*off += sizeof(head);
	name = btf_string(&p->obj->btf, head[0]);
	section = section_find(p, name);
	if (!section || !section_is_code(&p->sections.at[section]))
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': %s: got section '%s', "
				  "expected one that holds code", what, name);
	for (i = 0; i < head[1]; i++, *off += rec_size) {
		if (!cursor_at(c, *off, rec_size) || !read_words(c, *off, record, words))
			return table_cut(p, what);
		if (record[0] % sizeof(struct bpf_insn) ||
		    record[0] >= p->sections.at[section].size)
			return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': %s: got offset %u, "
					  "expected that of an instruction of section '%s'", what,
					  record[0], name);
		record[0] /= sizeof(struct bpf_insn);
		if (take(p, section, record))
			return -1;
	}
	return 0;
}

static int read_table(struct parse *p, struct cursor body, uint32_t off, uint32_t len,
		      const char *what, unsigned int words, take_record_fn *take)
{
	const void *at = cursor_at(&body, off, len);
	struct cursor table = { at, len };
	uint32_t rec_size;
	uint64_t pos = sizeof(rec_size);

	if (!len)
		return 0;
	if (!at || off & 3)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': %s: got %u bytes at %u, "
				  "expected them within %zu", what, len, off, body.size);
	if (!read_words(&table, 0, &rec_size, 1) || rec_size < words * 4 || rec_size % 4)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': %s: got a record size that "
				  "is not a multiple of 4 from %u", what, words * 4);
	while (pos < len)
		if (read_records(p, &table, &pos, what, rec_size, words, take))
			return -1;
	return 0;
}

/* A record's first two words in memory: all three kinds begin with section and insn. */
static int compare_records(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return x[1] < y[1] ? -1 : x[1] > y[1];
}

static int compare_funcs(const void *a, const void *b)
{
	const struct ext_func *x = a, *y = b;
	uint32_t l[2] = { x->section, x->func.insn }, r[2] = { y->section, y->func.insn };

	return compare_records(l, r);
}

static int compare_lines(const void *a, const void *b)
{
	const struct ext_line *x = a, *y = b;
	uint32_t l[2] = { x->section, x->line.insn }, r[2] = { y->section, y->line.insn };

	return compare_records(l, r);
}

static int compare_relos(const void *a, const void *b)
{
	const struct ext_relo *x = a, *y = b;
	uint32_t l[2] = { x->section, x->relo.insn }, r[2] = { y->section, y->relo.insn };

	return compare_records(l, r);
}

#define SORT(vec, compare) \
	do { \
		if ((vec)->len) \
			qsort((vec)->at, (vec)->len, sizeof(*(vec)->at), compare); \
	} while (0)

static int check_types(struct parse *p)
{
	const struct btf *btf = &p->obj->btf;
	size_t i;

	for (i = 0; i < p->ext_funcs.len; i++) {
		const struct btf_type *t = btf_type(btf, p->ext_funcs.at[i].func.type_id);

		if (!t || btf_kind(t) != BTF_KIND_FUNC)
			return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': function: got type "
					  "%u, expected a function's",
					  p->ext_funcs.at[i].func.type_id);
	}
	for (i = 0; i < p->ext_relos.len; i++)
		if (!btf_type(btf, p->ext_relos.at[i].relo.type_id))
			return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': CO-RE relocation: "
					  "got type %u, expected one below %u",
					  p->ext_relos.at[i].relo.type_id, btf_count(btf));
	return 0;
}

static int read_ext_header(struct parse *p, const struct section *s, struct ext_header *h)
{
	const size_t least = offsetof(struct ext_header, relo_off);

	memset(h, 0, sizeof(*h));
	if (!s->data || s->size < least)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': got %llu bytes, expected "
				  "at least %zu", (unsigned long long)s->size, least);
	memcpy(h, s->data, least);
	if (h->magic != BTF_MAGIC || h->version != BTF_VERSION)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': got magic 0x%04x, version "
				  "%u, expected 0x%04x, %u", h->magic, h->version, BTF_MAGIC,
				  BTF_VERSION);
	if (h->hdr_len < least || h->hdr_len > s->size)
		return parse_fail(p, ERROR_FORMAT, "section '.BTF.ext': header length: got %u, "
				  "expected %zu to %llu", h->hdr_len, least,
				  (unsigned long long)s->size);
	/* Shorter in objects that know no CO-RE, longer in ones that know of more than we do. */
	memcpy(h, s->data, h->hdr_len < sizeof(*h) ? h->hdr_len : sizeof(*h));
	return 0;
}

int parse_btf_ext(struct parse *p)
{
	uint32_t section = section_find(p, ".BTF.ext");
	const struct section *s = &p->sections.at[section];
	struct ext_header h;
	struct cursor body;

	if (!section || !p->obj->image)
		return 0;
	if (read_ext_header(p, s, &h))
		return -1;
	body = (struct cursor){ s->data + h.hdr_len, s->size - h.hdr_len };
	if (read_table(p, body, h.func_off, h.func_len, "functions", 2, take_func) ||
	    read_table(p, body, h.line_off, h.line_len, "lines", 4, take_line) ||
	    read_table(p, body, h.relo_off, h.relo_len, "CO-RE relocations", 4, take_relo))
		return -1;
	SORT(&p->ext_funcs, compare_funcs);
	SORT(&p->ext_lines, compare_lines);
	SORT(&p->ext_relos, compare_relos);
	return check_types(p);
}
