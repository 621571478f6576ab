// SPDX-License-Identifier: GPL-2.0
/* CO-RE over hand-built types on both sides: matching, patching, modules, and what errors say. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "btf/core.h"
#include "compat/insn.h"
#include "loader/object.h"
#include "tests/unit/btf_builder.h"

Suite *core_targets_suite(void);

static struct builder l, k, m; /* local, kernel, module */
static struct btf local, kernel, module;
static bool has_module;
static unsigned int modules_asked;
static struct error err;

static void setup(void)
{
	memset(&l, 0, sizeof(l));
	memset(&k, 0, sizeof(k));
	memset(&m, 0, sizeof(m));
	memset(&local, 0, sizeof(local));
	memset(&kernel, 0, sizeof(kernel));
	memset(&module, 0, sizeof(module));
	has_module = false;
	modules_asked = 0;
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&local);
	btf_fini(&module);
	btf_fini(&kernel);
}

static void open_kernel(void)
{
	if (!kernel.data)
		ck_assert_msg(!btf_init(&kernel, k.blob, build_blob(&k), &err), "%s", err.message);
}

/* From then on the module is built, on what the kernel has. */
static void begin_module(void)
{
	open_kernel();
	m.count = btf_count(&kernel) - 1;
	m.strings_start = kernel.strings_len;
	has_module = true;
}

static int give_module(void *ctx, size_t i, const struct btf **found, struct error *e)
{
	modules_asked++;
	if (i > 0 || !has_module)
		return 0;
	if (!module.data &&
	    btf_init_split(&module, &kernel, m.blob, build_blob(&m), e))
		return -1;
	*found = &module;
	return 0;
}

static const struct core_targets targets = { .kernel = &kernel, .module = give_module };

/* ---- one program of one instruction, relocated ---- */

static struct bpf_insn code[3];
static struct core_relo relo;
static struct program prog;

static int relocate(struct bpf_insn insn, struct bpf_insn second, uint32_t type,
		    const char *access, uint32_t kind)
{
	struct line line = { 0 };
	static struct line lines[1];

	code[0] = insn;
	code[1] = second;
	code[2] = INSN_EXIT();
	relo = (struct core_relo){ .type_id = type, .kind = kind };
	relo.access_str_off = build_string(&l, access);
	line.file_off = build_string(&l, "prog.bpf.c");
	line.line_off = build_string(&l, "\treturn p->x;");
	line.line_col = 12 << 10;
	lines[0] = line;
	btf_fini(&local);
	ck_assert_msg(!btf_init(&local, l.blob, build_blob(&l), &err), "%s", err.message);
	open_kernel();
	memset(&prog, 0, sizeof(prog));
	prog.name = "p";
	prog.autoload = true;
	prog.insns.at = code;
	prog.insns.len = 3;
	prog.relos.at = &relo;
	prog.relos.len = 1;
	prog.lines.at = lines;
	prog.lines.len = 1;
	return core_relocate_all(&prog, 1, &local, &targets, &err);
}

#define WIDE(v)                                                                                    \
	((struct bpf_insn[]){ INSN_WIDE(1, v) })[0], ((struct bpf_insn[]){ INSN_WIDE(1, v) })[1]

static const uint64_t UNRESOLVED = 0x5ca1ab1e;

/* The answer, as a 64-bit constant. */
static uint64_t answer(uint32_t type, const char *access, uint32_t kind, uint64_t held)
{
	ck_assert_msg(!relocate(WIDE(held), type, access, kind), "%s", err.message);
	if (prog.relos.len)
		return UNRESOLVED;
	return (uint64_t)(uint32_t)code[1].imm << 32 | (uint32_t)code[0].imm;
}

