// SPDX-License-Identifier: GPL-2.0
/* What is left of a BTF, and that relocating with it gives the same. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/core.h"
#include "btf/declare.h"
#include "btf/min.h"
#include "loader/object.h"
#include "tests/unit/btf_builder.h"

Suite *min_suite(void);


extern const char signal_object_start[], signal_object_end[];

static struct builder b, l;
static struct btf target, local, small;
static struct error err;
static void *blob;
static size_t blob_size;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&l, 0, sizeof(l));
	memset(&target, 0, sizeof(target));
	memset(&local, 0, sizeof(local));
	memset(&small, 0, sizeof(small));
	error_clear(&err);
	blob = NULL;
}

static void teardown(void)
{
	btf_fini(&small);
	btf_fini(&local);
	btf_fini(&target);
	free(blob);
}

/* ---- hand-built: one relocation of a kind by an access string over the types in l ---- */

static void open_built(void)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&target, b.blob, size, &err), "%s", err.message);
}

static int cut_for(uint32_t kind, uint32_t type, const char *access)
{
	struct bpf_insn insn = { .code = BPF_ALU64 | BPF_MOV | BPF_K };
	struct core_relo relo = { .type_id = type, .kind = kind };
	struct program prog = { .name = "p", .insns = { &insn, 1, 1 }, .relos = { &relo, 1, 1 } };
	struct btf_min min;
	size_t size;
	int ret;

	relo.access_str_off = build_string(&l, access);
	size = build_blob(&l);
	ck_assert_msg(!btf_init(&local, l.blob, size, &err), "%s", err.message);
	if (!target.data)
		open_built();
	ret = btf_min_init(&min, &target, &err);
	if (!ret)
		ret = btf_min_add(&min, &prog, 1, &local, &err);
	if (!ret)
		ret = btf_min_finish(&min, &blob, &blob_size, &err);
	btf_min_fini(&min);
	if (!ret) {
		ck_assert_msg(!btf_init(&small, blob, blob_size, &err), "%s", err.message);
		ck_assert_msg(!btf_check(&small, &err), "%s", err.message);
	}
	return ret;
}

static void add_members(struct strbuf *out, const struct btf_type *t)
{
	const struct btf_member *m = btf_extra(t);
	const struct btf_enum *e = btf_extra(t);
	char type[128];
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		struct strbuf declaration = STRBUF(type);

		if (btf_is_enum(t)) {
			strbuf_add(out, " %s=%d", btf_string(&small, e[i].name_off), e[i].val);
			continue;
		}
		btf_declare(&declaration, &small, m[i].type, btf_string(&small, m[i].name_off));
		strbuf_add(out, " %s@%u", type, btf_member_bit_offset(t, &m[i]) / 8);
	}
}

/* Structs, unions and enums with what is left of them: "struct s(16) int x@4; " */
static const char *left(void)
{
	static char buf[2048];
	struct strbuf out = STRBUF(buf);
	uint32_t id;

	for (id = 1; id < btf_count(&small); id++) {
		const struct btf_type *t = btf_type(&small, id);

		if (!btf_is_composite(t) && !btf_is_enum(t))
			continue;
		btf_declare(&out, &small, id, "");
		strbuf_add(&out, "(%u)", t->size);
		add_members(&out, t);
		strbuf_add(&out, "; ");
	}
	return buf;
}

static void expect_left(const char *expected)
{
	ck_assert_str_eq(left(), expected);
}

/*
 * struct inner { int a; int b; };
 * struct thing { struct inner *next; struct { int pad; int id; }; struct inner list[3];
 *                enum color color; };
 */
static uint32_t build_things(struct builder *to)
{
	uint32_t i32 = build_int(to, "int", 4, BTF_INT_SIGNED);
	uint32_t inner = build_type(to, BTF_KIND_STRUCT, "inner", 8);
	uint32_t pointer, anonymous, list, color, thing;

	build_member(to, "a", i32, 0);
	build_member(to, "b", i32, 32);
	pointer = build_type(to, BTF_KIND_PTR, NULL, inner);
	anonymous = build_type(to, BTF_KIND_STRUCT, NULL, 8);
	build_member(to, "pad", i32, 0);
	build_member(to, "id", i32, 32);
	list = build_array(to, inner, i32, 3);
	color = build_type(to, BTF_KIND_ENUM, "color", 4);
	build_value(to, "RED", 1);
	build_value(to, "GREEN", 2);
	thing = build_type(to, BTF_KIND_STRUCT, "thing", 48);
	build_member(to, "next", pointer, 0);
	build_member(to, NULL, anonymous, 64);
	build_member(to, "list", list, 128);
	build_member(to, "color", color, 320);
	return thing;
}

