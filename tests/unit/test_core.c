// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/core.h"
#include "loader/object.h"
#include "tests/unit/btf_builder.h"

Suite *core_suite(void);


static struct object obj;
static struct builder b;
static struct btf target;
static const struct core_targets targets = { .kernel = &target };
static struct error err;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	memset(&b, 0, sizeof(b));
	memset(&target, 0, sizeof(target));
	error_clear(&err);
}

static void teardown(void)
{
	object_fini(&obj);
	btf_fini(&target);
}

static int read_fixture(const char *path)
{
	FILE *f = fopen(path, "rb");
	static char file[65536];
	size_t size;

	if (!f)
		return error_set(&err, ERROR_NOT_FOUND, "%s is missing", path);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	return object_init(&obj, "core", file, size, &err);
}

static void open_fixture(const char *path)
{
	ck_assert_msg(!read_fixture(path), "%s", err.message);
}

static void open_object(void)
{
	open_fixture(FIXTURES "/core.bpf.o");
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_msg(err.code == code && strstr(err.message, message),
		      "got %d '%s', expected %d '%s'", err.code, err.message, code, message);
}

/* ---- types like those of the fixture, laid out differently ---- */

struct ids {
	uint32_t i32, u32, u64, ch, inner, inner_ptr, list, pair, name, thing;
};

static struct ids build_scalars(void)
{
	struct ids id;

	id.i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	id.u32 = build_int(&b, "unsigned int", 4, 0);
	id.u64 = build_int(&b, "long unsigned int", 8, 0);
	id.ch = build_int(&b, "char", 1, BTF_INT_SIGNED);
	id.inner = build_type(&b, BTF_KIND_STRUCT, "inner", 12);
	build_member(&b, "pad", id.i32, 0);
	build_member(&b, "a", id.i32, 32);
	build_member(&b, "b", id.i32, 64);
	id.inner_ptr = build_type(&b, BTF_KIND_PTR, NULL, id.inner);
	id.list = build_array(&b, id.u32, id.u32, 10);
	id.pair = build_array(&b, id.inner, id.u32, 2);
	id.name = build_array(&b, id.ch, id.u32, 32);
	return id;
}

static void build_colors(void)
{
	build_type(&b, BTF_KIND_ENUM, "color", 4);
	build_value(&b, "BLACK", 0);
	build_value(&b, "GREEN", 77);
}

static void open_target(void)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&target, b.blob, size, &err), "%s", err.message);
}

/* id in an anonymous struct, at byte 8; wide is narrower and small wider than the local ones. */
static void open_usual_target(void)
{
	struct ids id = build_scalars();
	uint32_t anonymous = build_type(&b, BTF_KIND_STRUCT, NULL, 16);

	build_member(&b, "extra", id.u64, 0);
	build_member(&b, "id", id.u32, 64);
	id.thing = build_type(&b, BTF_KIND_STRUCT, "thing", 168);
	build_kflag(&b);
	build_member(&b, NULL, anonymous, 0);
	build_member(&b, "inner", id.inner, 16 * 8);
	build_member(&b, "list", id.list, 28 * 8);
	build_member(&b, "pair", id.pair, 68 * 8);
	build_member(&b, "next", id.inner_ptr, 96 * 8);
	build_member(&b, "wide", id.u32, 104 * 8);
	build_member(&b, "small", id.u64, 112 * 8);
	build_member(&b, "flag_a", id.u32, 5 << 24 | (120 * 8));
	build_member(&b, "flag_b", id.u32, 9 << 24 | (120 * 8 + 5));
	build_member(&b, "name", id.name, 128 * 8);
	build_colors();
	open_target();
}

/* ---- what a program's relocated instructions hold: "what=value " for each ---- */