static void expect_missing(const char *message, const char *hint)
{
	ck_assert_uint_eq(prog.relos.len, 1);
	error_clear(&err);
	ck_assert_int_eq(core_check(&prog, 1, &local, &targets, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, message);
	ck_assert_msg(strstr(err.hint, hint), "got '%s', expected '%s'", err.hint, hint);
	ck_assert_str_eq(err.detail, "12: return p->x;");
}

/* ---- types ---- */

static uint32_t number(struct builder *b)
{
	return build_int(b, "int", 4, BTF_INT_SIGNED);
}

/* A struct (or what kind is) with one member at byte 4. */
static uint32_t one_member(struct builder *b, uint32_t kind, const char *name, const char *member,
			   uint32_t type)
{
	uint32_t id = build_type(b, kind, name, 16);

	build_member(b, member, type, 32);
	return id;
}

static uint32_t fwd(struct builder *b, const char *name, bool is_union)
{
	uint32_t id = build_type(b, BTF_KIND_FWD, name, 0);

	if (is_union)
		build_kflag(b);
	return id;
}

static bool matches(uint32_t type)
{
	return answer(type, "0", BPF_CORE_TYPE_MATCHES, 1);
}

/* ---- roots of every kind ---- */

static const uint32_t root_kinds[] = { BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_TYPEDEF,
				       BTF_KIND_ENUM, BTF_KIND_FWD, BTF_KIND_INT };

static uint32_t build_root(struct builder *b, uint32_t kind, const char *name)
{
	uint32_t id;

	if (kind == BTF_KIND_INT)
		return build_int(b, name, 8, 0);
	if (kind == BTF_KIND_TYPEDEF) {
		id = build_int(b, "u", 8, 0);
		return build_type(b, kind, name, id);
	}
	return build_type(b, kind, name, kind == BTF_KIND_FWD ? 0 : 8);
}

START_TEST(types_of_every_kind_are_found_by_kind_and_name)
{
	uint32_t kind = root_kinds[_i];
	uint32_t root = build_root(&l, kind, "root___mine");
	uint32_t other = build_root(&l, kind, "other");
	uint32_t id;

	build_root(&k, root_kinds[(_i + 1) % 6], "other");
	id = build_root(&k, kind, "root");
	ck_assert_uint_eq(answer(root, "0", BPF_CORE_TYPE_EXISTS, 1), 1);
	ck_assert_uint_eq(answer(root, "0", BPF_CORE_TYPE_ID_TARGET, 7), id);
	if (kind != BTF_KIND_FWD)
		ck_assert_uint_eq(answer(root, "0", BPF_CORE_TYPE_SIZE, 8), 8);
	/* A type of that name but another kind is another type. */
	ck_assert_uint_eq(answer(other, "0", BPF_CORE_TYPE_EXISTS, 1), 0);
	ck_assert_uint_eq(answer(other, "0", BPF_CORE_TYPE_MATCHES, 1), 0);
	ck_assert_uint_eq(answer(other, "0", BPF_CORE_TYPE_ID_TARGET, 7), 0);
}
END_TEST

START_TEST(functions_agree_where_their_arguments_do)
{
	struct builder *sides[] = { &l, &k };
	uint32_t ptr = 0, proto, root = 0, other = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t n = number(sides[i]);

		ptr = build_type(sides[i], BTF_KIND_PTR, NULL, n);
		proto = build_type(sides[i], BTF_KIND_FUNC_PROTO, NULL, n);
		build_word(sides[i], 0);
		build_word(sides[i], ptr);
		build_more(sides[i]);
		root = build_type(sides[i], BTF_KIND_TYPEDEF, "same",
				  build_type(sides[i], BTF_KIND_PTR, NULL, proto));
		proto = build_type(sides[i], BTF_KIND_FUNC_PROTO, NULL, n);
		build_word(sides[i], 0);
		build_word(sides[i], i ? ptr : n);
		build_more(sides[i]);
		other = build_type(sides[i], BTF_KIND_TYPEDEF, "other",
				   build_type(sides[i], BTF_KIND_PTR, NULL, proto));
	}
	ck_assert_uint_eq(answer(root, "0", BPF_CORE_TYPE_EXISTS, 1), 1);
	ck_assert(matches(root));
	ck_assert_uint_eq(answer(other, "0", BPF_CORE_TYPE_EXISTS, 1), 0);
	ck_assert(!matches(other));
}
END_TEST

/* ---- matching ---- */

START_TEST(integers_match_by_size_and_sign_whatever_they_are_called)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", build_int(&l, "unsigned long", 8, 0));
	uint32_t t, n;

	n = build_int(&k, "long unsigned int", 8, 0);
	t = build_type(&k, BTF_KIND_TYPEDEF, "u64", n);
	one_member(&k, BTF_KIND_STRUCT, "s", "x", build_type(&k, BTF_KIND_CONST, NULL, t));
	ck_assert(matches(s));
}
END_TEST

START_TEST(integers_of_another_size_or_sign_do_not_match)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));

	if (_i)
		one_member(&k, BTF_KIND_STRUCT, "s", "x", build_int(&k, "int", 4, 0));
	else
		one_member(&k, BTF_KIND_STRUCT, "s", "x", build_int(&k, "int", 8, BTF_INT_SIGNED));
	ck_assert(!matches(s));
}
END_TEST

START_TEST(members_match_by_name_in_any_order)
{
	uint32_t i = number(&l), s = build_type(&l, BTF_KIND_STRUCT, "s___mine", 8), ki, kp;

	build_member(&l, "a", i, 0);
	build_member(&l, "b", i, 32);
	ki = number(&k);
	kp = build_type(&k, BTF_KIND_PTR, NULL, 0);
	build_type(&k, BTF_KIND_STRUCT, "s", 24);
	build_member(&k, "b", ki, 64);
	build_member(&k, "other", kp, 0);
	build_member(&k, "a", ki, 96);
	ck_assert(matches(s));
}
END_TEST

START_TEST(a_member_that_is_not_there_or_of_another_kind_does_not_match)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));
	uint32_t ki = number(&k);

	if (_i)
		one_member(&k, BTF_KIND_STRUCT, "s", "x", build_type(&k, BTF_KIND_PTR, NULL, ki));
	else
		one_member(&k, BTF_KIND_STRUCT, "s", "y", ki);
	ck_assert(!matches(s));
}
END_TEST

START_TEST(one_of_several_types_of_the_name_that_matches_is_enough)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));
	uint32_t ki = number(&k);

	one_member(&k, BTF_KIND_STRUCT, "s", "y", ki);
	one_member(&k, BTF_KIND_STRUCT, "s", "x", ki);
	one_member(&k, BTF_KIND_STRUCT, "s", "z", ki);
	ck_assert(matches(s));
}
END_TEST