/* The target has another type in front, so that ids differ. */
static uint32_t build_both(void)
{
	build_type(&b, BTF_KIND_STRUCT, "unused", 4);
	build_things(&b);
	return build_things(&l);
}

START_TEST(pointer_is_kept_and_not_what_it_points_at)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_OFFSET, thing, "0:0"), 0);
	expect_left("struct thing(48) void *next@0; ");
}
END_TEST

START_TEST(anonymous_member_is_kept_as_the_way)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_EXISTS, thing, "0:1:1"), 0);
	expect_left("struct {...}(8) int id@4; struct thing(48) struct {...}@8; ");
}
END_TEST

START_TEST(array_is_kept_with_its_elements)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_OFFSET, thing, "0:2:1:1"), 0);
	expect_left("struct inner(8) int b@4; struct thing(48) struct inner list[3]@16; ");
}
END_TEST

START_TEST(embedded_struct_is_kept_by_name_and_size)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_SIZE, thing, "0:2"), 0);
	expect_left("struct inner(8); struct thing(48) struct inner list[3]@16; ");
}
END_TEST

START_TEST(enum_is_kept_with_the_values_asked_for)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_ENUMVAL_VALUE, thing - 1, "1"), 0);
	expect_left("enum color(4) GREEN=2; ");
}
END_TEST

START_TEST(type_that_only_has_to_be_there_is_empty)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_SIZE, thing, "0"), 0);
	expect_left("struct thing(48); ");
}
END_TEST

START_TEST(type_that_is_matched_is_kept_whole)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_MATCHES, thing, "0"), 0);
	expect_left("struct inner(8) int a@0 int b@4; struct {...}(8) int pad@0 int id@4; "
		    "enum color(4) RED=1 GREEN=2; struct thing(48) struct inner *next@0 "
		    "struct {...}@8 struct inner list[3]@16 enum color color@40; ");
}
END_TEST

/* No match is what nothing at all gives as well. */
START_TEST(type_that_does_not_match_leaves_nothing)
{
	uint32_t i32 = build_int(&l, "int", 4, BTF_INT_SIGNED), s;

	s = build_type(&l, BTF_KIND_STRUCT, "s", 8);
	build_member(&l, "here", i32, 0);
	build_member(&l, "gone", i32, 32);
	i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "here", i32, 0);
	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_MATCHES, s, "0"), 0);
	ck_assert_uint_eq(btf_count(&small), 1);
}
END_TEST

START_TEST(match_goes_by_name_behind_pointers_but_for_enumerators)
{
	struct builder *const both[] = { &l, &b };
	uint32_t s = 0;
	int i;

	for (i = 0; i < 2; i++) {
		struct builder *to = both[i];
		uint32_t i32 = build_int(to, "int", 4, BTF_INT_SIGNED);
		uint32_t far = build_type(to, BTF_KIND_STRUCT, "far", 4), color, proto, p[3];

		build_member(to, "x", i32, 0);
		color = build_type(to, BTF_KIND_ENUM, "color", 4);
		build_value(to, "RED", 1);
		p[0] = build_type(to, BTF_KIND_PTR, NULL, far);
		p[1] = build_type(to, BTF_KIND_PTR, NULL, color);
		proto = build_type(to, BTF_KIND_FUNC_PROTO, NULL, p[0]);
		build_member(to, "first", i32, 0);
		to->types_len--; /* a parameter has no offset */
		p[2] = build_type(to, BTF_KIND_PTR, NULL, proto);
		s = build_type(to, BTF_KIND_STRUCT, "s", 24);
		build_member(to, "far", p[0], 0);
		build_member(to, "color", p[1], 64);
		build_member(to, "call", p[2], 128);
	}
	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_MATCHES, s, "0"), 0);
	expect_left("struct far(4); enum color(4) RED=1; struct s(24) struct far *far@0 "
		    "enum color *color@8 struct far *(*call)(int)@16; ");
}
END_TEST

START_TEST(what_the_target_lacks_leaves_nothing)
{
	uint32_t s = build_type(&l, BTF_KIND_STRUCT, "absent", 4);

	build_type(&b, BTF_KIND_STRUCT, "present", 4);
	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_EXISTS, s, "0"), 0);
	ck_assert_uint_eq(btf_count(&small), 1);
}
END_TEST

