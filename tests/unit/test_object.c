// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/lower.h"
#include "loader/load.h"

Suite *object_suite(void);

static struct object obj;
static struct error err;
static uint8_t *file;
static size_t file_size;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	error_clear(&err);
}

static void teardown(void)
{
	object_fini(&obj);
	free(file);
	file = NULL;
}

/* tests/fixtures/NAME.bpf.c, compiled. */
static void read_fixture(const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s is missing", path);
	fseek(f, 0, SEEK_END);
	file_size = ftell(f);
	rewind(f);
	free(file);
	file = malloc(file_size);
	ck_assert_uint_eq(fread(file, 1, file_size, f), file_size);
	fclose(f);
}

static void open_fixture(const char *name)
{
	read_fixture(name);
	ck_assert_msg(!object_init(&obj, name, file, file_size, &err), "%s", err.message);
	/* Nothing may point into the file any longer. */
	memset(file, 0xa5, file_size);
}

static void expect_failure(enum error_code code, const char *message)
{
	ck_assert_int_eq(object_init(&obj, "obj", file, file_size, &err), -1);
	ck_assert_msg(err.code == code && !strncmp(err.message, "obj: ", 5) &&
		      strstr(err.message, message), "got %d '%s', expected %d '%s'", err.code,
		      err.message, code, message);
	ck_assert_ptr_null(obj.programs.at);
	ck_assert_ptr_null(obj.maps.at);
	ck_assert_ptr_null(obj.strings);
	ck_assert_ptr_null(obj.image);
}

/* ---- what is in the object fixture ---- */

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* Name of the function that starts at an instruction. */
static const char *func_at(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->funcs.len; i++)
		if (prog->funcs.at[i].insn == insn)
			return prog->funcs.at[i].name;
	return "(none)";
}

/* The function that an instruction is in. */
static const char *func_of(const struct program *prog, uint32_t insn)
{
	const char *name = "(none)";

	for (size_t i = 0; i < prog->funcs.len; i++)
		if (prog->funcs.at[i].insn <= insn)
			name = prog->funcs.at[i].name;
	return name;
}

/* "caller>callee " for every call. */
static const char *calls_of(const struct program *prog)
{
	static char text[512];
	size_t len = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < prog->insns.len; i += 1 + is_wide(&prog->insns.at[i]))
		if (is_call(&prog->insns.at[i]))
			len += snprintf(text + len, sizeof(text) - len, "%s>%s ", func_of(prog, i),
					func_at(prog, i + 1 + prog->insns.at[i].imm));
	return text;
}

static const char *funcs_of(const struct program *prog)
{
	static char text[512];
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < prog->funcs.len; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s ", prog->funcs.at[i].name);
	return text;
}

/* "function:map+offset " for every reference to data and maps, in order. */
static const char *refs_of(const struct program *prog)
{
	static char text[1024];
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < prog->refs.len; i++) {
		const struct ref *ref = &prog->refs.at[i];

		ck_assert(is_wide(&prog->insns.at[ref->insn]));
		ck_assert(i == 0 || ref->insn > prog->refs.at[i - 1].insn);
		len += snprintf(text + len, sizeof(text) - len, "%s:", func_of(prog, ref->insn));
		if (ref->kind == REF_FUNC)
			len += snprintf(text + len, sizeof(text) - len, "&%s ",
					func_at(prog, ref->target));
		else if (ref->kind == REF_MAP)
			len += snprintf(text + len, sizeof(text) - len, "%s ",
					obj.maps.at[ref->target].name);
		else
			len += snprintf(text + len, sizeof(text) - len, "%s+%u ",
					obj.maps.at[ref->target].name, ref->offset);
	}
	return text;
}

START_TEST(programs_keep_names_and_sections)
{
	open_fixture("object");
	ck_assert_uint_eq(obj.programs.len, 3);
	ck_assert_str_eq(obj.programs.at[0].name, "first");
	ck_assert_str_eq(obj.programs.at[0].section, "tracepoint/one/first");
	ck_assert_str_eq(obj.programs.at[1].name, "second");
	ck_assert_str_eq(obj.programs.at[1].section, "tracepoint/two/both");
	ck_assert_str_eq(obj.programs.at[2].name, "third");
	ck_assert_str_eq(obj.programs.at[2].section, "tracepoint/two/both");
	ck_assert(obj.programs.at[2].autoload);
	ck_assert_str_eq(obj.license, "Dual MIT/GPL");
	ck_assert_ptr_eq(object_program(&obj, "second"), &obj.programs.at[1]);
	ck_assert_ptr_null(object_program(&obj, "leaf"));
}
END_TEST

START_TEST(subprograms_follow_once_each_and_only_where_reached)
{
	open_fixture("object");
	ck_assert_str_eq(funcs_of(object_program(&obj, "first")),
			 "first branch unused_by_second leaf ");
	ck_assert_str_eq(funcs_of(object_program(&obj, "second")), "second each branch leaf ");
	ck_assert_str_eq(funcs_of(object_program(&obj, "third")), "third beside ");
	ck_assert_uint_eq(object_program(&obj, "first")->funcs.at[0].insn, 0);
}
END_TEST

START_TEST(calls_lead_to_their_functions)
{
	open_fixture("object");
	ck_assert_str_eq(calls_of(object_program(&obj, "first")),
			 "first>branch first>unused_by_second branch>leaf branch>leaf ");
	ck_assert_str_eq(calls_of(object_program(&obj, "second")),
			 "second>branch each>leaf branch>leaf branch>leaf ");
	ck_assert_str_eq(calls_of(object_program(&obj, "third")), "third>beside third>beside ");
}
END_TEST

START_TEST(references_name_map_variable_and_function)
{
	uint32_t map, more, start, total, size;
	char text[256];

	open_fixture("object");
	ck_assert_int_eq(object_global_find(&obj, "more", &map, &more, &size), 0);
	ck_assert_int_eq(object_global_find(&obj, "total", &map, &total, &size), 0);
	ck_assert_int_eq(object_global_find(&obj, "start", &map, &start, &size), 0);
	ck_assert_str_eq(refs_of(object_program(&obj, "third")),
			 "third:sizes third:ring beside:.rodata+0 ");
	snprintf(text, sizeof(text), "second:table second:&each each:.bss+%u each:.bss+40 "
		 "branch:.bss+%u leaf:.bss+40 leaf:.data+8 ", total, more);
	ck_assert_str_eq(refs_of(object_program(&obj, "second")), text);
}
END_TEST