START_TEST(behind_pointers_name_and_kind_are_enough)
{
	uint32_t in = one_member(&l, BTF_KIND_STRUCT, "in___old", "x", number(&l));
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "p",
				build_type(&l, BTF_KIND_PTR, NULL, in));
	uint32_t kin;

	/* Other members; but a declaration; a declaration of a union; another name. */
	if (_i == 0)
		kin = one_member(&k, BTF_KIND_STRUCT, "in", "y", number(&k));
	else
		kin = fwd(&k, _i == 3 ? "out" : "in", _i == 2);
	one_member(&k, BTF_KIND_STRUCT, "s", "p", build_type(&k, BTF_KIND_PTR, NULL, kin));
	ck_assert_int_eq(matches(s), _i < 2);
}
END_TEST

START_TEST(a_declaration_stands_for_the_type_behind_a_pointer)
{
	uint32_t in = fwd(&l, "in", _i);
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "p",
				build_type(&l, BTF_KIND_PTR, NULL, in));
	uint32_t kin = one_member(&k, BTF_KIND_STRUCT, "in", "y", number(&k));

	one_member(&k, BTF_KIND_STRUCT, "s", "p", build_type(&k, BTF_KIND_PTR, NULL, kin));
	ck_assert_int_eq(matches(s), !_i);
}
END_TEST

START_TEST(void_matches_only_void)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "p", build_type(&l, BTF_KIND_PTR, NULL, 0));
	uint32_t to = _i ? number(&k) : 0;

	one_member(&k, BTF_KIND_STRUCT, "s", "p", build_type(&k, BTF_KIND_PTR, NULL, to));
	ck_assert_int_eq(matches(s), !_i);
}
END_TEST

START_TEST(structs_inside_match_member_by_member)
{
	uint32_t in = one_member(&l, BTF_KIND_STRUCT, "in", "x", number(&l));
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "in", in);
	uint32_t kin = one_member(&k, BTF_KIND_STRUCT, "in", _i ? "y" : "x", number(&k));

	one_member(&k, BTF_KIND_STRUCT, "s", "in", kin);
	ck_assert_int_eq(matches(s), !_i);
}
END_TEST

START_TEST(arrays_match_by_length_and_element)
{
	uint32_t li = number(&l), ki = number(&k);
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "a", build_array(&l, li, li, 3));

	one_member(&k, BTF_KIND_STRUCT, "s", "a", build_array(&k, ki, ki, _i ? 4 : 3));
	ck_assert_int_eq(matches(s), !_i);
}
END_TEST

START_TEST(floats_match_by_size)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "f",
				build_type(&l, BTF_KIND_FLOAT, "double", 8));

	one_member(&k, BTF_KIND_STRUCT, "s", "f",
		   build_type(&k, BTF_KIND_FLOAT, "long double", _i ? 16 : 8));
	ck_assert_int_eq(matches(s), !_i);
}
END_TEST

START_TEST(enums_match_by_their_enumerators_names_and_size)
{
	uint32_t e = build_type(&l, BTF_KIND_ENUM, "e", 4);

	build_value(&l, "A", 1);
	build_value(&l, "B___mine", 2);
	build_type(&k, BTF_KIND_ENUM64, "e", _i == 1 ? 8 : 4);
	build_value64(&k, "B", 1);
	build_value64(&k, _i == 2 ? "C" : "A", 5);
	build_value64(&k, "D", 5);
	ck_assert_int_eq(matches(e), _i == 0);
}
END_TEST

/* Each struct holds the next twice: without memory of what is known, 2^28 comparisons. */
START_TEST(nested_types_are_compared_once)
{
	struct builder *sides[] = { &l, &k };
	uint32_t s = 0;

	for (int side = 0; side < 2; side++) {
		s = number(sides[side]);
		for (int i = 0; i < 28; i++) {
			uint32_t inner = s;

			s = build_type(sides[side], BTF_KIND_STRUCT, i < 27 ? "n" : "s", 8);
			build_member(sides[side], "a", inner, 0);
			build_member(sides[side], "b", inner, 0);
		}
	}
	ck_assert(matches(s));
}
END_TEST

START_TEST(a_struct_that_holds_itself_matches_nothing)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "a", 1);

	one_member(&k, BTF_KIND_STRUCT, "s", "a", 1);
	ck_assert(!matches(s));
}
END_TEST

/* ---- patching ---- */

static uint32_t local_int, local_struct;

static void build_field(uint32_t size, uint32_t encoding, uint32_t target_size,
			uint32_t target_encoding)
{
	local_int = build_int(&l, "li", size, encoding);
	local_struct = build_type(&l, BTF_KIND_STRUCT, "s", 16);
	build_member(&l, "x", local_int, 0);
	one_member(&k, BTF_KIND_STRUCT, "s", "x",
		   build_int(&k, "ki", target_size, target_encoding));
}

/* Opcode that it is left with, 0: unresolved. */
static uint8_t access_code(uint8_t opcode, int32_t imm)
{
	struct bpf_insn none = { 0 };

	ck_assert_msg(!relocate(INSN(opcode, 1, 2, 0, imm), none, local_struct, "0:0",
				BPF_CORE_FIELD_BYTE_OFFSET), "%s", err.message);
	if (prog.relos.len)
		return 0;
	ck_assert_int_eq(code[0].off, 4);
	ck_assert_int_eq(code[0].imm, imm);
	return code[0].code;
}