static size_t show_insn(char *text, size_t size, const struct bpf_insn *insn)
{
	if (insn->code == (BPF_JMP | BPF_CALL))
		return snprintf(text, size, "=%s\n", insn->imm == CORE_POISON ? "poison" : "call");
	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
		return snprintf(text, size, "=%llx wide\n",
				(unsigned long long)(uint32_t)insn[1].imm << 32 |
					(uint32_t)insn->imm);
	if (BPF_CLASS(insn->code) == BPF_ALU64 || BPF_CLASS(insn->code) == BPF_ALU)
		return snprintf(text, size, "=%d\n", insn->imm);
	return snprintf(text, size, "=%d%s\n", insn->off,
			BPF_SIZE(insn->code) == BPF_DW ? " of 8" :
			BPF_SIZE(insn->code) == BPF_W  ? " of 4" :
			BPF_SIZE(insn->code) == BPF_H  ? " of 2" : " of 1");
}

static const char *relocate(const char *name)
{
	static char text[4096];
	struct program *prog = object_program(&obj, name);
	struct core_relo relos[32];
	size_t i, len = 0, count = prog->relos.len;

	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, 32);
	memcpy(relos, prog->relos.at, count * sizeof(relos[0]));
	ck_assert_msg(!core_relocate(prog, 1, &obj.btf, &target, &err), "%s", err.message);
	for (i = 0; i < count; i++) {
		core_describe(&obj.btf, &relos[i], text + len, sizeof(text) - len);
		len += strlen(text + len);
		len += show_insn(text + len, sizeof(text) - len, &prog->insns.at[relos[i].insn]);
	}
	return text;
}

START_TEST(loads_find_fields_by_name)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("load"), "byte offset of struct thing.id=8 of 4\n"
					   "byte offset of struct thing.inner.b=24 of 4\n"
					   "byte offset of struct thing.list[3]=40 of 4\n"
					   "byte offset of struct thing.pair[1].b=88 of 4\n"
					   "byte offset of struct thing.next=96 of 8\n"
					   "byte offset of struct inner.a=4 of 4\n"
					   "byte offset of struct thing.wide=104 of 4\n"
					   "byte offset of struct thing.small=112 of 8\n"
					   "byte offset of struct thing[1].id=176 of 4\n");
	ck_assert_uint_eq(object_program(&obj, "load")->relos.len, 0);
}
END_TEST

START_TEST(stores_take_the_size_of_the_target)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("store"), "byte offset of struct thing.small=112 of 8\n"
					    "byte offset of struct thing.id=8 of 4\n"
					    "byte offset of struct thing.wide=104 of 4\n");
}
END_TEST

START_TEST(addresses_are_constants)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("address"), "byte offset of struct thing.name[4]=132\n");
}
END_TEST

START_TEST(existence_has_an_answer_either_way)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("exists"), "existence of struct thing.id=1\n"
					     "existence of struct thing___old.was=0\n"
					     "existence of struct thing.wide=1\n");
}
END_TEST

START_TEST(sizes_are_the_targets)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("sizes"), "byte size of struct thing.name=32\n"
					    "byte size of struct thing.small=8\n"
					    "byte size of struct thing.pair[0]=12\n");
}
END_TEST

START_TEST(bit_fields_are_shifted_into_place)
{
	open_object();
	open_usual_target();
	/* 9 bits at bit 5 of the 4 bytes at 120. */
	ck_assert_str_eq(relocate("bits"), "byte offset of struct thing.flag_b=120\n"
					   "byte size of struct thing.flag_b=4\n"
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					   "left shift of struct thing.flag_b=50\n"
#else
					   "left shift of struct thing.flag_b=37\n"
#endif
					   "right shift of struct thing.flag_b=55\n"
					   "signedness of struct thing.flag_b=0\n"
					   "signedness of struct thing.flag_a=0\n");
}
END_TEST

START_TEST(types_are_sized_or_zero)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("types"), "existence of struct thing=1\n"
					    "existence of struct absent=0\n"
					    "size of struct thing=168\n"
					    "size of struct absent=0\n");
}
END_TEST