START_TEST(all_candidates_are_kept)
{
	uint32_t i32 = build_int(&l, "int", 4, BTF_INT_SIGNED), s;

	s = build_type(&l, BTF_KIND_STRUCT, "twice___mine", 4);
	build_member(&l, "x", i32, 0);
	i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "twice", 8);
	build_member(&b, "x", i32, 0);
	build_type(&b, BTF_KIND_STRUCT, "twice", 12);
	build_member(&b, "y", i32, 0);
	build_member(&b, "x", i32, 64);
	build_type(&b, BTF_KIND_STRUCT, "twice", 16);
	build_member(&b, "y", i32, 0);
	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_OFFSET, s, "0:0"), 0);
	expect_left("struct twice(8) int x@0; struct twice(12) int x@8; ");
}
END_TEST

/* A reader takes pointers for 8 bytes wide where no long says otherwise. */
START_TEST(narrow_pointers_stay_narrow)
{
	uint32_t thing = build_both();

	build_int(&b, "long unsigned int", 4, 0);
	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_SIZE, thing, "0:0"), 0);
	ck_assert_uint_eq(target.pointer_size, 4);
	ck_assert_uint_eq(small.pointer_size, 4);
}
END_TEST

START_TEST(path_that_leads_nowhere_is_an_error)
{
	uint32_t thing = build_both();

	ck_assert_int_eq(cut_for(BPF_CORE_FIELD_BYTE_OFFSET, thing, "0:9"), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "program 'p': instruction 0: "));
	ck_assert_ptr_nonnull(strstr(err.message, "access string: got one that leads nowhere"));
}
END_TEST

/* Types that hold or point at themselves end the marking all the same. */
START_TEST(types_that_go_in_circles_are_marked_once)
{
	struct builder *const both[] = { &l, &b };
	int i;

	for (i = 0; i < 2; i++) {
		build_type(both[i], BTF_KIND_STRUCT, "ring", 8);
		build_member(both[i], "next", 2, 0);
		build_type(both[i], BTF_KIND_PTR, NULL, 3);
		build_type(both[i], BTF_KIND_CONST, NULL, 1);
	}
	ck_assert_int_eq(cut_for(BPF_CORE_TYPE_MATCHES, 1, "0"), 0);
	expect_left("struct ring(8) const struct ring *next@0; ");
}
END_TEST

/* ---- whole objects ---- */