START_TEST(unsigned_loads_and_stores_take_the_new_size)
{
	build_field(4, 0, 2, 0);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEM | BPF_W, 0), BPF_LDX | BPF_MEM | BPF_H);
	ck_assert_uint_eq(access_code(BPF_STX | BPF_MEM | BPF_W, 0), BPF_STX | BPF_MEM | BPF_H);
	ck_assert_uint_eq(access_code(BPF_ST | BPF_MEM | BPF_W, 9), BPF_ST | BPF_MEM | BPF_H);
	ck_assert_uint_eq(access_code(BPF_ST | BPF_MEM | BPF_W, -1), BPF_ST | BPF_MEM | BPF_H);
}
END_TEST

START_TEST(a_negative_constant_cannot_be_stored_in_more_bytes)
{
	build_field(4, 0, 8, 0);
	ck_assert_uint_eq(access_code(BPF_ST | BPF_MEM | BPF_W, 9), BPF_ST | BPF_MEM | BPF_DW);
	ck_assert_uint_eq(access_code(BPF_ST | BPF_MEM | BPF_W, -1), 0);
}
END_TEST

START_TEST(sign_extending_loads_take_the_new_size_of_signed_fields)
{
	build_field(4, BTF_INT_SIGNED, _i ? 8 : 2, BTF_INT_SIGNED);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEMSX | BPF_W, 0),
			  _i ? BPF_LDX | BPF_MEM | BPF_DW : BPF_LDX | BPF_MEMSX | BPF_H);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEM | BPF_W, 0), 0);
}
END_TEST

START_TEST(sign_extending_loads_do_not_take_unsigned_fields_of_another_size)
{
	build_field(4, BTF_INT_SIGNED, 2, 0);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEMSX | BPF_W, 0), 0);
}
END_TEST

START_TEST(sign_extending_loads_move)
{
	build_field(4, BTF_INT_SIGNED, 4, BTF_INT_SIGNED);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEMSX | BPF_W, 0), BPF_LDX | BPF_MEMSX | BPF_W);
}
END_TEST

START_TEST(atomics_have_no_sizes_below_four)
{
	build_field(8, 0, _i ? 2 : 4, 0);
	ck_assert_uint_eq(access_code(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_ADD),
			  _i ? 0 : BPF_STX | BPF_ATOMIC | BPF_W);
}
END_TEST

START_TEST(an_array_is_accessed_by_the_element)
{
	uint32_t li = build_int(&l, "u32", 4, 0), ki = build_int(&k, "u32", 4, 0);
	uint32_t array = build_array(&l, li, li, 4);

	local_struct = build_type(&l, BTF_KIND_STRUCT, "s", 16);
	build_member(&l, "x", array, 0);
	one_member(&k, BTF_KIND_STRUCT, "s", "x", build_array(&k, ki, ki, 9));
	/* The fields' sizes differ, what is loaded does not. */
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEM | BPF_W, 0), BPF_LDX | BPF_MEM | BPF_W);
	ck_assert_uint_eq(answer(local_struct, "0:0", BPF_CORE_FIELD_BYTE_SIZE, 16), 36);
	ck_assert_uint_eq(answer(local_struct, "0:0", BPF_CORE_FIELD_SIGNED, 0), 0);
}
END_TEST

/* What a constant is left with; UNRESOLVED: it does not fit. */
static uint64_t immediate(uint8_t class, int32_t imm, uint64_t value, bool target_is_signed)
{
	struct bpf_insn none = { 0 };
	uint32_t e;

	setup();
	e = build_type(&l, BTF_KIND_ENUM, "e", 4);
	build_value(&l, "A", imm);
	build_type(&k, BTF_KIND_ENUM64, "e", 8);
	if (target_is_signed)
		build_kflag(&k);
	build_value64(&k, "A", value);
	ck_assert_msg(!relocate(INSN(class | BPF_MOV | BPF_K, 1, 0, 0, imm), none, e, "0",
				BPF_CORE_ENUMVAL_VALUE), "%s", err.message);
	value = prog.relos.len ? UNRESOLVED : (uint64_t)(int64_t)code[0].imm;
	teardown();
	return value;
}

START_TEST(constants_have_32_bits)
{
	ck_assert_uint_eq(immediate(BPF_ALU64, 1, 0x7fffffff, false), 0x7fffffff);
	ck_assert_uint_eq(immediate(BPF_ALU64, 1, (uint64_t)-5, true), (uint64_t)-5);
	ck_assert_uint_eq(immediate(BPF_ALU, 1, 0xffffffff, false), (uint64_t)-1);
	/* To 64 bits it would be filled up with a sign that it does not have. */
	ck_assert_uint_eq(immediate(BPF_ALU64, 1, 0xffffffff, false), UNRESOLVED);
	ck_assert_uint_eq(immediate(BPF_ALU, 1, 0x100000000, false), UNRESOLVED);
	setup();
}
END_TEST

/* Before Linux 6.0 no enum said that it is signed; the compiler's constant tells. */
START_TEST(negative_enumerators_stay_negative)
{
	ck_assert_uint_eq(immediate(BPF_ALU64, -1, 0xfffffffe, false), (uint64_t)-2);
	setup();
}
END_TEST