START_TEST(type_ids_are_of_each_side)
{
	char text[128];

	open_object();
	open_usual_target();
	snprintf(text, sizeof(text), "local type id of struct thing=%x wide\n"
		 "target type id of struct thing=%x wide\n",
		 btf_find(&obj.btf, "thing", BTF_KIND_STRUCT),
		 btf_find(&target, "thing", BTF_KIND_STRUCT));
	/* Which of the two comes first is the compiler's choice. */
	if (strncmp(relocate("ids"), text, strlen(text))) {
		snprintf(text, sizeof(text), "target type id of struct thing=%x wide\n"
			 "local type id of struct thing=%x wide\n",
			 btf_find(&target, "thing", BTF_KIND_STRUCT),
			 btf_find(&obj.btf, "thing", BTF_KIND_STRUCT));
		teardown();
		setup();
		open_object();
		open_usual_target();
		ck_assert_str_eq(relocate("ids"), text);
	}
}
END_TEST

START_TEST(enumerators_are_found_by_name)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("enums"), "existence of GREEN of enum color=1 wide\n"
					    "existence of BLUE of enum color=0 wide\n"
					    "value of GREEN of enum color=4d wide\n");
}
END_TEST

START_TEST(wide_enumerators_stand_for_narrow_ones)
{
	open_object();
	build_type(&b, BTF_KIND_ENUM64, "color", 8);
	build_value64(&b, "GREEN", 0x100000002ull);
	open_target();
	ck_assert_str_eq(relocate("enums"), "existence of GREEN of enum color=1 wide\n"
					    "existence of BLUE of enum color=0 wide\n"
					    "value of GREEN of enum color=100000002 wide\n");
}
END_TEST

START_TEST(types_match_by_their_members)
{
	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("matches"), "match of struct inner___same=1\n"
					      "match of struct inner___other=0\n");
}
END_TEST

START_TEST(wide_enumerators_are_found_by_name)
{
	open_object();
	build_type(&b, BTF_KIND_ENUM64, "big", 8);
	build_value64(&b, "BIG", 0xfedcba9876543210);
	open_target();
	ck_assert_str_eq(relocate("wide_enum"), "value of BIG of enum big=fedcba9876543210 wide\n");
}
END_TEST

/* Whether the compiler is new enough for it. */
static bool object_has(const char *program)
{
	bool has;

	setup();
	has = !read_fixture(FIXTURES "/core.bpf.o") && object_program(&obj, program);
	teardown();
	return has;
}

START_TEST(bit_fields_are_shifted_as_the_machine_of_the_target_does)
{
	const char *shift;

	open_object();
	open_usual_target();
	target.foreign = true;
	shift = strstr(relocate("bits"), "left shift of");
	ck_assert_ptr_nonnull(shift);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	ck_assert_int_eq(strncmp(shift, "left shift of struct thing.flag_b=37\n", 37), 0);
#else
	ck_assert_int_eq(strncmp(shift, "left shift of struct thing.flag_b=50\n", 37), 0);
#endif
}
END_TEST

START_TEST(missing_field_poisons_and_stays_on_the_list)
{
	struct program *prog;

	open_object();
	open_usual_target();
	ck_assert_str_eq(relocate("missing"), "byte offset of struct absent.x=poison\n");
	prog = object_program(&obj, "missing");
	ck_assert_uint_eq(prog->relos.len, 1);
	/* Once more changes nothing. */
	ck_assert_str_eq(relocate("missing"), "byte offset of struct absent.x=poison\n");
	ck_assert_uint_eq(prog->relos.len, 1);
}
END_TEST

START_TEST(missing_value_poisons_both_halves)
{
	struct program *prog;
	uint32_t at;

	open_object();
	open_usual_target();
	prog = object_program(&obj, "missing_value");
	at = prog->relos.at[0].insn;
	ck_assert_str_eq(relocate("missing_value"), "value of BLUE of enum color=poison\n");
	ck_assert_int_eq(prog->insns.at[at + 1].code, BPF_JMP | BPF_CALL);
	ck_assert_int_eq(prog->insns.at[at + 1].imm, CORE_POISON);
}
END_TEST