START_TEST(referring_instructions_are_blank)
{
	open_fixture("object");
	for (size_t p = 0; p < obj.programs.len; p++)
		for (size_t i = 0; i < obj.programs.at[p].refs.len; i++) {
			const struct bpf_insn *insn =
				&obj.programs.at[p].insns.at[obj.programs.at[p].refs.at[i].insn];

			ck_assert(!insn[0].imm && !insn[1].imm && !insn[0].src_reg);
		}
}
END_TEST

START_TEST(maps_are_as_defined)
{
	struct map *m;

	open_fixture("object");
	ck_assert_uint_eq(obj.maps.len, 6);
	m = object_map(&obj, "table");
	ck_assert_uint_eq(m->type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(m->key_size, 4);
	ck_assert_uint_eq(m->value_size, 32);
	ck_assert_uint_eq(m->max_entries, 64);
	ck_assert_uint_eq(m->flags, 1);
	ck_assert_int_eq(m->role, MAP_PLAIN);
	ck_assert_ptr_null(m->data);
	ck_assert_int_eq(btf_size(&obj.btf, m->key_type_id), 4);
	ck_assert_int_eq(btf_size(&obj.btf, m->value_type_id), 32);
	m = object_map(&obj, "ring");
	ck_assert_uint_eq(m->type, BPF_MAP_TYPE_RINGBUF);
	ck_assert_uint_eq(m->key_size, 0);
	ck_assert_uint_eq(m->max_entries, 4096);
	m = object_map(&obj, "sizes");
	ck_assert_uint_eq(m->key_size, 4);
	ck_assert_uint_eq(m->value_size, 40);
	ck_assert_uint_eq(m->value_type_id, 0);
	ck_assert_ptr_null(object_map(&obj, "none"));
}
END_TEST

static const struct {
	const char *name;
	enum map_role role;
	uint32_t size, flags;
} data_maps[] = {
	{ ".rodata", MAP_RODATA, 16, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG },
	{ ".data", MAP_DATA, 12, BPF_F_MMAPABLE },
	{ ".bss", MAP_BSS, 44, BPF_F_MMAPABLE },
};

START_TEST(data_sections_are_maps_of_one_value)
{
	struct map *m;

	open_fixture("object");
	m = object_map(&obj, data_maps[_i].name);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->role, data_maps[_i].role);
	ck_assert_uint_eq(m->type, BPF_MAP_TYPE_ARRAY);
	ck_assert_uint_eq(m->key_size, 4);
	ck_assert_uint_eq(m->value_size, data_maps[_i].size);
	ck_assert_uint_eq(m->max_entries, 1);
	ck_assert_uint_eq(m->flags, data_maps[_i].flags);
	ck_assert_uint_eq(m->value_type_id,
			  btf_find(&obj.btf, data_maps[_i].name, BTF_KIND_DATASEC));
	ck_assert_uint_ne(m->value_type_id, 0);
}
END_TEST

START_TEST(globals_are_found_with_their_values)
{
	size_t size;
	uint32_t *u32, map, offset, len;
	uint64_t *u64;

	open_fixture("object");
	u32 = object_global(&obj, "limit", &size);
	ck_assert_uint_eq(*u32, 7);
	ck_assert_uint_eq(size, 4);
	u64 = object_global(&obj, "mask", &size);
	ck_assert_uint_eq(*u64, 0x1122334455667788);
	ck_assert_uint_eq(size, 8);
	u32 = object_global(&obj, "start", NULL);
	ck_assert_uint_eq(*u32, 41);
	/* Statics are placed by relocations of .BTF against their section. */
	u32 = object_global(&obj, "hidden_two", NULL);
	ck_assert_uint_eq(*u32, 6);
	u64 = object_global(&obj, "more", &size);
	ck_assert_uint_eq(u64[3], 0);
	ck_assert_uint_eq(size, 32);
	ck_assert_int_eq(object_global_find(&obj, "hits", &map, &offset, &len), 0);
	ck_assert_str_eq(obj.maps.at[map].name, ".bss");
	ck_assert_uint_eq(offset, 40);
	ck_assert_ptr_null(object_global(&obj, "table", &size));
	ck_assert_ptr_null(object_global(&obj, "nothing", &size));
	ck_assert_int_eq(object_global_find(&obj, "nothing", &map, &offset, &len), -1);
}
END_TEST

START_TEST(btf_of_sections_is_complete_and_sorted)
{
	const char *names[] = { ".rodata", ".data", ".bss", ".maps", "license" };
	uint32_t sizes[] = { 16, 12, 44, 40 + 16 + 40, 13 };

	open_fixture("object");
	for (size_t n = 0; n < 5; n++) {
		const struct btf_type *t =
			btf_type(&obj.btf, btf_find(&obj.btf, names[n], BTF_KIND_DATASEC));
		const struct btf_var_secinfo *v = btf_extra(t);

		ck_assert_msg(t->size == sizes[n], "%s: got %u", names[n], t->size);
		for (uint32_t i = 1; i < btf_vlen(t); i++)
			ck_assert_uint_ge(v[i].offset, v[i - 1].offset + v[i - 1].size);
	}
}
END_TEST

START_TEST(info_follows_the_code)
{
	open_fixture("object");
	for (size_t p = 0; p < obj.programs.len; p++) {
		const struct program *prog = &obj.programs.at[p];
		const char *file_name;
		uint32_t last = 0;

		for (size_t i = 0; i < prog->funcs.len; i++) {
			const struct btf_type *t = btf_type(&obj.btf, prog->funcs.at[i].type_id);
			bool has_line = false;

			ck_assert_ptr_nonnull(t);
			ck_assert_str_eq(btf_string(&obj.btf, t->name_off), prog->funcs.at[i].name);
			for (size_t n = 0; n < prog->lines.len; n++)
				has_line |= prog->lines.at[n].insn == prog->funcs.at[i].insn;
			ck_assert_msg(has_line, "%s has no line", prog->funcs.at[i].name);
		}
		for (size_t n = 0; n < prog->lines.len; n++) {
			ck_assert(n == 0 || prog->lines.at[n].insn > last);
			last = prog->lines.at[n].insn;
			ck_assert_uint_lt(last, prog->insns.len);
			file_name = btf_string(&obj.btf, prog->lines.at[n].file_off);
			ck_assert_ptr_nonnull(strstr(file_name, "object.bpf.c"));
		}
	}
}
END_TEST