START_TEST(wide_enumerators_are_answered_in_full)
{
	uint32_t e = build_type(&l, BTF_KIND_ENUM64, "e", 8);

	build_value64(&l, "A", 3);
	build_type(&k, BTF_KIND_ENUM64, "e", 8);
	build_kflag(&k);
	build_value64(&k, "A", 0x8123456789abcdef);
	ck_assert_uint_eq(answer(e, "0", BPF_CORE_ENUMVAL_VALUE, 3), 0x8123456789abcdef);
}
END_TEST

START_TEST(signed_enums_say_so)
{
	uint32_t e = build_type(&l, BTF_KIND_ENUM, "e", 4), s, ke;

	s = one_member(&l, BTF_KIND_STRUCT, "s", "x", e);
	ke = build_type(&k, BTF_KIND_ENUM, "e", 4);
	if (_i)
		build_kflag(&k);
	one_member(&k, BTF_KIND_STRUCT, "s", "x", ke);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_SIGNED, 0), _i);
}
END_TEST

/* ---- modules ---- */

START_TEST(modules_are_asked_for_what_the_kernel_has_not)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));
	uint32_t ki = number(&k);

	build_type(&k, BTF_KIND_STRUCT, "pad", 0);
	begin_module();
	build_type(&m, BTF_KIND_STRUCT, "s", 64);
	build_member(&m, "x", ki, 128);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), 16);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_EXISTS, 1), 1);
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_SIZE, 16), 64);
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_MATCHES, 1), 1);
	/* Nobody could tell whose id that is. */
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_ID_TARGET, 1), 0);
}
END_TEST

START_TEST(modules_are_not_opened_where_the_kernel_has_the_type)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));

	one_member(&k, BTF_KIND_STRUCT, "s", "y", number(&k));
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	ck_assert_uint_eq(modules_asked, 0);
}
END_TEST

START_TEST(a_module_that_cannot_be_read_is_an_error)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));

	number(&k);
	begin_module();
	build_type(&m, 99, "s", 64);
	ck_assert_int_eq(relocate(WIDE(4), s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "kind: got 99"), "%s", err.message);
}
END_TEST

/* ---- what errors say ---- */

#define EXISTS_HINT(what) "ask " what " first"

START_TEST(type_that_is_not_there)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "gone___v2", "x", number(&l));

	number(&k);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct gone___v2 *p: p->x: the kernel and its "
		       "modules have no struct 'gone', expected one",
		       EXISTS_HINT("bpf_core_type_exists()"));
}
END_TEST

START_TEST(type_of_another_kind)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));

	one_member(&k, BTF_KIND_UNION, "s", "x", number(&k));
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->x: the kernel and its modules have "
		       "no struct 's' (but a union), expected one",
		       EXISTS_HINT("bpf_core_type_exists()"));
}
END_TEST

START_TEST(member_that_is_not_there)
{
	uint32_t li = number(&l), ki = number(&k), inner, anonymous, s;

	inner = one_member(&l, BTF_KIND_STRUCT, "in", "counter", li);
	s = one_member(&l, BTF_KIND_STRUCT, "s", "live", build_array(&l, inner, li, 3));
	anonymous = build_type(&k, BTF_KIND_UNION, NULL, 8);
	build_member(&k, "counted", ki, 0);
	inner = build_type(&k, BTF_KIND_STRUCT, "in", 16);
	build_member(&k, "countr", ki, 0);
	build_member(&k, "other", ki, 0);
	build_member(&k, NULL, anonymous, 0);
	one_member(&k, BTF_KIND_STRUCT, "s", "live", build_array(&k, inner, ki, 3));
	ck_assert_uint_eq(answer(s, "0:0:2:0", BPF_CORE_FIELD_BYTE_OFFSET, 40), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->live[2].counter: the kernel's "
		       "struct in has no member 'counter' (but 'countr', 'counted'), expected one",
		       EXISTS_HINT("bpf_core_field_exists()"));
}
END_TEST

START_TEST(member_of_another_kind)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));
	uint32_t ki = number(&k), page = build_type(&k, BTF_KIND_STRUCT, "page", 0), p;

	p = build_type(&k, BTF_KIND_CONST, NULL, page);
	p = build_type(&k, BTF_KIND_PTR, NULL, build_type(&k, BTF_KIND_PTR, NULL, p));
	one_member(&k, BTF_KIND_STRUCT, "s", "x", build_array(&k, p, ki, 4));
	ck_assert_uint_eq(answer(s, "1:0", BPF_CORE_FIELD_BYTE_OFFSET, 20), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p[1].x: the kernel's struct s has a "
		       "member 'x' of another kind: got const struct page **[4], expected int",
		       EXISTS_HINT("bpf_core_field_exists()"));
}
END_TEST

START_TEST(element_that_is_not_there)
{
	uint32_t li = number(&l), ki = number(&k);
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "a", build_array(&l, li, li, 8));

	one_member(&k, BTF_KIND_STRUCT, "s", "a", build_array(&k, ki, ki, 4));
	ck_assert_uint_eq(answer(s, "0:0:6", BPF_CORE_FIELD_BYTE_OFFSET, 28), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->a[6]: the kernel's int[4] has no "
		       "element 6, expected one", EXISTS_HINT("bpf_core_field_exists()"));
}
END_TEST