START_TEST(program_not_to_be_loaded_is_left_alone)
{
	struct program *prog;

	open_object();
	open_usual_target();
	prog = object_program(&obj, "load");
	prog->autoload = false;
	ck_assert_int_eq(core_relocate(prog, 1, &obj.btf, &target, &err), 0);
	ck_assert_uint_eq(prog->relos.len, 9);
	ck_assert_int_eq(prog->insns.at[prog->relos.at[0].insn].off, 0);
}
END_TEST

/* ---- other shapes of struct inner, asked for inner.a by the program "load" ---- */

static const char *relocate_inner(void)
{
	struct program *prog = object_program(&obj, "load");
	static char text[512];
	struct core_relo relo;
	size_t i, n = 0, len;

	/* Keep only that one. */
	for (i = 0; i < prog->relos.len; i++) {
		const struct btf_type *t = btf_type(&obj.btf, prog->relos.at[i].type_id);

		if (!strcmp(btf_string(&obj.btf, t->name_off), "inner"))
			prog->relos.at[n++] = prog->relos.at[i];
	}
	ck_assert_uint_eq(n, 1);
	prog->relos.len = n;
	relo = prog->relos.at[0];
	if (core_relocate(prog, 1, &obj.btf, &target, &err))
		return "error";
	if (prog->relos.len && core_check(prog, 1, &obj.btf, &targets, &err) != -1)
		return "no error";
	core_describe(&obj.btf, &relo, text, sizeof(text));
	len = strlen(text);
	show_insn(text + len, sizeof(text) - len, &prog->insns.at[relo.insn]);
	return text;
}

START_TEST(types_of_one_name_that_agree_are_one)
{
	open_object();
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	for (int i = 0; i < 3; i++) {
		build_type(&b, BTF_KIND_STRUCT, "inner", 12);
		build_member(&b, "a", 1, 64);
	}
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=8 of 4\n");
}
END_TEST

START_TEST(types_of_one_name_that_differ_are_no_answer)
{
	open_object();
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	for (int i = 0; i < 2; i++) {
		build_type(&b, BTF_KIND_STRUCT, "inner", 12);
		build_member(&b, "a", 1, 32 + 32 * i);
	}
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=poison\n");
	expect_error(ERROR_UNSUPPORTED, ": struct inner *p: p->a: the kernel has several such types, "
		     "which differ: got 4 and 8, expected one answer");
}
END_TEST

START_TEST(type_of_the_name_without_the_field_does_not_count)
{
	open_object();
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "inner", 4);
	build_member(&b, "other", 1, 0);
	build_type(&b, BTF_KIND_STRUCT, "inner", 24);
	build_member(&b, "a", 1, 160);
	build_type(&b, BTF_KIND_UNION, "inner", 4);
	build_member(&b, "a", 1, 0);
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=20 of 4\n");
}
END_TEST

START_TEST(field_of_another_kind_does_not_count)
{
	open_object();
	build_type(&b, BTF_KIND_PTR, NULL, 0);
	build_type(&b, BTF_KIND_STRUCT, "inner", 16);
	build_member(&b, "a", 1, 64);
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=poison\n");
}
END_TEST

START_TEST(signed_field_of_another_size_poisons)
{
	open_object();
	build_int(&b, "long int", 8, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "inner", 16);
	build_member(&b, "a", 1, 64);
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=poison\n");
}
END_TEST

START_TEST(offset_that_does_not_fit_is_no_answer)
{
	open_object();
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "inner", 40000);
	build_member(&b, "a", 1, 32768 * 8);
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=poison\n");
	expect_error(ERROR_UNSUPPORTED, ": struct inner *p: p->a: the answer does not fit into the "
		     "instruction: got 32768, expected at most 32767");
}
END_TEST