/* A line of "leaf" must say the same in both programs that hold a copy. */
START_TEST(copied_functions_keep_their_lines)
{
	const char *text[2] = { NULL, NULL };
	const char *names[] = { "first", "second" };

	open_fixture("object");
	for (int p = 0; p < 2; p++) {
		const struct program *prog = object_program(&obj, names[p]);

		for (size_t n = 0; n < prog->lines.len; n++)
			if (!strcmp(func_at(prog, prog->lines.at[n].insn), "leaf"))
				text[p] = btf_string(&obj.btf, prog->lines.at[n].line_off);
	}
	ck_assert_ptr_nonnull(text[0]);
	ck_assert_ptr_nonnull(strstr(text[0], "hits++"));
	ck_assert_ptr_eq(text[0], text[1]);
}
END_TEST

START_TEST(relocations_lie_on_instructions_of_their_program)
{
	size_t seen = 0;

	open_fixture("core");
	for (size_t p = 0; p < obj.programs.len; p++) {
		const struct program *prog = &obj.programs.at[p];

		for (size_t i = 0; i < prog->relos.len; i++, seen++) {
			ck_assert_uint_lt(prog->relos.at[i].insn, prog->insns.len);
			ck_assert_ptr_nonnull(btf_type(&obj.btf, prog->relos.at[i].type_id));
		}
	}
	ck_assert_uint_gt(seen, 25);
}
END_TEST

START_TEST(what_is_called_where_a_program_throws_is_linked_and_kept)
{
	const struct program *prog;

	open_fixture("throws");
	prog = object_program(&obj, "thrower");
	ck_assert_str_eq(funcs_of(prog), "thrower caught ");
	ck_assert(!prog->funcs.at[0].is_callback);
	ck_assert(prog->funcs.at[1].is_callback);
	ck_assert_msg(!fold(&obj, &err), "%s", err.message);
	ck_assert_str_eq(funcs_of(prog), "thrower caught ");
}
END_TEST

START_TEST(object_without_maps_and_license_is_fine)
{
	open_fixture("plain");
	ck_assert_str_eq(obj.license, "");
	ck_assert_uint_eq(obj.maps.len, 0);
	ck_assert_uint_eq(obj.programs.len, 1);
	ck_assert_uint_eq(obj.programs.at[0].insns.len, 2);
}
END_TEST

START_TEST(added_map_is_found_by_its_own_name)
{
	char name[] = ".scratch";
	struct map *m;

	open_fixture("object");
	m = object_add_map(&obj, name);
	ck_assert_ptr_nonnull(m);
	m->type = BPF_MAP_TYPE_PERCPU_ARRAY;
	name[1] = 'X';
	ck_assert_ptr_eq(object_map(&obj, ".scratch"), m);
	ck_assert_uint_eq(object_map(&obj, ".scratch")->type, BPF_MAP_TYPE_PERCPU_ARRAY);
	ck_assert_int_eq(m->role, MAP_PLAIN);
	ck_assert_ptr_null(m->data);
}
END_TEST

/* ---- places in the file ---- */

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)file;
}

static Elf64_Shdr *section_header(unsigned int index)
{
	return (Elf64_Shdr *)(file + header()->e_shoff) + index;
}

static Elf64_Shdr *section(const char *name)
{
	const char *names = (char *)file + section_header(header()->e_shstrndx)->sh_offset;

	for (unsigned int i = 0; i < header()->e_shnum; i++)
		if (!strcmp(names + section_header(i)->sh_name, name))
			return section_header(i);
	ck_abort_msg("no section %s", name);
	return NULL;
}

static void *contents(const char *name)
{
	return file + section(name)->sh_offset;
}

static Elf64_Sym *symbol(const char *name)
{
	Elf64_Shdr *table = section(".symtab");
	Elf64_Sym *syms = contents(".symtab");
	const char *names = (char *)file + section_header(table->sh_link)->sh_offset;

	for (size_t i = 0; i < table->sh_size / sizeof(*syms); i++)
		if (!strcmp(names + syms[i].st_name, name))
			return &syms[i];
	ck_abort_msg("no symbol %s", name);
	return NULL;
}

/* ---- objects that cannot be had ---- */

static const struct {
	const char *fixture, *message;
	enum error_code code;
} refused[] = {
	{ "undefined", "section 'socket': function 'probe': instruction 0: symbol 'elsewhere': got an "
	  "extern one, expected it to be defined in the object", ERROR_UNSUPPORTED },
	{ "attribute", "map 'odd': colour: got an attribute that is not known, expected type, key, "
	  "value, values", ERROR_UNSUPPORTED },
};

/* The object can be read all the same; nothing is asked of the kernel before it is refused. */
static void expect_unloadable(enum error_code code, const char *message)
{
	struct load_options options = { 0 };
	struct loaded loaded;

	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_int_eq(err.code, ERROR_NONE);
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_msg(err.code == code && !strncmp(err.message, "obj: ", 5) &&
		      strstr(err.message, message), "got %d '%s', expected %d '%s'", err.code,
		      err.message, code, message);
	ck_assert_ptr_null(loaded.map_fds);
}

START_TEST(what_cannot_be_loaded_is_read_and_named_when_loading)
{
	read_fixture(refused[_i].fixture);
	expect_unloadable(refused[_i].code, refused[_i].message);
}
END_TEST

START_TEST(addresses_in_globals_are_kept)
{
	const struct map *data;
	uint32_t map, offset, size;

	read_fixture("pointer");
	ck_assert_int_eq(object_init(&obj, "obj", file, file_size, &err), 0);
	ck_assert_int_eq(object_global_find(&obj, "pointer", &map, &offset, &size), 0);
	data = &obj.maps.at[map];
	ck_assert_uint_eq(data->addresses.len, 1);
	ck_assert_uint_eq(data->addresses.at[0], offset);
}
END_TEST

START_TEST(pinning_is_kept)
{
	read_fixture("pinned");
	ck_assert_int_eq(object_init(&obj, "obj", file, file_size, &err), 0);
	ck_assert_uint_eq(object_map(&obj, "shared")->pinning, 1);
	ck_assert_int_eq(object_loadable(&obj, &err), 0);
}
END_TEST

static void open_holders(void)
{
	read_fixture("holders");
	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_uint_eq(obj.obstacles.len, 0);
}