START_TEST(enumerator_that_is_not_there)
{
	uint32_t e = build_type(&l, BTF_KIND_ENUM, "state", 4);

	build_value(&l, "RUNNING", 1);
	build_type(&k, BTF_KIND_ENUM, "state", 4);
	build_value(&k, "STOPPED", 1);
	build_value(&k, "RUNING", 2);
	ck_assert_uint_eq(answer(e, "0", BPF_CORE_ENUMVAL_VALUE, 1), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: enum state: RUNNING: the kernel's enum state has no "
		       "enumerator 'RUNNING' (but 'RUNING'), expected one",
		       EXISTS_HINT("bpf_core_enum_value_exists()"));
}
END_TEST

START_TEST(members_of_a_module_are_its_own)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "s", "x", number(&l));
	uint32_t ki = number(&k);

	begin_module();
	one_member(&m, BTF_KIND_STRUCT, "s", "y", ki);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->x: the module's struct s has no "
		       "member 'x' (but 'y'), expected one", EXISTS_HINT("bpf_core_field_exists()"));
}
END_TEST

START_TEST(signed_field_of_another_size)
{
	build_field(4, BTF_INT_SIGNED, 8, BTF_INT_SIGNED);
	ck_assert_uint_eq(access_code(BPF_LDX | BPF_MEM | BPF_W, 0), 0);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->x: the kernel has it in 8 bytes: got "
		       "ki, expected li or another unsigned integer", "BPF_CORE_READ_BITFIELD()");
}
END_TEST

START_TEST(bit_field_that_no_load_gets_at)
{
	uint32_t li = build_int(&l, "u64", 8, 0), ki = build_int(&k, "u64", 8, 0), s;

	s = build_type(&l, BTF_KIND_STRUCT, "s", 16);
	build_member(&l, "x", li, 0);
	build_type(&k, BTF_KIND_STRUCT, "s", 16);
	build_kflag(&k);
	build_member(&k, "x", ki, 9u << 24 | 60);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_SIZE, 8), UNRESOLVED);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->x: got a field that no load of 1, 2, "
		       "4 or 8 bytes gets at, expected one that some does", "bpf_probe_read_kernel()");
}
END_TEST

START_TEST(offsets_beyond_2_gigabytes_do_not_fit_a_constant)
{
	uint32_t li = build_int(&l, "char", 1, 0), ki = build_int(&k, "char", 1, 0), s;
	struct bpf_insn none = { 0 };

	s = one_member(&l, BTF_KIND_STRUCT, "s", "x", li);
	build_type(&k, BTF_KIND_STRUCT, "s", 0xc0000000);
	build_member(&k, "x", ki, 0);
	ck_assert_int_eq(relocate(INSN_ADD_IMM(1, 32), none, s, "2", BPF_CORE_FIELD_BYTE_OFFSET), 0);
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p[2]: the answer does not fit into the "
		       "instruction: got 6442450944, expected at most 2147483647",
		       "bpf_probe_read_kernel()");
}
END_TEST

START_TEST(programs_without_source_lines_are_told_by_instruction)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "gone", "x", number(&l));

	number(&k);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	prog.lines.len = 0;
	ck_assert_int_eq(core_check(&prog, 1, &local, &targets, &err), -1);
	ck_assert_int_eq(strncmp(err.message, "program 'p': instruction 0: struct gone *p", 42), 0);
	ck_assert_str_eq(err.detail, "");
}
END_TEST

START_TEST(what_is_resolved_or_not_to_be_loaded_is_no_error)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "gone", "x", number(&l));

	number(&k);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_EXISTS, 1), 0);
	ck_assert_int_eq(core_check(&prog, 1, &local, &targets, &err), 0);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
	prog.autoload = false;
	ck_assert_int_eq(core_check(&prog, 1, &local, &targets, &err), 0);
}
END_TEST

/* ---- types of the target that have a flavour ---- */

START_TEST(a_flavour_of_the_targets_type_does_not_count)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, _i ? "conn___init" : "conn", "x", number(&l));
	uint32_t ki = number(&k);

	one_member(&k, BTF_KIND_STRUCT, "conn", "y", ki);
	one_member(&k, BTF_KIND_STRUCT, "connection___init", "x", ki);
	build_type(&k, BTF_KIND_STRUCT, "conn___init", 16);
	build_member(&k, "x", ki, 64);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), 8);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_EXISTS, 1), 1);
}
END_TEST

START_TEST(typedefs_of_the_target_may_have_a_flavour)
{
	uint32_t root = build_root(&l, BTF_KIND_TYPEDEF, "lock_t");

	build_root(&k, BTF_KIND_TYPEDEF, "lock_t___raw");
	ck_assert_uint_eq(answer(root, "0", BPF_CORE_TYPE_SIZE, 8), 8);
}
END_TEST

START_TEST(types_of_the_plain_name_are_asked_before_flavoured_ones)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "conn", "x", number(&l));
	uint32_t ki = number(&k), id;

	build_type(&k, BTF_KIND_STRUCT, "conn___init", 32);
	build_member(&k, "x", ki, 64);
	id = one_member(&k, BTF_KIND_STRUCT, "conn", "x", ki);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), 4);
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_SIZE, 16), 16);
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_ID_TARGET, 1), id);
}
END_TEST