START_TEST(instruction_that_does_not_hold_the_local_value_is_an_error)
{
	open_object();
	open_usual_target();
	object_program(&obj, "load")->insns.at[8].off = 12;
	ck_assert_str_eq(relocate_inner(), "error");
	expect_error(ERROR_FORMAT, "program 'load': instruction 8: byte offset of struct inner.a: "
		     "value in the instruction: got 12, expected 0");
}
END_TEST

START_TEST(anonymous_members_without_end_are_given_up)
{
	uint32_t self;

	open_object();
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	self = build_type(&b, BTF_KIND_STRUCT, "inner", 4);
	for (int i = 0; i < 8; i++)
		build_member(&b, NULL, self, 0);
	open_target();
	ck_assert_str_eq(relocate_inner(), "byte offset of struct inner.a=poison\n");
}
END_TEST

/* ---- hand-made programs ---- */

/* r0 = 0; exit, with a relocation at the first; local and target types are the same. */
static int relocate_made(uint32_t type, const char *access, uint32_t kind, int32_t imm)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = imm },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct core_relo relo = { .type_id = type, .kind = kind };
	struct program prog = { .name = "made", .autoload = true };

	relo.access_str_off = build_string(&b, access);
	open_target();
	prog.insns.at = insns;
	prog.insns.len = 2;
	prog.relos.at = &relo;
	prog.relos.len = 1;
	return core_relocate(&prog, 1, &target, &target, &err) ? -1 : insns[0].imm;
}

/* struct s { int a; int tail[0]; } and void. */
static uint32_t build_tailed(void)
{
	uint32_t i = build_int(&b, "int", 4, BTF_INT_SIGNED);
	uint32_t tail = build_array(&b, i, i, 0);
	uint32_t s = build_type(&b, BTF_KIND_STRUCT, "s", 4);

	build_member(&b, "a", i, 0);
	build_member(&b, "tail", tail, 32);
	return s;
}

static const char *const bad_access[] = {
	"", "x", "0:", ":0", "0:2", "0:0:0", "0:-1", "0:4294967296", "0:0x0", "0::1", "0:0 ", "-1",
	"99999999999999999999",
};

START_TEST(access_string_that_leads_nowhere_is_an_error)
{
	uint32_t s = build_tailed();

	ck_assert_int_eq(relocate_made(s, bad_access[_i], BPF_CORE_FIELD_BYTE_OFFSET, 0), -1);
	expect_error(ERROR_FORMAT, "program 'made': instruction 0: byte offset of struct s at \"");
	expect_error(ERROR_FORMAT, "access string: got one that leads nowhere");
}
END_TEST

START_TEST(flexible_array_may_be_overstepped)
{
	uint32_t s = build_tailed();

	ck_assert_int_eq(relocate_made(s, "0:1:5", BPF_CORE_FIELD_BYTE_OFFSET, 24), 24);
}
END_TEST

START_TEST(huge_index_does_not_overflow)
{
	uint32_t big = build_type(&b, BTF_KIND_STRUCT, "big", 0xffffffff);

	ck_assert_int_eq(relocate_made(big, "4294967295", BPF_CORE_FIELD_BYTE_OFFSET, 0), -1);
	expect_error(ERROR_FORMAT, "access string: got one that leads nowhere");
}
END_TEST

START_TEST(unknown_kind_is_unsupported)
{
	uint32_t s = build_tailed();

	ck_assert_int_eq(relocate_made(s, "0", 99, 1), -1);
	expect_error(ERROR_UNSUPPORTED, "unknown question about struct s: kind: got 99, expected 0 to "
		     "12");
}
END_TEST

