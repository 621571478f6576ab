// SPDX-License-Identifier: GPL-2.0
#include "tests/layout.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/dump_c.h"

#define SHARED_MOST 64 /* of these, each is compiled alone */

static char dir[] = "/tmp/portrace-layout-XXXXXX";
static FILE *header;

typedef void each_member(void *to, const char *name, uint32_t bit_offset, uint32_t bits,
			 uint32_t type);

static void members_at(const struct btf *btf, uint32_t id, uint32_t start, each_member *each,
		       void *to)
{
	const struct btf_type *t = btf_type(btf, id);
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		uint32_t at = start + btf_member_bit_offset(t, &m[i]);
		const struct btf_type *type = btf_type(btf, btf_resolve(btf, m[i].type));

		if (m[i].name_off)
			each(to, btf_string(btf, m[i].name_off), at, btf_member_bits(t, &m[i]),
			     m[i].type);
		else if (type && btf_is_composite(type))
			members_at(btf, btf_resolve(btf, m[i].type), at, each, to);
	}
}

static void members(const struct btf *btf, uint32_t id, each_member *each, void *to)
{
	members_at(btf, id, 0, each, to);
}

struct tag {
	const char *name;
	uint32_t id;
	bool forward, is_union;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tag *)a)->name, ((const struct tag *)b)->name);
}

/* "struct x;" and "struct x { ... };" are one, any others two. */
static bool is_shared(const struct tag *a, const struct tag *b)
{
	return !strcmp(a->name, b->name) &&
	       (a->forward == b->forward || a->is_union != b->is_union);
}

bool *layout_unique(const struct btf *btf)
{
	bool *unique = calloc(btf_count(btf), sizeof(*unique));
	VEC(struct tag) tags = { 0 };
	size_t i, j;
	uint32_t id;

	ck_assert_ptr_nonnull(unique);
	for (id = 1; id < btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		bool forward = btf_kind(t) == BTF_KIND_FWD;

		if (!t->name_off || !(forward || btf_is_composite(t) || btf_is_enum(t)))
			continue;
		*vec_push(&tags) = (struct tag){ btf_string(btf, t->name_off), id, forward,
						 btf_kind(t) == BTF_KIND_UNION ||
						 (forward && BTF_INFO_KFLAG(t->info)) };
		unique[id] = btf_is_composite(t);
	}
	qsort(tags.at, tags.len, sizeof(*tags.at), compare_names);
	for (i = 0; i < tags.len; i++)
		for (j = i + 1; j < tags.len && !strcmp(tags.at[i].name, tags.at[j].name); j++)
			if (is_shared(&tags.at[i], &tags.at[j]))
				unique[tags.at[i].id] = unique[tags.at[j].id] = false;
	vec_fini(&tags);
	return unique;
}

struct asserting {
	const char *keyword, *name;
	unsigned int count;
};

static void assert_member(void *to, const char *name, uint32_t bit_offset, uint32_t bits,
			  uint32_t type)
{
	struct asserting *a = to;

	if (bits)
		return;
	fprintf(header, "_Static_assert(__builtin_offsetof(%s %s, %s) == %u, \"\");\n", a->keyword,
		a->name, name, bit_offset / 8);
	a->count++;
}

static const char *keyword(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_UNION ? "union" : "struct";
}

static unsigned int assert_one(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, id);
	struct asserting a = { keyword(t), btf_string(btf, t->name_off), 1 };

	fprintf(header, "_Static_assert(sizeof(%s %s) == %u, \"\");\n", a.keyword, a.name, t->size);
	members(btf, id, assert_member, &a);
	return a.count;
}

static void count_bits(void *to, const char *name, uint32_t bit_offset, uint32_t bits,
		       uint32_t type)
{
	*(uint32_t *)to += bits;
}

static bool has_bits(const struct btf *btf, uint32_t id)
{
	uint32_t bits = 0;

	members(btf, id, count_bits, &bits);
	return bits;
}

/* Clang's time for BTF grows with the square of the variables, so it is one. */
static void use_all(const struct btf *btf, const bool *ids)
{
	uint32_t id;

	fprintf(header, "struct __all {\n");
	for (id = btf->first; id < btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (ids[id])
			fprintf(header, "%s %s __%u;\n", keyword(t), btf_string(btf, t->name_off), id);
	}
	fprintf(header, "} __all;\n");
}

/* ---- one by one ---- */

struct member {
	const char *name;
	uint32_t bit_offset, bits;
	int64_t size;
};

struct members {
	const struct btf *btf;
	VEC(struct member) all;
};

/* The padding that the header has and the original has not is left out. */
static void gather(void *to, const char *name, uint32_t bit_offset, uint32_t bits, uint32_t type)
{
	struct members *m = to;
	struct member *new;

	if (!strncmp(name, "__gap_", 6))
		return;
	new = vec_push(&m->all);
	ck_assert_ptr_nonnull(new);
	*new = (struct member){ name, bit_offset, bits, btf_size(m->btf, type) };
}

