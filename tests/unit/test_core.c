// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "btf/core.h"
#include "loader/object.h"
#include "tests/unit/btf_builder.h"

Suite *core_suite(void);

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static struct object obj;
static struct builder b;
static struct btf target;
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

static void open_object(void)
{
	const char *path = FIXTURES "/core.bpf.o";
	FILE *f = fopen(path, "rb");
	static char file[65536];
	size_t size;

	ck_assert_msg(f != NULL, "%s is missing", path);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	ck_assert_msg(!object_init(&obj, "core", file, size, &err), "%s", err.message);
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
		return snprintf(text, size, "=%llx wide\n", (unsigned long long)(uint32_t)insn[1].imm
				<< 32 | (uint32_t)insn->imm);
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
	ck_assert_str_eq(relocate("load"), "");
}
END_TEST

Suite *core_suite(void)
{
	Suite *s = suite_create("core");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, loads_find_fields_by_name);
	suite_add_tcase(s, tc);
	return s;
}