START_TEST(flavour_does_not_count)
{
	uint32_t i = build_int(&b, "int", 4, BTF_INT_SIGNED);
	uint32_t v2 = build_type(&b, BTF_KIND_STRUCT, "s___v2", 8);

	build_member(&b, "a", i, 32);
	build_type(&b, BTF_KIND_STRUCT, "s", 16);
	build_member(&b, "a", i, 96);
	ck_assert_int_eq(relocate_made(v2, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), 12);
}
END_TEST

START_TEST(signed_int_says_so)
{
	uint32_t s = build_tailed();

	ck_assert_int_eq(relocate_made(s, "0:0", BPF_CORE_FIELD_SIGNED, 1), 1);
}
END_TEST

START_TEST(bit_field_that_sticks_out_takes_twice_the_bytes)
{
	uint32_t i = build_int(&b, "int", 4, BTF_INT_SIGNED);
	uint32_t s = build_type(&b, BTF_KIND_STRUCT, "s", 8);

	build_kflag(&b);
	build_member(&b, "x", i, 6 << 24 | 29);
	ck_assert_int_eq(relocate_made(s, "0:0", BPF_CORE_FIELD_BYTE_SIZE, 0), 8);
}
END_TEST

/* ---- damaged types on either side: no crash, and an answer or an error that says something */

static void relocate_hostile(void)
{
	error_clear(&err);
	if (core_relocate(obj.programs.at, obj.programs.len, &obj.btf, &target, &err)) {
		ck_assert_int_ne(err.code, ERROR_NONE);
		ck_assert_int_eq(strncmp(err.message, "program '", 9), 0);
	}
}

START_TEST(flipped_target_does_no_harm)
{
	static uint8_t blob[sizeof(b.blob)] __attribute__((aligned(4)));
	const uint8_t patterns[] = { 0xff, 0x01, 0x10 };
	size_t size;

	open_usual_target();
	btf_fini(&target);
	size = build_blob(&b);
	for (size_t at = sizeof(struct btf_header); at < size; at++) {
		memcpy(blob, b.blob, size);
		blob[at] ^= patterns[_i];
		if (btf_init(&target, blob, size, &err))
			continue;
		open_object();
		relocate_hostile();
		object_fini(&obj);
		btf_fini(&target);
	}
}
END_TEST

START_TEST(flipped_local_types_do_no_harm)
{
	uint8_t *image;
	size_t size;

	open_usual_target();
	open_object();
	size = obj.image_len;
	image = malloc(size);
	memcpy(image, obj.image, size);
	for (size_t at = sizeof(struct btf_header); at < size; at++) {
		struct btf local;

		/* Relocated once, instructions hold other values; so from the start each time. */
		object_fini(&obj);
		open_object();
		memcpy(obj.image, image, size);
		obj.image[at] ^= 0x01 << _i;
		if (btf_init(&local, obj.image, size, &err))
			continue;
		btf_fini(&obj.btf);
		obj.btf = local;
		relocate_hostile();
	}
	free(image);
}
END_TEST

/* ---- the running kernel ---- */

static int16_t offset_of(const char *program, const char *what)
{
	struct program *prog = object_program(&obj, program);
	char text[256];

	for (size_t i = 0; i < prog->relos.len; i++) {
		struct core_relo relo = prog->relos.at[i];

		core_describe(&obj.btf, &relo, text, sizeof(text));
		if (strcmp(text, what))
			continue;
		ck_assert_msg(!core_relocate(prog, 1, &obj.btf, &target, &err), "%s", err.message);
		ck_assert_uint_eq(prog->relos.len, 0);
		return prog->insns.at[relo.insn].off;
	}
	ck_abort_msg("%s has no %s", program, what);
	return -1;
}

static int16_t kernel_offset(const char *program, const char *what)
{
	int16_t offset;

	open_fixture(FIXTURES "/kernel.bpf.o");
	offset = offset_of(program, what);
	object_fini(&obj);
	return offset;
}