static void compare(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id)
{
	struct members x = { .btf = a }, y = { .btf = b };
	const char *name = btf_string(a, btf_type(a, a_id)->name_off);
	size_t i;

	members(a, a_id, gather, &x);
	members(b, b_id, gather, &y);
	ck_assert_msg(btf_type(a, a_id)->size == btf_type(b, b_id)->size, "%s: size", name);
	ck_assert_msg(x.all.len == y.all.len, "%s: %zu members became %zu", name, x.all.len,
		      y.all.len);
	for (i = 0; i < x.all.len; i++) {
		struct member *m = &x.all.at[i], *n = &y.all.at[i];

		ck_assert_msg(!strcmp(m->name, n->name), "%s.%s became %s", name, m->name, n->name);
		ck_assert_msg(m->bit_offset == n->bit_offset && m->bits == n->bits &&
			      m->size == n->size, "%s.%s: bit %u, %u bits, %lld bytes became bit %u, "
			      "%u bits, %lld bytes", name, m->name, m->bit_offset, m->bits,
			      (long long)m->size, n->bit_offset, n->bits, (long long)n->size);
	}
	vec_fini(&x.all);
	vec_fini(&y.all);
}

/* ---- through a compiler ---- */

void layout_setup(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

void layout_teardown(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int write_header(void *to, const char *piece, size_t len)
{
	return fwrite(piece, 1, len, header) == len ? 0 : -5;
}

static void open_header(void)
{
	header = fopen(in_dir("header.c"), "w");
	ck_assert_ptr_nonnull(header);
}

static void dump(const struct btf *from, const uint32_t *ids, size_t count)
{
	struct text out = { .write = write_header };
	struct error err;

	ck_assert_msg(!btf_dump_c(from, ids, count, &out, &err), "%s", err.message);
	ck_assert_int_eq(text_flush(&out), 0);
	text_fini(&out);
}

/* What the compiler says goes to the test's output; nothing may be said. */
static void compile(const char *compiler, const char *options)
{
	char command[1024];

	ck_assert_int_eq(fclose(header), 0);
	snprintf(command, sizeof(command), "cd %s && %s -w %s -c -o header.o header.c 2>&1 | "
		 "head -n 20 | tee said && [ ! -s said ]", dir, compiler, options);
	ck_assert_msg(!system(command), "%s %s", compiler, options);
}

static const char *clang(void)
{
	return getenv("CLANG") ? getenv("CLANG") : CLANG;
}

static void compare_all(const struct btf *a, const struct btf *b, const bool *unique)
{
	uint32_t id, found, compared = 0;

	for (id = a->first; id < btf_count(a); id++) {
		const struct btf_type *t = btf_type(a, id);

		if (!unique[id])
			continue;
		found = btf_find(b, btf_string(a, t->name_off), btf_kind(t));
		ck_assert_msg(found, "%s is gone", btf_string(a, t->name_off));
		compare(a, id, b, found);
		compared++;
	}
	printf("layout: %u structs and unions compared down to the bit\n", compared);
	ck_assert_uint_gt(compared, 0);
}

static void assert_all(const struct btf *from)
{
	unsigned int structs = 0, assertions = 0;
	bool *unique = layout_unique(from);
	uint32_t id;

	for (id = from->first; id < btf_count(from); id++)
		if (unique[id]) {
			assertions += assert_one(from, id);
			structs++;
		}
	printf("layout: %u structs and unions, %u assertions\n", structs, assertions);
	free(unique);
}

void layout_open_object(struct btf *to, const char *object)
{
	struct error err;
	char command[512];

	snprintf(command, sizeof(command), "$(%s -print-prog-name=llvm-objcopy) --dump-section "
		 ".BTF=%s/object.btf %s", clang(), dir, object);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(!btf_open(to, NULL, in_dir("object.btf"), &err), "%s", err.message);
}

static size_t list_ids(const struct btf *btf, const bool *chosen, uint32_t *ids)
{
	size_t count = 0;
	uint32_t id;

	for (id = 1; id < btf_count(btf); id++)
		if (chosen[id])
			ids[count++] = id;
	return count;
}

void layout_compare_compiled(const struct btf *btf, const bool *chosen)
{
	uint32_t *ids = malloc(btf_count(btf) * sizeof(*ids));
	struct btf compiled;

	ck_assert_ptr_nonnull(ids);
	open_header();
	dump(btf, ids, list_ids(btf, chosen, ids));
	use_all(btf, chosen);
	compile(clang(), btf->foreign ? "-target bpfeb -g" : "-target bpf -g");
	layout_open_object(&compiled, in_dir("header.o"));
	compare_all(btf, &compiled, chosen);
	btf_fini(&compiled);
	free(ids);
}

void layout_assert_all(const struct btf *btf, const char *compiler, const char *options)
{
	open_header();
	dump(btf, NULL, 0);
	assert_all(btf);
	compile(compiler ? compiler : clang(), options);
}

void layout_compare_bits(const struct btf *btf)
{
	bool *chosen = layout_unique(btf);
	uint32_t id;

	for (id = 1; id < btf_count(btf); id++)
		chosen[id] = chosen[id] && has_bits(btf, id);
	layout_compare_compiled(btf, chosen);
	free(chosen);
}

void layout_assert_shared(const struct btf *btf)
{
	bool *unique = layout_unique(btf);
	unsigned int shared = 0;
	uint32_t id;

	for (id = 1; id < btf_count(btf) && shared < SHARED_MOST; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (!t->name_off || !btf_is_composite(t) || unique[id])
			continue;
		shared++;
		open_header();
		dump(btf, &id, 1);
		assert_one(btf, id);
		compile(clang(), "-target bpf -fsyntax-only");
	}
	printf("layout: %u structs and unions that share a name\n", shared);
	free(unique);
}