START_TEST(flavoured_types_that_differ_are_ambiguous)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "conn", "x", number(&l));
	uint32_t ki = number(&k);

	one_member(&k, BTF_KIND_STRUCT, "conn___a", "x", ki);
	build_type(&k, BTF_KIND_STRUCT, "conn___b", 32);
	build_member(&k, "x", ki, 64);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 4), UNRESOLVED);
}
END_TEST

/* Three underscores, no more; something before and behind them; the last ones count. */
static const char *const not_flavours[] = { "conn____x", "conn___", "conn__x", "conn___a___b" };

START_TEST(what_only_looks_like_a_flavour_is_none)
{
	uint32_t s = one_member(&l, BTF_KIND_STRUCT, "conn", "x", number(&l));

	one_member(&k, BTF_KIND_STRUCT, not_flavours[_i], "x", number(&k));
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_EXISTS, 1), 0);
}
END_TEST

/* The separator at every place in the words of eight characters that names are looked at by. */
START_TEST(flavours_are_found_wherever_they_begin)
{
	char plain[40] = "", full[64];
	uint32_t s;

	memset(plain, 'n', _i + 1);
	snprintf(full, sizeof(full), "%s___v", plain);
	s = one_member(&l, BTF_KIND_STRUCT, plain, "x", number(&l));
	one_member(&k, BTF_KIND_STRUCT, full, "x", number(&k));
	ck_assert_uint_eq(answer(s, "0", BPF_CORE_TYPE_EXISTS, 1), 1);
}
END_TEST

/* ---- bit fields that are loaded without asking where they are ---- */

/* A struct of one member of so many bits (0: no bit field) from that bit on. */
static uint32_t bit_field(struct builder *b, uint32_t type, uint32_t bits, uint32_t at)
{
	uint32_t s = build_type(b, BTF_KIND_STRUCT, "s", 16);

	build_kflag(b);
	build_member(b, "x", type, bits << 24 | at);
	return s;
}

/* Of a load of 4 bytes, where the local field is bits 3 to 7 of byte 0. */
static bool bits_are_loaded(uint32_t type, uint32_t bits, uint32_t at)
{
	struct bpf_insn none = { 0 };
	uint32_t s = bit_field(&l, build_int(&l, "unsigned int", 4, 0), 5, 3);

	bit_field(&k, type, bits, at);
	ck_assert_msg(!relocate(INSN_LOAD(BPF_W, 1, 2, 0), none, s, "0:0",
				BPF_CORE_FIELD_BYTE_OFFSET), "%s", err.message);
	return !prog.relos.len;
}

START_TEST(a_load_of_a_bit_field_moves_by_whole_words)
{
	ck_assert(bits_are_loaded(build_int(&k, "unsigned int", 4, 0), 5, 67));
	ck_assert_int_eq(code[0].off, 8);
}
END_TEST

START_TEST(a_load_of_a_bit_field_cannot_take_other_bits)
{
	ck_assert(!bits_are_loaded(build_int(&k, "unsigned int", 4, 0), _i ? 4 : 5, _i ? 67 : 68));
	expect_missing(_i ? "program 'p': prog.bpf.c:12: struct s *p: p->x: the kernel has it in other "
			    "bits: got unsigned int : 4 from bit 3 on, expected unsigned int : 5 from "
			    "bit 3 on" :
			    "program 'p': prog.bpf.c:12: struct s *p: p->x: the kernel has it in other "
			    "bits: got unsigned int : 5 from bit 4 on, expected unsigned int : 5 from "
			    "bit 3 on", "BPF_CORE_READ_BITFIELD()");
}
END_TEST

START_TEST(a_load_of_a_bit_field_cannot_take_a_whole_integer)
{
	ck_assert(!bits_are_loaded(build_int(&k, "unsigned int", 4, 0), 0, 64));
	expect_missing("program 'p': prog.bpf.c:12: struct s *p: p->x: the kernel has it in other bits: "
		       "got unsigned int, expected unsigned int : 5 from bit 3 on",
		       "BPF_CORE_READ_BITFIELD()");
}
END_TEST

START_TEST(an_offset_that_is_asked_for_may_be_of_any_bits)
{
	uint32_t s = bit_field(&l, build_int(&l, "unsigned int", 4, 0), 5, 3);

	bit_field(&k, build_int(&k, "unsigned int", 4, 0), 0, 64);
	ck_assert_uint_eq(answer(s, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 0), 8);
}
END_TEST

START_TEST(only_loads_mind_that_types_have_a_field_in_other_sizes)
{
	struct bpf_insn none = { 0 };

	build_field(4, 0, 2, 0);
	one_member(&k, BTF_KIND_STRUCT, "s", "x", build_int(&k, "more", 8, 0));
	ck_assert_uint_eq(answer(local_struct, "0:0", BPF_CORE_FIELD_BYTE_OFFSET, 0), 4);
	ck_assert_int_eq(relocate(INSN_LOAD(BPF_W, 1, 2, 0), none, local_struct, "0:0",
				  BPF_CORE_FIELD_BYTE_OFFSET), 0);
	ck_assert_uint_eq(prog.relos.len, 1);
}
END_TEST