START_TEST(map_of_maps_has_a_template_and_what_is_in_it)
{
	const struct map *outer, *inner;

	open_holders();
	outer = object_map(&obj, "outer");
	ck_assert_uint_eq(outer->type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	ck_assert_uint_eq(outer->key_size, 4);
	ck_assert_uint_eq(outer->value_size, 4);
	ck_assert_uint_ne(outer->inner, 0);
	inner = &obj.maps.at[outer->inner - 1];
	ck_assert_str_eq(inner->name, "outer.inner");
	ck_assert(inner->is_template);
	ck_assert_uint_eq(inner->type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(inner->max_entries, 5);
	ck_assert_uint_eq(inner->value_size, 8);
	ck_assert_int_eq(btf_size(&obj.btf, inner->value_type_id), 8);
	ck_assert_uint_eq(outer->slots.len, 2);
	ck_assert_uint_eq(outer->slots.at[0].index, 1);
	ck_assert_str_eq(obj.maps.at[outer->slots.at[0].target].name, "one");
	ck_assert_uint_eq(outer->slots.at[1].index, 3);
	ck_assert_str_eq(obj.maps.at[outer->slots.at[1].target].name, "other");
	/* A static one is named by its section. */
	outer = object_map(&obj, "by_name");
	ck_assert_uint_eq(outer->type, BPF_MAP_TYPE_HASH_OF_MAPS);
	ck_assert_uint_eq(outer->slots.len, 1);
	ck_assert_uint_eq(outer->slots.at[0].index, 0);
	ck_assert_str_eq(obj.maps.at[outer->slots.at[0].target].name, "hidden");
}
END_TEST

START_TEST(map_of_programs_names_them)
{
	const struct map *calls;

	open_holders();
	calls = object_map(&obj, "calls");
	ck_assert_uint_eq(calls->type, BPF_MAP_TYPE_PROG_ARRAY);
	ck_assert_uint_eq(calls->value_size, 4);
	ck_assert_uint_eq(calls->inner, 0);
	ck_assert_uint_eq(calls->slots.len, 2);
	ck_assert_uint_eq(calls->slots.at[0].index, 0);
	ck_assert_str_eq(obj.programs.at[calls->slots.at[0].target].name, "second");
	ck_assert_uint_eq(calls->slots.at[1].index, 7);
	ck_assert_str_eq(obj.programs.at[calls->slots.at[1].target].name, "third");
}
END_TEST

START_TEST(attributes_of_all_widths_are_read)
{
	open_holders();
	ck_assert_uint_eq(object_map(&obj, "bloom")->extra, 3);
	ck_assert_uint_eq(object_map(&obj, "far")->extra, 1ull << 31);
	ck_assert_uint_eq(object_map(&obj, "near")->numa_node, 7);
	ck_assert_uint_eq(object_map(&obj, "near")->flags, BPF_F_NUMA_NODE);
}
END_TEST

START_TEST(slot_that_names_no_map_is_refused)
{
	read_fixture("holders");
	((uint8_t *)contents(".maps"))[((Elf64_Rel *)contents(".rel.maps"))->r_offset] = 8;
	expect_failure(ERROR_FORMAT, "map 'outer': value 1: got symbol 'one', expected a map of the "
		       "object");
}
END_TEST

START_TEST(slot_that_names_no_program_is_refused)
{
	read_fixture("holders");
	symbol("second")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
	expect_failure(ERROR_FORMAT, "map 'calls': value 0: got symbol 'second', expected a program "
		       "of the object");
}
END_TEST

START_TEST(address_beside_the_values_is_refused)
{
	Elf64_Rel *rel;

	read_fixture("holders");
	rel = contents(".rel.maps");
	rel->r_offset -= 16;
	expect_failure(ERROR_FORMAT, "section '.maps': got an address at byte ");
	ck_assert_ptr_nonnull(strstr(err.message, "expected one among the values of a map"));
}
END_TEST

START_TEST(maps_of_the_old_form_are_read)
{
	const struct map *m;

	read_fixture("old_maps");
	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_uint_eq(obj.obstacles.len, 0);
	ck_assert_uint_eq(obj.maps.len, 3);
	m = object_map(&obj, "counts");
	ck_assert_uint_eq(m->type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(m->key_size, 4);
	ck_assert_uint_eq(m->value_size, 8);
	ck_assert_uint_eq(m->max_entries, 16);
	ck_assert_uint_eq(m->flags, BPF_F_NO_PREALLOC);
	ck_assert_int_eq(btf_size(&obj.btf, m->value_type_id), 8);
	/* Four words, and nine. */
	ck_assert_uint_eq(object_map(&obj, "shorter")->max_entries, 3);
	ck_assert_uint_eq(object_map(&obj, "longer")->flags, 0);
	ck_assert_uint_eq(obj.programs.at[0].refs.len, 3);
	ck_assert_str_eq(obj.maps.at[obj.programs.at[0].refs.at[0].target].name, "counts");
}
END_TEST

START_TEST(old_map_of_another_loader_is_named)
{
	read_fixture("old_maps");
	memset((char *)contents("maps") + symbol("longer")->st_value + 24, 2, 1);
	expect_failure(ERROR_UNSUPPORTED, "map 'longer': definition: got 2 in byte 24, expected 0");
}
END_TEST

START_TEST(external_variable_is_kept_with_its_section_and_type)
{
	const struct external *e;
	const struct ref *ref;

	read_fixture("extern");
	ck_assert_int_eq(object_init(&obj, "obj", file, file_size, &err), 0);
	ck_assert_uint_eq(obj.externals.len, 1);
	e = &obj.externals.at[0];
	ck_assert_str_eq(e->name, "CONFIG_HZ");
	ck_assert_str_eq(e->section, ".kconfig");
	ck_assert(!e->is_function);
	ck_assert_int_eq(btf_size(&obj.btf, e->type_id), 4);
	ck_assert_uint_eq(obj.programs.at[0].refs.len, 1);
	ref = &obj.programs.at[0].refs.at[0];
	ck_assert_int_eq(ref->kind, REF_VALUE);
	ck_assert_str_eq(obj.maps.at[ref->target].name, ".kconfig");
	ck_assert_int_eq(obj.maps.at[ref->target].role, MAP_KCONFIG);
	ck_assert_uint_eq(obj.maps.at[ref->target].value_size, 4);
	ck_assert_uint_eq(obj.maps.at[ref->target].flags, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	ck_assert_uint_eq(obj.obstacles.len, 0);
}
END_TEST

/* As bpftool links objects. */
START_TEST(variables_without_relocations_are_where_their_symbols_say)
{
	uint32_t map, offset, size;

	read_fixture("externs");
	section(".rel.BTF")->sh_type = SHT_NOTE;
	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_int_eq(object_global_find(&obj, "version", &map, &offset, &size), 0);
	ck_assert_uint_eq(offset, symbol("version")->st_value);
	ck_assert_int_eq(object_global_find(&obj, "queue", &map, &offset, &size), 0);
	ck_assert_uint_eq(offset, symbol("queue")->st_value);
	ck_assert_uint_ne(offset, 0);
}
END_TEST

START_TEST(externs_of_the_kernel_are_told_apart)
{
	const char *const names[] = { "CONFIG_HZ", "LINUX_KERNEL_VERSION", "CONFIG_NO_SUCH_THING",
				      "CONFIG_LOCALVERSION", "bpf_map_put", "no_such_symbol",
				      "bpf_task_acquire", "bpf_no_such_thing", "runqueues" };
	const struct external *e;
	uint32_t end = 0;

	read_fixture("externs");
	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_uint_eq(obj.obstacles.len, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		e = NULL;
		for (size_t n = 0; n < obj.externals.len; n++)
			if (!strcmp(obj.externals.at[n].name, names[i]))
				e = &obj.externals.at[n];
		ck_assert_msg(e && e->is_used, "%s", names[i]);
		ck_assert_int_eq(e->is_weak, strcasestr(names[i], "o_such_") != NULL || i == 8);
		ck_assert_int_eq(e->is_function, !strncmp(names[i], "bpf_task", 8) ||
						 !strncmp(names[i], "bpf_no", 6));
		ck_assert_int_eq(e->is_typeless, i == 4 || i == 5);
		ck_assert_int_eq(e->map != 0, i < 4);
		ck_assert_int_eq(e->state, EXTERNAL_UNKNOWN);
		end = e->map && e->offset > end ? e->offset : end;
	}
	ck_assert_uint_lt(end, object_map(&obj, ".kconfig")->value_size);
}
END_TEST

/* ---- damaged objects: one thing changed in a good one ---- */

START_TEST(empty_file_is_no_elf_file)
{
	read_fixture("plain");
	file_size = 0;
	expect_failure(ERROR_FORMAT, "not an ELF file: got 0 bytes");
	ck_assert_str_eq(err.hint, "compile the program with clang -target bpf -g -O2 -c");
}
END_TEST

START_TEST(text_is_no_elf_file)
{
	read_fixture("plain");
	memcpy(file, "#!/bin/sh", 9);
	expect_failure(ERROR_FORMAT, "not an ELF file: got ");
}
END_TEST

START_TEST(other_machine_is_named)
{
	read_fixture("plain");
	header()->e_machine = EM_X86_64;
	expect_failure(ERROR_FORMAT, "machine: got 62 (x86-64), expected 247 (BPF)");
}
END_TEST

START_TEST(other_class_is_named)
{
	read_fixture("plain");
	file[EI_CLASS] = ELFCLASS32;
	expect_failure(ERROR_FORMAT, "class: got 1, expected 2 (64 bit)");
}
END_TEST

START_TEST(other_byte_order_is_unsupported)
{
	read_fixture("plain");
	file[EI_DATA] = file[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	expect_failure(ERROR_UNSUPPORTED, "byte order: got ");
	ck_assert_ptr_nonnull(strstr(err.hint, "-target bpfe"));
}
END_TEST

START_TEST(executable_is_no_object)
{
	read_fixture("plain");
	header()->e_type = ET_EXEC;
	expect_failure(ERROR_FORMAT, "type: got 2, expected 1 (relocatable)");
}
END_TEST

START_TEST(missing_section_headers_are_named)
{
	read_fixture("plain");
	header()->e_shnum = 0;
	expect_failure(ERROR_FORMAT, "section headers: got 0 of 64 bytes");
}
END_TEST

START_TEST(cut_file_is_named)
{
	read_fixture("plain");
	file_size = header()->e_shoff + 64;
	expect_failure(ERROR_FORMAT, "the file is cut off or damaged");
}
END_TEST

START_TEST(section_outside_the_file_is_named)
{
	read_fixture("plain");
	section("tracepoint/a/b")->sh_offset = file_size - 8;
	expect_failure(ERROR_FORMAT, "got 16 bytes at ");
}
END_TEST

START_TEST(section_whose_end_overflows_is_named)
{
	read_fixture("plain");
	section("tracepoint/a/b")->sh_size = UINT64_MAX - 8;
	expect_failure(ERROR_FORMAT, "got 18446744073709551607 bytes at ");
}
END_TEST

START_TEST(overlapping_sections_are_named)
{
	read_fixture("plain");
	section(".BTF")->sh_offset = section("tracepoint/a/b")->sh_offset + 8;
	expect_failure(ERROR_FORMAT, "sections 'tracepoint/a/b' and '.BTF': got overlapping");
}
END_TEST

START_TEST(section_inside_the_header_is_named)
{
	read_fixture("plain");
	section("tracepoint/a/b")->sh_offset = 16;
	expect_failure(ERROR_FORMAT, "section 'tracepoint/a/b': got offset 16, inside the ELF "
		       "header");
}
END_TEST

START_TEST(function_without_instructions_is_named)
{
	read_fixture("plain");
	symbol("probe")->st_size = 0;
	expect_failure(ERROR_FORMAT, "section 'tracepoint/a/b': function 'probe': got no "
		       "instructions");
}
END_TEST

START_TEST(section_without_instructions_is_named)
{
	read_fixture("plain");
	section("tracepoint/a/b")->sh_size = 0;
	symbol("probe")->st_size = 0;
	expect_failure(ERROR_FORMAT, "section 'tracepoint/a/b': got 0 bytes of code");
}
END_TEST

START_TEST(function_of_broken_length_is_named)
{
	read_fixture("plain");
	symbol("probe")->st_size = 12;
	expect_failure(ERROR_FORMAT, "function 'probe': got 12 bytes at 0, expected multiples "
		       "of 8");
}
END_TEST

START_TEST(function_beyond_its_section_is_named)
{
	read_fixture("plain");
	symbol("probe")->st_size = 24;
	expect_failure(ERROR_FORMAT, "symbol 'probe': got 24 bytes at 0, expected them within "
		       "the 16");
}
END_TEST

START_TEST(overlapping_functions_are_named)
{
	read_fixture("object");
	symbol("second")->st_size += 8;
	expect_failure(ERROR_FORMAT, "functions 'second' and 'beside': got overlapping code");
}
END_TEST

START_TEST(symbol_of_no_section_is_named)
{
	read_fixture("plain");
	symbol("probe")->st_shndx = 999;
	expect_failure(ERROR_FORMAT, "symbol 'probe': got section 999, expected one below ");
}
END_TEST

START_TEST(reference_to_absolute_symbol_is_named)
{
	read_fixture("object");
	symbol("limit")->st_shndx = SHN_ABS;
	expect_failure(ERROR_FORMAT, "symbol 'limit': got one without a section");
}
END_TEST

START_TEST(reference_to_undefined_symbol_is_unsupported)
{
	read_fixture("object");
	symbol("branch")->st_shndx = SHN_UNDEF;
	expect_unloadable(ERROR_UNSUPPORTED, "section 'tracepoint/one/first': function 'first': "
			  "instruction 12: symbol 'branch': got an extern one");
	ck_assert_uint_eq(obj.externals.len, 1);
	ck_assert_str_eq(obj.externals.at[0].name, "branch");
	ck_assert(obj.externals.at[0].is_function);
	ck_assert_int_eq(object_program(&obj, "first")->insns.at[12].src_reg,
			 BPF_PSEUDO_KFUNC_CALL);
}
END_TEST

START_TEST(missing_symbol_table_is_named)
{
	read_fixture("plain");
	section(".symtab")->sh_type = SHT_PROGBITS;
	expect_failure(ERROR_FORMAT, "symbol table: got none");
	ck_assert_ptr_nonnull(strstr(err.hint, "llvm-strip -g"));
}
END_TEST

START_TEST(relocation_outside_its_section_is_named)
{
	read_fixture("object");
	((Elf64_Rel *)contents(".reltracepoint/one/first"))->r_offset = 256;
	expect_failure(ERROR_FORMAT, "relocation 0: got offset 256, expected one within the 256 "
		       "bytes of section 'tracepoint/one/first'");
}
END_TEST

START_TEST(relocation_inside_an_instruction_is_named)
{
	read_fixture("object");
	((Elf64_Rel *)contents(".reltracepoint/one/first"))->r_offset = 4;
	expect_failure(ERROR_FORMAT, "relocation 0: got offset 4, expected that of an instruction");
}
END_TEST

START_TEST(relocation_of_second_half_is_named)
{
	read_fixture("object");
	((Elf64_Rel *)contents(".reltracepoint/one/first"))->r_offset = 8;
	expect_failure(ERROR_FORMAT, "instruction 1: relocation: got the second half");
}
END_TEST

START_TEST(relocation_of_arithmetic_is_named)
{
	read_fixture("object");
	((Elf64_Rel *)contents(".reltracepoint/one/first"))->r_offset = 4 * 8;
	expect_failure(ERROR_FORMAT, "instruction 4: relocation: got opcode 0xbf");
}
END_TEST

START_TEST(relocation_of_unknown_type_is_named)
{
	Elf64_Rel *rel;

	read_fixture("object");
	rel = contents(".reltracepoint/one/first");
	rel->r_info = ELF64_R_INFO(ELF64_R_SYM(rel->r_info), 77);
	expect_failure(ERROR_FORMAT, "relocation of a 64-bit constant: got type 77, expected 1");
}
END_TEST

START_TEST(relocation_by_unknown_symbol_is_named)
{
	Elf64_Rel *rel;

	read_fixture("object");
	rel = contents(".reltracepoint/one/first");
	rel->r_info = ELF64_R_INFO(5000, ELF64_R_TYPE(rel->r_info));
	expect_failure(ERROR_FORMAT, "relocation 0: got symbol 5000, expected one below ");
}
END_TEST

START_TEST(address_beyond_a_variable_section_is_named)
{
	read_fixture("object");
	((struct bpf_insn *)contents("tracepoint/one/first"))->imm = 16;
	expect_failure(ERROR_FORMAT, "symbol 'limit': got byte 16, expected one of the 16 of "
		       "section '.rodata'");
}
END_TEST

START_TEST(address_inside_a_map_is_named)
{
	read_fixture("object");
	((struct bpf_insn *)contents("tracepoint/two/both"))->imm = 4;
	expect_failure(ERROR_FORMAT, "got byte 4 of section '.maps', expected the start of a map");
}
END_TEST

START_TEST(call_into_the_middle_of_a_function_is_named)
{
	struct bpf_insn *insns;

	read_fixture("object");
	insns = contents("tracepoint/one/first");
	insns[12].imm = 0;
	expect_failure(ERROR_FORMAT, "call: got instruction 1 of section '.text', expected the "
		       "first");
}
END_TEST

START_TEST(call_far_outside_is_named)
{
	struct bpf_insn *insns;

	read_fixture("object");
	insns = contents("tracepoint/one/first");
	insns[12].imm = INT32_MIN;
	expect_failure(ERROR_FORMAT, "call: got instruction -2147483647 of section '.text'");
}
END_TEST

START_TEST(jump_out_of_a_function_is_named)
{
	struct bpf_insn *insns;

	read_fixture("object");
	insns = contents("tracepoint/one/first");
	ck_assert_int_eq(insns[10].code, BPF_JMP | BPF_JEQ | BPF_K);
	insns[10].off = 21;
	expect_failure(ERROR_FORMAT, "instruction 10: jump: got instruction 32, expected one of "
		       "the 32");
}
END_TEST

START_TEST(descriptor_in_the_file_is_refused)
{
	struct bpf_insn *insns;

	read_fixture("plain");
	insns = contents("tracepoint/a/b");
	insns[0] = (struct bpf_insn){ .code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = 1, .imm = 3 };
	insns[1] = (struct bpf_insn){ 0 };
	expect_failure(ERROR_FORMAT, "64-bit constant: got source register 1 and no relocation");
}
END_TEST

START_TEST(half_of_a_constant_is_named)
{
	struct bpf_insn *insns;

	read_fixture("plain");
	insns = contents("tracepoint/a/b");
	insns[1] = (struct bpf_insn){ .code = BPF_LD | BPF_IMM | BPF_DW };
	expect_failure(ERROR_FORMAT, "function 'probe': instruction 1: 64-bit constant: got half");
}
END_TEST

START_TEST(license_without_an_end_is_named)
{
	read_fixture("object");
	memset(contents("license"), 'G', section("license")->sh_size);
	expect_failure(ERROR_FORMAT, "section 'license': got 13 bytes, expected a string");
}
END_TEST

START_TEST(huge_bss_is_refused)
{
	read_fixture("object");
	section(".bss")->sh_size = 1ull << 31;
	expect_failure(ERROR_UNSUPPORTED, "section '.bss': got 2147483648 bytes of globals");
}
END_TEST

START_TEST(damaged_btf_is_named)
{
	read_fixture("object");
	((struct btf_header *)contents(".BTF"))->magic = 1;
	expect_failure(ERROR_FORMAT, "BTF: magic: got 0x0001, expected 0xeb9f");
}
END_TEST

START_TEST(maps_without_btf_are_named)
{
	read_fixture("object");
	memcpy((char *)file + section_header(header()->e_shstrndx)->sh_offset +
	       section(".BTF")->sh_name, ".XXX", 4);
	expect_failure(ERROR_FORMAT, "section '.maps': got no BTF for it");
	ck_assert_str_eq(err.hint, "compile the program with -g");
}
END_TEST

static const char *const sized_sections[] = {
	".maps", ".BTF", ".BTF.ext", ".symtab", ".strtab", "license", ".rodata", ".data",
	"tracepoint/one/first", ".reltracepoint/one/first",
};

START_TEST(section_of_4_gib_is_named)
{
	read_fixture("object");
	section(sized_sections[_i])->sh_size = 1ull << 32;
	expect_failure(ERROR_FORMAT, "got 4294967296 bytes at ");
	ck_assert_ptr_nonnull(strstr(err.message, "the file is cut off or damaged"));
}
END_TEST

/* Of the file's own BTF, where it lies in the file. */
static struct btf_type *type_in_file(uint32_t kind, const char *name)
{
	struct btf btf;
	struct btf_type *t;

	ck_assert_msg(!btf_init(&btf, contents(".BTF"), section(".BTF")->sh_size, &err), "%s",
		      err.message);
	t = (struct btf_type *)btf_type(&btf, btf_find(&btf, name, kind));
	ck_assert_ptr_nonnull(t);
	ck_assert((uint8_t *)t > file && (uint8_t *)t < file + file_size);
	btf_fini(&btf);
	return t;
}

static uint32_t id_in_file(uint32_t kind, const char *name)
{
	struct btf btf;
	uint32_t id;

	ck_assert(!btf_init(&btf, contents(".BTF"), section(".BTF")->sh_size, &err));
	id = btf_find(&btf, name, kind);
	btf_fini(&btf);
	return id;
}

START_TEST(type_that_stands_for_itself_is_named)
{
	read_fixture("externs");
	type_in_file(BTF_KIND_TYPEDEF, "u64")->type = id_in_file(BTF_KIND_TYPEDEF, "u64");
	expect_failure(ERROR_FORMAT, "BTF: type ");
	ck_assert_ptr_nonnull(strstr(err.message, "u64"));
}
END_TEST

START_TEST(variable_of_4_gib_is_named)
{
	struct btf_type *var;
	struct btf btf;
	struct btf_array *array;

	read_fixture("externs");
	var = type_in_file(BTF_KIND_VAR, "CONFIG_LOCALVERSION");
	ck_assert(!btf_init(&btf, contents(".BTF"), section(".BTF")->sh_size, &err));
	array = (struct btf_array *)btf_extra(btf_type(&btf, var->type));
	ck_assert_uint_eq(array->nelems, 5);
	array->nelems = UINT32_MAX;
	btf_fini(&btf);
	expect_failure(ERROR_FORMAT, "section '.kconfig': variable 'CONFIG_LOCALVERSION': got a type of "
		       "4294967295 bytes");
}
END_TEST

START_TEST(map_of_4_gib_is_no_more_than_a_number)
{
	read_fixture("old_maps");
	memset((char *)contents("maps") + symbol("shorter")->st_value + 4, 0xff, 12);
	ck_assert_msg(!object_init(&obj, "obj", file, file_size, &err), "%s", err.message);
	ck_assert_uint_eq(object_map(&obj, "shorter")->max_entries, UINT32_MAX);
	ck_assert_uint_eq(object_map(&obj, "shorter")->value_size, UINT32_MAX);
}
END_TEST

START_TEST(old_map_of_too_few_words_is_named)
{
	read_fixture("old_maps");
	symbol("shorter")->st_size = 12;
	expect_failure(ERROR_FORMAT, "map 'shorter': definition: got 12 bytes, expected struct "
		       "bpf_map_def, 20 or more");
}
END_TEST

START_TEST(values_of_a_map_that_holds_none_are_named)
{
	struct btf_type *inner;
	struct btf_member *m;
	struct btf btf;
	uint32_t i;

	read_fixture("holders");
	inner = type_in_file(BTF_KIND_STRUCT, "inner");
	ck_assert(!btf_init(&btf, contents(".BTF"), section(".BTF")->sh_size, &err));
	/* Its last member becomes that of a map that holds some. */
	for (i = 1; i < btf_count(&btf); i++) {
		const struct btf_type *t = btf_type(&btf, i);

		if (btf_kind(t) != BTF_KIND_STRUCT || !btf_vlen(t))
			continue;
		m = (struct btf_member *)btf_extra(t) + btf_vlen(t) - 1;
		if (strcmp(btf_string(&btf, m->name_off), "values"))
			continue;
		((struct btf_member *)btf_extra(inner))[btf_vlen(inner) - 1] = *m;
		break;
	}
	btf_fini(&btf);
	expect_failure(ERROR_FORMAT, "map 'one': values: got those of a map of another type, expected "
		       "them in a PROG_ARRAY, ARRAY_OF_MAPS or HASH_OF_MAPS");
}
END_TEST

/* ---- damaged anywhere: no crash, no leak, and an error that says something ---- */

/* Debug information is most of the file and never read; headers that describe it are. */
static bool *find_debug_bytes(void)
{
	bool *debug = calloc(file_size, 1);
	const char *names = (char *)file + section_header(header()->e_shstrndx)->sh_offset;

	for (unsigned int i = 0; i < header()->e_shnum; i++) {
		const Elf64_Shdr *s = section_header(i);

		if (strstr(names + s->sh_name, ".debug_"))
			memset(debug + s->sh_offset, 1, s->sh_size);
	}
	return debug;
}

static void try_hostile(const uint8_t *data, size_t size)
{
	/* Of exactly this size, so that a read behind it is seen. */
	uint8_t *copy = malloc(size + !size);

	memcpy(copy, data, size);
	error_clear(&err);
	if (object_init(&obj, "obj", copy, size, &err)) {
		ck_assert_int_ne(err.code, ERROR_NONE);
		ck_assert_int_eq(strncmp(err.message, "obj: ", 5), 0);
	} else {
		for (size_t i = 0; i < obj.programs.len; i++)
			ck_assert_uint_gt(obj.programs.at[i].insns.len, 0);
		object_global(&obj, "nobody", NULL);
		object_fini(&obj);
	}
	free(copy);
}

START_TEST(cut_object_is_an_error_at_every_length)
{
	size_t len;

	read_fixture("plain");
	for (len = 0; len < file_size; len += len < 128 ? 1 : 13) {
		uint8_t *copy = malloc(len + !len);

		memcpy(copy, file, len);
		ck_assert_int_eq(object_init(&obj, "obj", copy, len, &err), -1);
		ck_assert_int_eq(strncmp(err.message, "obj: ", 5), 0);
		free(copy);
	}
}
END_TEST

START_TEST(flipped_bytes_do_no_harm)
{
	const char *fixtures[] = { "object", "core", "externs", "holders", "old_maps" };
	const uint8_t patterns[] = { 0xff, 0x01, 0x80 };

	bool *skip;

	read_fixture(fixtures[_i / 3]);
	skip = find_debug_bytes();
	for (size_t at = 0; at < file_size; at++) {
		uint8_t saved = file[at];

		if (skip[at])
			continue;
		file[at] ^= patterns[_i % 3];
		try_hostile(file, file_size);
		file[at] = saved;
	}
	free(skip);
}
END_TEST

START_TEST(words_of_all_ones_and_zeros_do_no_harm)
{
	uint8_t saved[8];
	bool *skip;

	read_fixture("object");
	skip = find_debug_bytes();
	for (size_t at = 0; at + 8 <= file_size; at += 4) {
		if (skip[at])
			continue;
		memcpy(saved, file + at, 8);
		memset(file + at, 0xff, _i & 2 ? 8 : 4);
		if (_i & 1)
			memset(file + at, 0, 4);
		try_hostile(file, file_size);
		memcpy(file + at, saved, 8);
	}
	free(skip);
}
END_TEST

static void add_damage_tests(TCase *tc)
{
	tcase_add_test(tc, empty_file_is_no_elf_file);
	tcase_add_test(tc, text_is_no_elf_file);
	tcase_add_test(tc, other_machine_is_named);
	tcase_add_test(tc, other_class_is_named);
	tcase_add_test(tc, other_byte_order_is_unsupported);
	tcase_add_test(tc, executable_is_no_object);
	tcase_add_test(tc, missing_section_headers_are_named);
	tcase_add_test(tc, cut_file_is_named);
	tcase_add_test(tc, section_outside_the_file_is_named);
	tcase_add_test(tc, section_whose_end_overflows_is_named);
	tcase_add_test(tc, overlapping_sections_are_named);
	tcase_add_test(tc, section_inside_the_header_is_named);
	tcase_add_test(tc, function_without_instructions_is_named);
	tcase_add_test(tc, section_without_instructions_is_named);
	tcase_add_test(tc, function_of_broken_length_is_named);
	tcase_add_test(tc, function_beyond_its_section_is_named);
	tcase_add_test(tc, overlapping_functions_are_named);
	tcase_add_test(tc, symbol_of_no_section_is_named);
	tcase_add_test(tc, reference_to_absolute_symbol_is_named);
	tcase_add_test(tc, reference_to_undefined_symbol_is_unsupported);
	tcase_add_test(tc, missing_symbol_table_is_named);
	tcase_add_test(tc, relocation_outside_its_section_is_named);
	tcase_add_test(tc, relocation_inside_an_instruction_is_named);
	tcase_add_test(tc, relocation_of_second_half_is_named);
	tcase_add_test(tc, relocation_of_arithmetic_is_named);
	tcase_add_test(tc, relocation_of_unknown_type_is_named);
	tcase_add_test(tc, relocation_by_unknown_symbol_is_named);
	tcase_add_test(tc, address_beyond_a_variable_section_is_named);
	tcase_add_test(tc, address_inside_a_map_is_named);
	tcase_add_test(tc, call_into_the_middle_of_a_function_is_named);
	tcase_add_test(tc, call_far_outside_is_named);
	tcase_add_test(tc, jump_out_of_a_function_is_named);
	tcase_add_test(tc, descriptor_in_the_file_is_refused);
	tcase_add_test(tc, half_of_a_constant_is_named);
	tcase_add_test(tc, license_without_an_end_is_named);
	tcase_add_test(tc, huge_bss_is_refused);
	tcase_add_test(tc, damaged_btf_is_named);
	tcase_add_test(tc, maps_without_btf_are_named);
	tcase_add_loop_test(tc, section_of_4_gib_is_named, 0,
			    sizeof(sized_sections) / sizeof(sized_sections[0]));
	tcase_add_test(tc, type_that_stands_for_itself_is_named);
	tcase_add_test(tc, variable_of_4_gib_is_named);
	tcase_add_test(tc, map_of_4_gib_is_no_more_than_a_number);
	tcase_add_test(tc, old_map_of_too_few_words_is_named);
	tcase_add_test(tc, values_of_a_map_that_holds_none_are_named);
}

Suite *object_suite(void)
{
	Suite *s = suite_create("object");
	TCase *tc = tcase_create("object");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, programs_keep_names_and_sections);
	tcase_add_test(tc, subprograms_follow_once_each_and_only_where_reached);
	tcase_add_test(tc, calls_lead_to_their_functions);
	tcase_add_test(tc, references_name_map_variable_and_function);
	tcase_add_test(tc, referring_instructions_are_blank);
	tcase_add_test(tc, maps_are_as_defined);
	tcase_add_loop_test(tc, data_sections_are_maps_of_one_value, 0, 3);
	tcase_add_test(tc, globals_are_found_with_their_values);
	tcase_add_test(tc, btf_of_sections_is_complete_and_sorted);
	tcase_add_test(tc, info_follows_the_code);
	tcase_add_test(tc, copied_functions_keep_their_lines);
	tcase_add_test(tc, relocations_lie_on_instructions_of_their_program);
	tcase_add_test(tc, what_is_called_where_a_program_throws_is_linked_and_kept);
	tcase_add_test(tc, object_without_maps_and_license_is_fine);
	tcase_add_test(tc, added_map_is_found_by_its_own_name);
	tcase_add_loop_test(tc, what_cannot_be_loaded_is_read_and_named_when_loading, 0, 2);
	tcase_add_test(tc, addresses_in_globals_are_kept);
	tcase_add_test(tc, pinning_is_kept);
	tcase_add_test(tc, map_of_maps_has_a_template_and_what_is_in_it);
	tcase_add_test(tc, map_of_programs_names_them);
	tcase_add_test(tc, attributes_of_all_widths_are_read);
	tcase_add_test(tc, slot_that_names_no_map_is_refused);
	tcase_add_test(tc, slot_that_names_no_program_is_refused);
	tcase_add_test(tc, address_beside_the_values_is_refused);
	tcase_add_test(tc, maps_of_the_old_form_are_read);
	tcase_add_test(tc, old_map_of_another_loader_is_named);
	tcase_add_test(tc, externs_of_the_kernel_are_told_apart);
	tcase_add_test(tc, variables_without_relocations_are_where_their_symbols_say);
	tcase_add_test(tc, external_variable_is_kept_with_its_section_and_type);
	add_damage_tests(tc);
	tcase_add_test(tc, cut_object_is_an_error_at_every_length);
	tcase_add_loop_test(tc, flipped_bytes_do_no_harm, 0, 15);
	tcase_add_loop_test(tc, words_of_all_ones_and_zeros_do_no_harm, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