START_TEST(kernel_fields_lie_as_the_kernel_has_them)
{
	int16_t pid, start;

	ck_assert_msg(!btf_open(&target, NULL, KERNEL_BTF, &err), "%s", err.message);
	ck_assert_int_eq(kernel_offset("links", "byte offset of struct list_head.next"), 0);
	ck_assert_int_eq(kernel_offset("links", "byte offset of struct list_head.prev"),
			 sizeof(void *));
	pid = kernel_offset("task", "byte offset of struct task_struct.pid");
	ck_assert_int_gt(pid, 100);
	ck_assert_int_eq(kernel_offset("task", "byte offset of struct task_struct.tgid"), pid + 4);
	start = kernel_offset("arguments", "byte offset of struct mm_struct.arg_start");
	ck_assert_int_gt(start, 100);
	ck_assert_int_eq(kernel_offset("arguments", "byte offset of struct mm_struct.arg_end"),
			 start + sizeof(long));
	open_fixture(FIXTURES "/kernel.bpf.o");
	ck_assert_str_eq(relocate("missing"),
			 "byte offset of struct task_struct.no_such_member=poison\n");
}
END_TEST

Suite *core_suite(void)
{
	Suite *s = suite_create("core");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, loads_find_fields_by_name);
	tcase_add_test(tc, stores_take_the_size_of_the_target);
	tcase_add_test(tc, addresses_are_constants);
	tcase_add_test(tc, existence_has_an_answer_either_way);
	tcase_add_test(tc, sizes_are_the_targets);
	tcase_add_test(tc, bit_fields_are_shifted_into_place);
	tcase_add_test(tc, bit_fields_are_shifted_as_the_machine_of_the_target_does);
	tcase_add_test(tc, types_are_sized_or_zero);
	if (object_has("matches")) {
		tcase_add_test(tc, types_match_by_their_members);
		tcase_add_test(tc, wide_enumerators_are_found_by_name);
	}
	tcase_add_test(tc, type_ids_are_of_each_side);
	tcase_add_test(tc, enumerators_are_found_by_name);
	tcase_add_test(tc, wide_enumerators_stand_for_narrow_ones);
	tcase_add_test(tc, missing_field_poisons_and_stays_on_the_list);
	tcase_add_test(tc, missing_value_poisons_both_halves);
	tcase_add_test(tc, program_not_to_be_loaded_is_left_alone);
	tcase_add_test(tc, types_of_one_name_that_agree_are_one);
	tcase_add_test(tc, types_of_one_name_that_differ_are_no_answer);
	tcase_add_test(tc, type_of_the_name_without_the_field_does_not_count);
	tcase_add_test(tc, field_of_another_kind_does_not_count);
	tcase_add_test(tc, signed_field_of_another_size_poisons);
	tcase_add_test(tc, offset_that_does_not_fit_is_no_answer);
	tcase_add_test(tc, instruction_that_does_not_hold_the_local_value_is_an_error);
	tcase_add_test(tc, anonymous_members_without_end_are_given_up);
	tcase_add_loop_test(tc, access_string_that_leads_nowhere_is_an_error, 0,
			    sizeof(bad_access) / sizeof(bad_access[0]));
	tcase_add_test(tc, flexible_array_may_be_overstepped);
	tcase_add_test(tc, huge_index_does_not_overflow);
	tcase_add_test(tc, unknown_kind_is_unsupported);
	tcase_add_test(tc, flavour_does_not_count);
	tcase_add_test(tc, signed_int_says_so);
	tcase_add_test(tc, bit_field_that_sticks_out_takes_twice_the_bytes);
	tcase_add_loop_test(tc, flipped_target_does_no_harm, 0, 3);
	tcase_add_loop_test(tc, flipped_local_types_do_no_harm, 0, 3);
	if (access(KERNEL_BTF, R_OK) == 0)
		tcase_add_test(tc, kernel_fields_lie_as_the_kernel_has_them);
	suite_add_tcase(s, tc);
	return s;
}