START_TEST(only_an_array_at_the_end_may_be_overstepped)
{
	uint32_t li = number(&l), ki = number(&k), a = build_array(&k, ki, ki, _i % 2), s;

	s = one_member(&l, BTF_KIND_STRUCT, "s", "a", build_array(&l, li, li, 8));
	one_member(&k, BTF_KIND_STRUCT, "s", "a", a);
	if (_i >= 2)
		build_member(&k, "b", ki, 64);
	ck_assert_uint_eq(answer(s, "0:0:3", BPF_CORE_FIELD_BYTE_OFFSET, 16),
			  _i >= 2 ? UNRESOLVED : 16);
}
END_TEST

Suite *core_targets_suite(void)
{
	Suite *suite = suite_create("core_targets");
	TCase *tc = tcase_create("core_targets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, types_of_every_kind_are_found_by_kind_and_name, 0, 6);
	tcase_add_test(tc, functions_agree_where_their_arguments_do);
	tcase_add_test(tc, integers_match_by_size_and_sign_whatever_they_are_called);
	tcase_add_loop_test(tc, integers_of_another_size_or_sign_do_not_match, 0, 2);
	tcase_add_test(tc, members_match_by_name_in_any_order);
	tcase_add_loop_test(tc, a_member_that_is_not_there_or_of_another_kind_does_not_match, 0, 2);
	tcase_add_test(tc, one_of_several_types_of_the_name_that_matches_is_enough);
	tcase_add_loop_test(tc, behind_pointers_name_and_kind_are_enough, 0, 4);
	tcase_add_loop_test(tc, a_declaration_stands_for_the_type_behind_a_pointer, 0, 2);
	tcase_add_loop_test(tc, void_matches_only_void, 0, 2);
	tcase_add_loop_test(tc, structs_inside_match_member_by_member, 0, 2);
	tcase_add_loop_test(tc, arrays_match_by_length_and_element, 0, 2);
	tcase_add_loop_test(tc, floats_match_by_size, 0, 2);
	tcase_add_loop_test(tc, enums_match_by_their_enumerators_names_and_size, 0, 3);
	tcase_add_test(tc, nested_types_are_compared_once);
	tcase_add_test(tc, a_struct_that_holds_itself_matches_nothing);
	tcase_add_test(tc, unsigned_loads_and_stores_take_the_new_size);
	tcase_add_test(tc, a_negative_constant_cannot_be_stored_in_more_bytes);
	tcase_add_loop_test(tc, sign_extending_loads_take_the_new_size_of_signed_fields, 0, 2);
	tcase_add_test(tc, sign_extending_loads_do_not_take_unsigned_fields_of_another_size);
	tcase_add_test(tc, sign_extending_loads_move);
	tcase_add_loop_test(tc, atomics_have_no_sizes_below_four, 0, 2);
	tcase_add_test(tc, an_array_is_accessed_by_the_element);
	tcase_add_test(tc, constants_have_32_bits);
	tcase_add_test(tc, negative_enumerators_stay_negative);
	tcase_add_test(tc, wide_enumerators_are_answered_in_full);
	tcase_add_loop_test(tc, signed_enums_say_so, 0, 2);
	tcase_add_test(tc, modules_are_asked_for_what_the_kernel_has_not);
	tcase_add_test(tc, modules_are_not_opened_where_the_kernel_has_the_type);
	tcase_add_test(tc, a_module_that_cannot_be_read_is_an_error);
	tcase_add_test(tc, type_that_is_not_there);
	tcase_add_test(tc, type_of_another_kind);
	tcase_add_test(tc, member_that_is_not_there);
	tcase_add_test(tc, member_of_another_kind);
	tcase_add_test(tc, element_that_is_not_there);
	tcase_add_test(tc, enumerator_that_is_not_there);
	tcase_add_test(tc, members_of_a_module_are_its_own);
	tcase_add_test(tc, signed_field_of_another_size);
	tcase_add_test(tc, bit_field_that_no_load_gets_at);
	tcase_add_test(tc, offsets_beyond_2_gigabytes_do_not_fit_a_constant);
	tcase_add_test(tc, programs_without_source_lines_are_told_by_instruction);
	tcase_add_test(tc, what_is_resolved_or_not_to_be_loaded_is_no_error);
	tcase_add_loop_test(tc, a_flavour_of_the_targets_type_does_not_count, 0, 2);
	tcase_add_test(tc, typedefs_of_the_target_may_have_a_flavour);
	tcase_add_test(tc, types_of_the_plain_name_are_asked_before_flavoured_ones);
	tcase_add_test(tc, flavoured_types_that_differ_are_ambiguous);
	tcase_add_loop_test(tc, what_only_looks_like_a_flavour_is_none, 0,
			    sizeof(not_flavours) / sizeof(not_flavours[0]));
	tcase_add_loop_test(tc, flavours_are_found_wherever_they_begin, 0, 20);
	tcase_add_test(tc, a_load_of_a_bit_field_moves_by_whole_words);
	tcase_add_loop_test(tc, a_load_of_a_bit_field_cannot_take_other_bits, 0, 2);
	tcase_add_test(tc, a_load_of_a_bit_field_cannot_take_a_whole_integer);
	tcase_add_test(tc, an_offset_that_is_asked_for_may_be_of_any_bits);
	tcase_add_test(tc, only_loads_mind_that_types_have_a_field_in_other_sizes);
	tcase_add_loop_test(tc, only_an_array_at_the_end_may_be_overstepped, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