static void read_object(struct object *obj, const char *name)
{
	static char file[1 << 20];
	char path[512];
	size_t size;
	FILE *f;

	if (!strcmp(name, "signal")) {
		ck_assert_msg(!object_init(obj, name, signal_object_start,
					   signal_object_end - signal_object_start, &err),
			      "%s", err.message);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s is missing", path);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	ck_assert_msg(!object_init(obj, name, file, size, &err), "%s", err.message);
}

static void cut_for_object(const struct object *obj, void **to, size_t *size)
{
	struct btf_min min;

	ck_assert_msg(!btf_min_init(&min, &target, &err) &&
		      !btf_min_add(&min, obj->programs.at, obj->programs.len, &obj->btf, &err) &&
		      !btf_min_finish(&min, to, size, &err), "%s", err.message);
	btf_min_fini(&min);
}

static void relocate(struct object *obj, const char *name, const struct btf *with)
{
	read_object(obj, name);
	ck_assert_msg(!core_relocate(obj->programs.at, obj->programs.len, &obj->btf, with, &err),
		      "%s", err.message);
}

static size_t expect_same_programs(const struct object *a, const struct object *c)
{
	size_t i, relocated = 0;

	for (i = 0; i < a->programs.len; i++) {
		const struct program *x = &a->programs.at[i], *y = &c->programs.at[i];

		ck_assert_uint_eq(x->insns.len, y->insns.len);
		ck_assert_msg(!memcmp(x->insns.at, y->insns.at,
				      x->insns.len * sizeof(x->insns.at[0])),
			      "program %s differs", x->name);
		ck_assert_uint_eq(x->relos.len, y->relos.len);
		relocated += x->insns.len;
	}
	return relocated;
}

static const char *const objects[] = { "signal", "kernel", "core", "records" };

START_TEST(small_btf_relocates_as_the_kernels)
{
	struct object whole, cut;
	void *again;
	size_t size;

	ck_assert_msg(!btf_open(&target, NULL, KERNEL_BTF, &err), "%s", err.message);
	read_object(&cut, objects[_i]);
	cut_for_object(&cut, &blob, &blob_size);
	cut_for_object(&cut, &again, &size);
	ck_assert_uint_eq(size, blob_size);
	ck_assert(!memcmp(again, blob, size));
	free(again);
	object_fini(&cut);
	ck_assert_uint_lt(blob_size, 4096);
	ck_assert_msg(!btf_init(&small, blob, blob_size, &err), "%s", err.message);
	ck_assert_msg(!btf_check(&small, &err), "%s", err.message);
	relocate(&whole, objects[_i], &target);
	relocate(&cut, objects[_i], &small);
	ck_assert_uint_gt(expect_same_programs(&whole, &cut), 0);
	object_fini(&whole);
	object_fini(&cut);
}
END_TEST

/* The types of the core fixture as another compiler laid them out: its own, cut down. */
START_TEST(small_btf_relocates_as_a_hand_built_one)
{
	struct object whole, cut, types;
	size_t i, ids = 0;

	read_object(&types, "core");
	target = types.btf;
	cut_for_object(&types, &blob, &blob_size);
	ck_assert_uint_lt(blob_size, types.image_len / 3);
	ck_assert_msg(!btf_init(&small, blob, blob_size, &err), "%s", err.message);
	relocate(&whole, "core", &target);
	relocate(&cut, "core", &small);
	for (i = 0; i < whole.programs.len; i++) {
		const struct program *x = &whole.programs.at[i], *y = &cut.programs.at[i];

		/* Ids of the target are the one thing that a cut changes. */
		if (!strcmp(x->name, "ids") && ++ids)
			continue;
		ck_assert_msg(!memcmp(x->insns.at, y->insns.at,
				      x->insns.len * sizeof(x->insns.at[0])),
			      "program %s differs", x->name);
		ck_assert_uint_eq(x->relos.len, 0);
	}
	ck_assert_uint_eq(ids, 1);
	memset(&target, 0, sizeof(target));
	object_fini(&types);
	object_fini(&whole);
	object_fini(&cut);
}
END_TEST

START_TEST(two_objects_share_one_btf)
{
	struct object first, second;
	struct btf_min min;

	ck_assert_msg(!btf_open(&target, NULL, KERNEL_BTF, &err), "%s", err.message);
	read_object(&first, "signal");
	read_object(&second, "kernel");
	ck_assert(!btf_min_init(&min, &target, &err) &&
		  !btf_min_add(&min, first.programs.at, first.programs.len, &first.btf, &err) &&
		  !btf_min_add(&min, second.programs.at, second.programs.len, &second.btf, &err) &&
		  !btf_min_finish(&min, &blob, &blob_size, &err));
	btf_min_fini(&min);
	object_fini(&first);
	object_fini(&second);
	ck_assert(!btf_init(&small, blob, blob_size, &err));
	relocate(&first, "kernel", &target);
	relocate(&second, "kernel", &small);
	expect_same_programs(&first, &second);
	object_fini(&first);
	object_fini(&second);
}
END_TEST

Suite *min_suite(void)
{
	Suite *s = suite_create("min");
	TCase *tc = tcase_create("min"), *running = tcase_create("running kernel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pointer_is_kept_and_not_what_it_points_at);
	tcase_add_test(tc, anonymous_member_is_kept_as_the_way);
	tcase_add_test(tc, array_is_kept_with_its_elements);
	tcase_add_test(tc, embedded_struct_is_kept_by_name_and_size);
	tcase_add_test(tc, enum_is_kept_with_the_values_asked_for);
	tcase_add_test(tc, type_that_only_has_to_be_there_is_empty);
	tcase_add_test(tc, type_that_is_matched_is_kept_whole);
	tcase_add_test(tc, type_that_does_not_match_leaves_nothing);
	tcase_add_test(tc, match_goes_by_name_behind_pointers_but_for_enumerators);
	tcase_add_test(tc, what_the_target_lacks_leaves_nothing);
	tcase_add_test(tc, all_candidates_are_kept);
	tcase_add_test(tc, narrow_pointers_stay_narrow);
	tcase_add_test(tc, path_that_leads_nowhere_is_an_error);
	tcase_add_test(tc, types_that_go_in_circles_are_marked_once);
	tcase_add_test(tc, small_btf_relocates_as_a_hand_built_one);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(running, setup, teardown);
	if (access(KERNEL_BTF, R_OK) == 0) {
		tcase_add_loop_test(running, small_btf_relocates_as_the_kernels, 0,
				    sizeof(objects) / sizeof(objects[0]));
		tcase_add_test(running, two_objects_share_one_btf);
	}
	suite_add_tcase(s, running);
	return s;
}
